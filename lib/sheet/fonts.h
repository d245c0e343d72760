#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>

#include <fontconfig/fontconfig.h>
#include <ft2build.h>
#include FT_FREETYPE_H
#include <harfbuzz/hb.h>

/// \file
/// Installed fonts: which one has a character.

namespace klio::sheet {

/// One open font at one size. Not thread-safe.
struct Font {
    FT_Face face = nullptr;
    hb_font_t* shaper = nullptr;
    int size = 0; ///< pixels an em

    Font() = default;
    ~Font();
    Font(const Font&) = delete;
    Font& operator=(const Font&) = delete;
    void set_size(int pixels);
};

/// The fonts of one typesetter, opened when they are needed. Fonts live as long as this. Not
/// thread-safe.
class Fonts {
public:
    /// `name`: a file, a family, or empty for the system's sans. Throws UsageError where a font
    /// that was named is not there.
    explicit Fonts(const std::string& name);
    ~Fonts();
    Fonts(const Fonts&) = delete;
    Fonts& operator=(const Fonts&) = delete;

    /// What text is set in; null where no font is installed.
    Font* first(bool bold) const { return m_first[bold]; }
    /// The first font where it has `character`, else any installed one that has it, else the first,
    /// which then draws its box. Only where first() is not null.
    Font* font_for(char32_t character, bool bold);
    size_t missing() const { return m_missing.size(); } ///< characters that no font has

private:
    void close();
    void find_first(const std::string& name);
    Font* load(const std::string& file, int index);
    Font* match(bool bold, char32_t character);

    FT_Library m_library = nullptr;
    FcConfig* m_config = nullptr;
    std::string m_family;
    std::map<std::pair<std::string, int>, std::unique_ptr<Font>> m_fonts; ///< by file and number
    Font* m_first[2] = {nullptr, nullptr};
    std::map<char32_t, Font*> m_fallback[2];
    std::set<char32_t> m_missing;
};

} // namespace klio::sheet
