#include "local/letter.h"

#include "local/font.h"
#include "local/glyphs.h"

#include <algorithm>
#include <cctype>

namespace klio::local {

namespace {

// The start of the next UTF-8 character behind `at`.
size_t next_character(const std::string& text, size_t at)
{
    ++at;
    while (at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80)
        ++at;
    return at;
}

bool space_at(const std::string& text, size_t at)
{
    return std::isspace(static_cast<unsigned char>(text[at])) != 0;
}

void blend(uint8_t* pixel, Color color, int coverage)
{
    const int ink[3] = {color.r, color.g, color.b};
    for (int c = 0; c < 3; ++c)
        pixel[c] = uint8_t((pixel[c] * (255 - coverage) + ink[c] * coverage + 127) / 255);
}

} // namespace

Lettering::Lettering(int size, bool bold)
    : m_size(std::max(size, 8)), m_bold(bold), m_font(have_font(bold))
{
}

int Lettering::advance(uint32_t character) const
{
    return m_font ? draw_glyph(character, m_size, m_bold).advance
                  : glyph_advance * glyph_scale(m_size);
}

int Lettering::width(const std::string& text) const
{
    int sum = 0;
    for (const uint32_t character : code_points(text))
        sum += advance(character);
    return sum;
}

void Lettering::draw(Picture& picture, int x, int y, const std::string& text, Color color) const
{
    const int scale = glyph_scale(m_size);
    for (const uint32_t character : code_points(text)) {
        if (!m_font) {
            const Glyph& glyph = find_glyph(character);
            for (int row = 0; row < glyph_height; ++row)
                for (int column = 0; column < glyph_width; ++column)
                    if (glyph[size_t(row)] >> (glyph_width - 1 - column) & 1)
                        fill(picture, x + column * scale, y + (row + 1) * scale, scale, scale,
                             color);
            x += glyph_advance * scale;
            continue;
        }
        const DrawnGlyph glyph = draw_glyph(character, m_size, m_bold);
        for (int row = 0; row < glyph.height; ++row)
            for (int column = 0; column < glyph.width; ++column) {
                const int at_x = x + glyph.left + column;
                const int at_y = y + m_size - glyph.top + row;
                if (at_x >= 0 && at_x < picture.width && at_y >= 0 && at_y < picture.height)
                    blend(picture.at(at_x, at_y), color,
                          glyph.coverage[size_t(row * glyph.width + column)]);
            }
        x += glyph.advance;
    }
}

std::vector<std::string> Lettering::wrap(const std::string& text, int limit, size_t max_lines) const
{
    std::vector<std::string> lines;
    size_t at = 0;
    while (at < text.size() && lines.size() < max_lines) {
        while (at < text.size() && space_at(text, at))
            ++at;
        // As many characters as fit; the line then ends at its last space where it has one.
        const size_t start = at;
        size_t last_space = std::string::npos;
        int sum = 0;
        size_t end = start;
        while (end < text.size()) {
            const size_t next = next_character(text, end);
            sum += width(text.substr(end, next - end));
            if (space_at(text, end))
                last_space = end;
            else if (sum > limit)
                break;
            end = next;
        }
        const bool last_line = lines.size() + 1 == max_lines;
        if (end < text.size() && last_line) {
            std::string line = text.substr(start, end - start);
            while (!line.empty()
                   && (space_at(line, line.size() - 1) || width(line + "…") > limit)) {
                while (line.size() > 1 && (static_cast<unsigned char>(line.back()) & 0xC0) == 0x80)
                    line.pop_back();
                line.pop_back();
            }
            lines.push_back(line + "…");
            return lines;
        }
        if (end < text.size() && last_space != std::string::npos)
            end = last_space;
        if (end == start) // not even one character fits
            end = next_character(text, start);
        std::string line = text.substr(start, end - start);
        while (!line.empty() && space_at(line, line.size() - 1))
            line.pop_back();
        if (!line.empty())
            lines.push_back(line);
        at = end;
    }
    return lines;
}

Lettering fitting_lettering(const std::string& text, int size, bool bold, int width)
{
    Lettering lettering(size, bold);
    const int needed = lettering.width(text);
    if (needed > width && needed > 0)
        lettering = Lettering(int(int64_t(size) * width / needed) - 1, bold);
    return lettering;
}

} // namespace klio::local
