#include "sheet/text.h"

#include "base/encoding.h"
#include "sheet/fonts.h"
#include FT_OUTLINE_H
#include <harfbuzz/hb.h>
#include <unicode/ubidi.h>
#include <unicode/ubrk.h>
#include <unicode/uchar.h>
#include <unicode/uscript.h>
#include <unicode/ustring.h>

#include <algorithm>

namespace klio::sheet {

namespace {

const char* const ellipsis = "\xE2\x80\xA6";

/// A run of one font, script and direction, in logical order within itself.
struct Run {
    int begin = 0, end = 0; ///< in UTF-16 units
    Font* font = nullptr;
    UScriptCode script = USCRIPT_COMMON;
    bool rtl = false;
};

std::u16string to_utf16(const std::string& text)
{
    std::u16string out(text.size() + 1, u'\0');
    int32_t length = 0;
    UErrorCode status = U_ZERO_ERROR;
    u_strFromUTF8WithSub(out.data(), int32_t(out.size()), &length, text.data(),
                         int32_t(text.size()), 0xFFFD, nullptr, &status);
    out.resize(size_t(length));
    // A tab or line end within a line would be drawn as a missing glyph.
    for (char16_t& unit : out)
        if (unit < 0x20 || unit == 0x7F || unit == 0x2028 || unit == 0x2029)
            unit = u' ';
    return out;
}

std::string to_utf8(const std::u16string& text)
{
    std::string out(text.size() * 3 + 1, '\0');
    int32_t length = 0;
    UErrorCode status = U_ZERO_ERROR;
    u_strToUTF8(out.data(), int32_t(out.size()), &length, text.data(), int32_t(text.size()),
                &status);
    out.resize(U_SUCCESS(status) ? size_t(length) : 0);
    return out;
}

// What takes no glyph of its own, so that it must never choose a font.
bool ignorable(UChar32 c)
{
    return u_hasBinaryProperty(c, UCHAR_DEFAULT_IGNORABLE_CODE_POINT) || u_iscntrl(c);
}

/// Break iterators are costly to make and are not made when text fits anyway.
std::vector<int> breaks(const std::u16string& text, UBreakIteratorType type)
{
    std::vector<int> places;
    UErrorCode status = U_ZERO_ERROR;
    UBreakIterator* iterator = ubrk_open(type, "en", text.data(), int32_t(text.size()), &status);
    if (U_SUCCESS(status))
        for (int32_t at = ubrk_next(iterator); at != UBRK_DONE; at = ubrk_next(iterator))
            places.push_back(at);
    else
        for (size_t i = 1; i <= text.size(); ++i)
            places.push_back(int(i));
    if (iterator)
        ubrk_close(iterator);
    return places;
}

} // namespace

struct Typesetter::Impl {
    explicit Impl(const std::string& font) : fonts(font) { }
    Fonts fonts;

    std::vector<Run> itemize(const std::u16string& text, bool bold)
    {
        std::vector<Run> runs;
        UErrorCode status = U_ZERO_ERROR;
        UBiDi* bidi = ubidi_open();
        ubidi_setPara(bidi, text.data(), int32_t(text.size()), UBIDI_DEFAULT_LTR, nullptr, &status);
        const int directions = U_SUCCESS(status) ? ubidi_countRuns(bidi, &status) : 0;
        for (int d = 0; d < directions; ++d) {
            int32_t start = 0, length = 0;
            const bool rtl = ubidi_getVisualRun(bidi, d, &start, &length) == UBIDI_RTL;
            std::vector<Run> part;
            for (int at = start; at < start + length;) {
                const int begin = at;
                UChar32 c = 0;
                U16_NEXT(text.data(), at, start + length, c);
                UErrorCode ignored = U_ZERO_ERROR;
                const UScriptCode script = uscript_getScript(c, &ignored);
                const bool common = script == USCRIPT_COMMON || script == USCRIPT_INHERITED;
                const bool follows = !part.empty()
                    && (ignorable(c) || (u_getCombiningClass(c) != 0 || script == USCRIPT_INHERITED)
                        || (common && FT_Get_Char_Index(part.back().font->face, FT_ULong(c))));
                Font* font = follows ? part.back().font
                    : ignorable(c)   ? fonts.first(bold)
                                     : fonts.font_for(char32_t(c), bold);
                if (!part.empty() && part.back().font == font
                    && (common || part.back().script == script
                        || part.back().script == USCRIPT_COMMON)) {
                    part.back().end = at;
                    if (!common)
                        part.back().script = script;
                } else {
                    part.push_back({begin, at, font, common ? USCRIPT_COMMON : script, rtl});
                }
            }
            if (rtl)
                std::reverse(part.begin(), part.end());
            runs.insert(runs.end(), part.begin(), part.end());
        }
        ubidi_close(bidi);
        return runs;
    }

    /// Shapes and, with a canvas, draws; the pen's way in 26.6 pixels.
    long set_line(const std::string& utf8, const TextStyle& style, Canvas* canvas, int x,
                  int baseline)
    {
        if (!fonts.first(false) || utf8.empty())
            return 0;
        const std::u16string text = to_utf16(utf8);
        long pen = long(x) * 64;
        for (const Run& run : itemize(text, style.bold)) {
            run.font->set_size(style.size);
            hb_buffer_t* buffer = hb_buffer_create();
            hb_buffer_add_utf16(buffer, reinterpret_cast<const uint16_t*>(text.data()),
                                int(text.size()), unsigned(run.begin), run.end - run.begin);
            hb_buffer_set_direction(buffer, run.rtl ? HB_DIRECTION_RTL : HB_DIRECTION_LTR);
            hb_buffer_set_script(buffer,
                                 hb_script_from_string(uscript_getShortName(run.script), -1));
            hb_buffer_set_language(buffer, hb_language_get_default());
            hb_shape(run.font->shaper, buffer, nullptr, 0);
            unsigned count = 0;
            const hb_glyph_info_t* glyphs = hb_buffer_get_glyph_infos(buffer, &count);
            const hb_glyph_position_t* places = hb_buffer_get_glyph_positions(buffer, &count);
            for (unsigned i = 0; i < count; ++i) {
                if (canvas)
                    draw_glyph(*canvas, run.font->face, glyphs[i].codepoint,
                               pen + places[i].x_offset, baseline - int(places[i].y_offset / 64),
                               style.color);
                pen += places[i].x_advance;
            }
            hb_buffer_destroy(buffer);
        }
        return pen - long(x) * 64;
    }

    void draw_glyph(Canvas& canvas, FT_Face face, unsigned glyph, long pen, int baseline,
                    Color color)
    {
        if (FT_Load_Glyph(face, glyph, FT_LOAD_TARGET_LIGHT))
            return;
        // The part of a pixel that the pen stands at keeps the spacing even at small sizes.
        FT_Outline_Translate(&face->glyph->outline, pen & 63, 0);
        if (FT_Render_Glyph(face->glyph, FT_RENDER_MODE_NORMAL))
            return;
        const FT_Bitmap& bitmap = face->glyph->bitmap;
        if (bitmap.pixel_mode != FT_PIXEL_MODE_GRAY)
            return;
        const int left = int(pen >> 6) + face->glyph->bitmap_left;
        const int top = baseline - face->glyph->bitmap_top;
        for (unsigned y = 0; y < bitmap.rows; ++y)
            for (unsigned x = 0; x < bitmap.width; ++x)
                canvas.blend(left + int(x), top + int(y), color,
                             bitmap.buffer[long(y) * bitmap.pitch + long(x)]);
    }
};

Typesetter::Typesetter(const std::string& font) : m_impl(std::make_unique<Impl>(font))
{
}

Typesetter::~Typesetter() = default;
Typesetter::Typesetter(Typesetter&&) noexcept = default;
Typesetter& Typesetter::operator=(Typesetter&&) noexcept = default;

bool Typesetter::available() const
{
    return m_impl->fonts.first(false) != nullptr;
}

size_t Typesetter::missing() const
{
    return m_impl->fonts.missing();
}

int Typesetter::ascent(const TextStyle& style) const
{
    if (!available())
        return 0;
    Font& font = *m_impl->fonts.first(style.bold);
    font.set_size(style.size);
    return int((font.face->size->metrics.ascender + 63) >> 6);
}

int Typesetter::line_height(const TextStyle& style) const
{
    if (!available())
        return 0;
    Font& font = *m_impl->fonts.first(style.bold);
    font.set_size(style.size);
    return int((font.face->size->metrics.height + 63) >> 6);
}

int Typesetter::width(const std::string& text, const TextStyle& style)
{
    return int((m_impl->set_line(text, style, nullptr, 0, 0) + 63) >> 6);
}

std::string Typesetter::elide(const std::string& text, int width, const TextStyle& style)
{
    if (this->width(text, style) <= width)
        return text;
    const std::u16string units = to_utf16(text);
    const std::vector<int> places = breaks(units, UBRK_CHARACTER);
    const auto shortened = [&](size_t count) {
        std::u16string head = units.substr(0, count ? size_t(places[count - 1]) : 0);
        while (!head.empty() && head.back() == u' ')
            head.pop_back();
        return to_utf8(head) + ellipsis;
    };
    size_t low = 0, high = places.empty() ? 0 : places.size() - 1;
    while (low < high) { // the most characters that fit
        const size_t middle = (low + high + 1) / 2;
        if (this->width(shortened(middle), style) <= width)
            low = middle;
        else
            high = middle - 1;
    }
    const std::string best = shortened(low);
    return this->width(best, style) <= width ? best : std::string();
}

std::vector<std::string> Typesetter::wrap(const std::string& text, int width, int max_lines,
                                          const TextStyle& style)
{
    std::vector<std::string> lines;
    if (!available() || max_lines <= 0)
        return lines;
    size_t begin = 0;
    while (begin <= text.size() && int(lines.size()) < max_lines) {
        const size_t newline = std::min(text.find('\n', begin), text.size());
        std::u16string rest = to_utf16(text.substr(begin, newline - begin));
        do {
            const std::string all = to_utf8(rest);
            if (int(lines.size()) == max_lines - 1 || this->width(all, style) <= width) {
                lines.push_back(elide(all, width, style));
                rest.clear();
                break;
            }
            size_t best = 0;
            for (const UBreakIteratorType type : {UBRK_LINE, UBRK_CHARACTER}) {
                for (const int place : breaks(rest, type)) {
                    std::u16string head = rest.substr(0, size_t(place));
                    while (!head.empty() && head.back() == u' ')
                        head.pop_back();
                    if (this->width(to_utf8(head), style) > width)
                        break;
                    best = size_t(place);
                }
                if (best)
                    break;
            }
            if (!best)
                best = std::min<size_t>(rest.size(), U16_IS_LEAD(rest[0]) ? 2 : 1);
            std::u16string head = rest.substr(0, best);
            while (!head.empty() && head.back() == u' ')
                head.pop_back();
            lines.push_back(to_utf8(head));
            rest.erase(0, best);
        } while (!rest.empty() && int(lines.size()) < max_lines);
        // What an earlier line end left over must not vanish without a sign.
        if (int(lines.size()) == max_lines && newline < text.size() && !lines.back().empty()
            && text.find_first_not_of(" \n\t", newline) != std::string::npos)
            lines.back() = elide(lines.back() + " " + text.substr(newline + 1), width, style);
        begin = newline + 1;
    }
    return lines;
}

void Typesetter::draw(Canvas& canvas, const std::string& text, int x, int baseline,
                      const TextStyle& style)
{
    m_impl->set_line(text, style, &canvas, x, baseline);
}

std::string cut(const std::string& text, size_t count)
{
    if (base::utf8_length(text) <= count)
        return text;
    std::u16string units = to_utf16(text);
    const std::vector<int> places = breaks(units, UBRK_CHARACTER);
    if (places.size() <= count)
        return text;
    units.resize(count > 1 ? size_t(places[count - 2]) : 0);
    while (!units.empty() && units.back() == u' ')
        units.pop_back();
    return to_utf8(units) + ellipsis;
}

} // namespace klio::sheet
