#pragma once

#include "sheet/canvas.h"

#include <memory>
#include <string>
#include <vector>

/// \file
/// Labels in any script: fontconfig finds the fonts, ICU orders the directions and finds where
/// lines may break, HarfBuzz shapes, FreeType draws.

namespace klio::sheet {

struct TextStyle {
    int size = 16; ///< pixels an em
    bool bold = false;
    Color color;
};

/// Measures and draws single lines of UTF-8. A character that the first font lacks is taken from
/// whichever installed font has it. Where no font is installed at all, every width is 0 and nothing
/// is drawn. Not thread-safe.
class Typesetter {
public:
    /// `font`: a file, a family as fontconfig knows them, or empty for the system's sans. Throws
    /// UsageError where a font that was named is not there.
    explicit Typesetter(const std::string& font = {});
    ~Typesetter();
    Typesetter(Typesetter&&) noexcept;
    Typesetter& operator=(Typesetter&&) noexcept;

    bool available() const; ///< false: no font is installed
    int ascent(const TextStyle& style) const;
    int line_height(const TextStyle& style) const;
    int width(const std::string& text, const TextStyle& style);
    /// `text` cut with an ellipsis so that it is at most `width` pixels wide.
    std::string elide(const std::string& text, int width, const TextStyle& style);
    /// Lines of at most `width` pixels, at most `max_lines` of them, the last one elided. Breaks
    /// where Unicode allows it (UAX #14), else anywhere; "\n" always breaks.
    std::vector<std::string> wrap(const std::string& text, int width, int max_lines,
                                  const TextStyle& style);
    /// Draws with the pen starting at (x, baseline).
    void draw(Canvas& canvas, const std::string& text, int x, int baseline, const TextStyle& style);
    /// How many different characters were asked for that no installed font has.
    size_t missing() const;

private:
    struct Impl;
    std::unique_ptr<Impl> m_impl;
};

/// `text` cut to `count` characters, the last one an ellipsis where something was cut.
std::string cut(const std::string& text, size_t count);

} // namespace klio::sheet
