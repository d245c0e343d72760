#include "local/letter.h"

#include "base/file.h"
#include "local/glyphs.h"

#include <OpenImageIO/imagebuf.h>
#include <OpenImageIO/imagebufalgo.h>

#include <algorithm>
#include <cstdlib>

namespace klio::local {

namespace {

// KLIO_FONT, else the places where systems keep a plain sans-serif.
std::string find_font(bool bold)
{
    std::vector<std::string> places;
    if (const char* named = std::getenv("KLIO_FONT"))
        return base::exists(named) ? named : std::string();
    const std::string deja = bold ? "DejaVuSans-Bold.ttf" : "DejaVuSans.ttf";
    const std::string liberation = bold ? "LiberationSans-Bold.ttf" : "LiberationSans-Regular.ttf";
    const std::string noto = bold ? "NotoSans-Bold.ttf" : "NotoSans-Regular.ttf";
    for (const std::string& folder :
         {std::string("/usr/share/fonts/truetype/dejavu/"), std::string("/usr/share/fonts/dejavu/"),
          std::string("/usr/share/fonts/dejavu-sans-fonts/"), std::string("/usr/share/fonts/TTF/"),
          std::string("/usr/local/share/fonts/")})
        places.push_back(folder + deja);
    for (const std::string& folder : {std::string("/usr/share/fonts/truetype/liberation/"),
                                      std::string("/usr/share/fonts/liberation-sans/"),
                                      std::string("/usr/share/fonts/liberation/")})
        places.push_back(folder + liberation);
    places.push_back("/usr/share/fonts/truetype/noto/" + noto);
    places.push_back(bold ? "/System/Library/Fonts/Supplemental/Arial Bold.ttf"
                          : "/System/Library/Fonts/Supplemental/Arial.ttf");
    for (const std::string& place : places)
        if (base::exists(place))
            return place;
    return {};
}

const std::string& font(bool bold)
{
    static const std::string fonts[2] = {find_font(false), find_font(true)};
    return fonts[bold ? 1 : 0];
}

// The start of the next UTF-8 character behind `at`.
size_t next_character(const std::string& text, size_t at)
{
    ++at;
    while (at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80)
        ++at;
    return at;
}

} // namespace

Lettering::Lettering(int size, bool bold) : m_size(std::max(size, 8)), m_font(font(bold))
{
}

int Lettering::width(const std::string& text) const
{
    if (!m_font.empty()) {
        const OIIO::ROI roi = OIIO::ImageBufAlgo::text_size(text, m_size, m_font);
        if (roi.defined())
            return roi.xend;
    }
    int letters = 0;
    for (size_t at = 0; at < text.size(); at = next_character(text, at))
        ++letters;
    return letters * glyph_advance * glyph_scale(m_size);
}

void Lettering::draw(Picture& picture, int x, int y, const std::string& text, Color color) const
{
    if (text.empty())
        return;
    if (!m_font.empty()) {
        // Only the line's own rows: the rest of the picture is none of the renderer's business.
        const int top = std::clamp(y - m_size / 2, 0, picture.height);
        const int bottom = std::clamp(y + 2 * m_size, 0, picture.height);
        if (top < bottom) {
            OIIO::ImageSpec spec(picture.width, bottom - top, 3, OIIO::TypeDesc::UINT8);
            OIIO::ImageBuf buffer(spec, picture.at(0, top));
            const float ink[3] = {color.r / 255.0f, color.g / 255.0f, color.b / 255.0f};
            if (OIIO::ImageBufAlgo::render_text(buffer, x, y - top + m_size, text, m_size, m_font,
                                                ink))
                return;
        }
    }
    const int scale = glyph_scale(m_size);
    for (size_t at = 0; at < text.size(); at = next_character(text, at)) {
        const Glyph& glyph = find_glyph(text.substr(at, next_character(text, at) - at));
        for (int row = 0; row < glyph_height; ++row)
            for (int column = 0; column < glyph_width; ++column)
                if (glyph[size_t(row)] >> (glyph_width - 1 - column) & 1)
                    fill(picture, x + column * scale, y + row * scale + scale, scale, scale, color);
        x += glyph_advance * scale;
    }
}

std::vector<std::string> Lettering::wrap(const std::string& text, int limit, size_t max_lines) const
{
    std::vector<std::string> lines;
    std::string line;
    const auto ellipsised = [&](std::string words) {
        while (!words.empty() && width(words + "…") > limit) {
            do
                words.pop_back();
            while (!words.empty() && (static_cast<unsigned char>(words.back()) & 0xC0) == 0x80);
            // A lead byte whose followers are gone goes as well.
            if (!words.empty() && static_cast<unsigned char>(words.back()) >= 0xC0)
                words.pop_back();
        }
        return words + "…";
    };
    for (size_t at = 0; at < text.size();) {
        // A piece is a word with the space before it; a word too long for any line is cut.
        size_t end = at;
        while (end < text.size() && std::isspace(static_cast<unsigned char>(text[end])))
            ++end;
        const bool space = end > at && !line.empty();
        const size_t start = end;
        while (end < text.size() && !std::isspace(static_cast<unsigned char>(text[end])))
            end = next_character(text, end);
        std::string word = text.substr(start, end - start);
        if (word.empty())
            break;
        if (width(line + (space ? " " : "") + word) <= limit) {
            line += (space ? " " : "") + word;
            at = end;
            continue;
        }
        if (lines.size() + 1 == max_lines) {
            lines.push_back(ellipsised(line + (space ? " " : "") + word));
            return lines;
        }
        if (!line.empty()) {
            lines.push_back(line);
            line.clear();
            at = start;
            continue;
        }
        size_t fit = next_character(word, 0);
        while (fit < word.size() && width(word.substr(0, next_character(word, fit))) <= limit)
            fit = next_character(word, fit);
        lines.push_back(word.substr(0, fit));
        at = start + fit;
    }
    if (!line.empty())
        lines.push_back(line);
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
