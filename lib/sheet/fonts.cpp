#include "sheet/fonts.h"

#include "base/file.h"

#include <klio/error.h>

#include <harfbuzz/hb-ft.h>

namespace klio::sheet {

Font::~Font()
{
    if (shaper)
        hb_font_destroy(shaper);
    if (face)
        FT_Done_Face(face);
}

void Font::set_size(int pixels)
{
    if (size == pixels)
        return;
    FT_Set_Pixel_Sizes(face, 0, FT_UInt(pixels));
    hb_ft_font_changed(shaper);
    size = pixels;
}

Fonts::Fonts(const std::string& name)
{
    if (FT_Init_FreeType(&m_library)) {
        m_library = nullptr;
        return;
    }
    m_config = FcInitLoadConfigAndFonts();
    try {
        find_first(name);
    } catch (...) {
        close();
        throw;
    }
}

Fonts::~Fonts()
{
    close();
}

void Fonts::close()
{
    m_fonts.clear(); // before the library that they belong to
    if (m_library)
        FT_Done_FreeType(m_library);
    if (m_config)
        FcConfigDestroy(m_config);
}

Font* Fonts::load(const std::string& file, int index)
{
    std::unique_ptr<Font>& font = m_fonts[{file, index}];
    if (!font) {
        font = std::make_unique<Font>();
        if (FT_New_Face(m_library, file.c_str(), index, &font->face) == 0
            && FT_IS_SCALABLE(font->face)) {
            FT_Set_Pixel_Sizes(font->face, 0, 16);
            font->shaper = hb_ft_font_create_referenced(font->face);
            hb_ft_font_set_load_flags(font->shaper, FT_LOAD_TARGET_LIGHT);
            font->size = 16;
        }
    }
    return font->shaper ? font.get() : nullptr;
}

Font* Fonts::match(bool bold, char32_t character)
{
    FcPattern* pattern = FcPatternCreate();
    if (!m_family.empty())
        FcPatternAddString(pattern, FC_FAMILY, reinterpret_cast<const FcChar8*>(m_family.c_str()));
    FcPatternAddString(pattern, FC_FAMILY, reinterpret_cast<const FcChar8*>("sans-serif"));
    FcPatternAddInteger(pattern, FC_WEIGHT, bold ? FC_WEIGHT_BOLD : FC_WEIGHT_REGULAR);
    FcPatternAddBool(pattern, FC_SCALABLE, FcTrue);
    FcPatternAddBool(pattern, FC_COLOR, FcFalse);
    if (character) {
        FcCharSet* set = FcCharSetCreate();
        FcCharSetAddChar(set, FcChar32(character));
        FcPatternAddCharSet(pattern, FC_CHARSET, set);
        FcCharSetDestroy(set);
    }
    FcConfigSubstitute(m_config, pattern, FcMatchPattern);
    FcDefaultSubstitute(pattern);
    Font* found = nullptr;
    FcResult result = FcResultMatch;
    FcFontSet* sorted = FcFontSort(m_config, pattern, FcTrue, nullptr, &result);
    for (int i = 0; sorted && i < sorted->nfont && !found; ++i) {
        FcChar8* file = nullptr;
        int index = 0;
        FcCharSet* has = nullptr;
        FcBool color = FcFalse;
        FcPatternGetBool(sorted->fonts[i], FC_COLOR, 0, &color);
        if (color || FcPatternGetString(sorted->fonts[i], FC_FILE, 0, &file) != FcResultMatch)
            continue;
        FcPatternGetInteger(sorted->fonts[i], FC_INDEX, 0, &index);
        if (character
            && (FcPatternGetCharSet(sorted->fonts[i], FC_CHARSET, 0, &has) != FcResultMatch
                || !FcCharSetHasChar(has, FcChar32(character))))
            continue;
        found = load(reinterpret_cast<const char*>(file), index & 0xFFFF);
    }
    if (sorted)
        FcFontSetDestroy(sorted);
    FcPatternDestroy(pattern);
    return found;
}

void Fonts::find_first(const std::string& name)
{
    if (!name.empty() && base::exists(name)) {
        m_first[0] = m_first[1] = load(name, 0);
        if (!m_first[0])
            throw UsageError("the font file \"" + name + "\" is no scalable font");
        return;
    }
    m_family = name;
    for (const bool bold : {false, true})
        m_first[bold] = match(bold, 0);
    if (!name.empty()) {
        // fontconfig gives something for any name; whoever names a font wants that one.
        FcPattern* asked = FcPatternCreate();
        FcPatternAddString(asked, FC_FAMILY, reinterpret_cast<const FcChar8*>(name.c_str()));
        FcObjectSet* objects = FcObjectSetBuild(FC_FAMILY, nullptr);
        FcFontSet* listed = FcFontList(m_config, asked, objects);
        const bool known = listed && listed->nfont > 0;
        if (listed)
            FcFontSetDestroy(listed);
        FcObjectSetDestroy(objects);
        FcPatternDestroy(asked);
        static const std::set<std::string> generic
            = {"sans", "sans-serif", "serif", "mono", "monospace", "cursive", "fantasy"};
        if (!known && !generic.count(name))
            throw UsageError("no font \"" + name
                             + "\" is installed: name a font file, or a family from fc-list");
    }
}

Font* Fonts::font_for(char32_t c, bool bold)
{
    if (FT_Get_Char_Index(m_first[bold]->face, FT_ULong(c)))
        return m_first[bold];
    const auto known = m_fallback[bold].find(c);
    if (known != m_fallback[bold].end())
        return known->second;
    Font* font = match(bold, c);
    if (!font) {
        m_missing.insert(c);
        font = m_first[bold];
    }
    return m_fallback[bold][c] = font;
}

} // namespace klio::sheet
