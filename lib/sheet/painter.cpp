#include "sheet/painter.h"

#include "sheet/template.h"

#include <OpenImageIO/strutil.h>

#include <algorithm>

namespace klio::sheet {

Canvas Painter::head(int page)
{
    Canvas band(m_plan.page_width, m_plan.margin + m_plan.header_height, m_plan.ink.paper);
    draw_lines(band, expand(m_plan.header, m_plan.page_fields(page)), m_plan.header_lines,
               m_plan.margin);
    return band;
}

Canvas Painter::line(bool last) const
{
    return {m_plan.page_width,
            m_plan.grid.cell_height + m_plan.label_height + (last ? 0 : m_plan.gap),
            m_plan.ink.paper};
}

Canvas Painter::foot(int page, int height)
{
    Canvas band(m_plan.page_width, height, m_plan.ink.paper);
    draw_lines(band, expand(m_plan.footer, m_plan.page_fields(page)), m_plan.footer_lines,
               height - m_plan.margin - m_plan.footer_lines * m_type.line_height(m_plan.title));
    return band;
}

void Painter::draw_lines(Canvas& band, const std::string& text, int lines, int top)
{
    // What follows the template's first line break is small print.
    const std::string first = text.substr(0, text.find('\n'));
    const int width = m_plan.page_width - 2 * m_plan.margin;
    TextStyle style = m_plan.title;
    int bold = int(m_type.wrap(first, width, lines, style).size());
    for (const std::string& line : m_type.wrap(text, width, lines, style)) {
        m_type.draw(band, line, m_plan.margin, top + m_type.ascent(style), style);
        top += m_type.line_height(style);
        if (--bold == 0) {
            style.bold = false;
            style.color = m_plan.ink.faint;
        }
    }
}

void Painter::draw_centred(Canvas& band, const std::string& text, const Rect& area, int top,
                           const TextStyle& style)
{
    m_type.draw(band, text, area.x + (area.width - m_type.width(text, style)) / 2,
                top + m_type.ascent(style), style);
}

void Painter::paint(Canvas& band, const Cell& cell, const LoadedPicture& loaded, int column)
{
    const Rect area = m_plan.box(column);
    Rect shown = area;
    if (loaded.problem.empty() && !loaded.picture.pixels.empty()) {
        const Picture& picture = loaded.picture;
        // Centred, and standing on its label: pictures of mixed heights then share a ground line.
        shown = {area.x + (area.width - picture.width) / 2, area.y + area.height - picture.height,
                 picture.width, picture.height};
        band.paste(picture.pixels.data(), picture.width, picture.height, shown.x, shown.y);
        // Dark pictures on dark paper would have no edge.
        band.frame(shown, 1, mix(m_plan.ink.paper, m_plan.ink.text, 0.14));
    } else {
        paint_placeholder(band, cell, loaded.problem, area);
    }
    paint_label(band, cell, area, shown);
}

void Painter::paint_placeholder(Canvas& band, const Cell& cell, const std::string& reason,
                                Rect area)
{
    const bool failure = cell.item->kind == SheetItem::Kind::failure;
    const bool withheld = !failure && cell.item->path.empty();
    const Color color = withheld ? m_plan.ink.reference : m_plan.ink.failure;
    const int line = std::max(2, m_plan.label.size / 8);
    band.fill(area, mix(m_plan.ink.paper, color, 0.12));
    band.frame({area.x + line, area.y + line, area.width - 2 * line, area.height - 2 * line}, line,
               color);
    if (!m_type.available())
        return;
    const auto kind = cell.fields.find("kind");
    std::string title = withheld ? "not shown" : "unreadable";
    if (failure)
        title = kind == cell.fields.end() ? "failed" : kind->second;
    TextStyle big = m_plan.label;
    big.size = std::clamp(area.height / 6, 12, m_plan.label.size * 3 / 2);
    big.bold = true;
    big.color = color;
    const int inner = area.width - 2 * m_plan.label.size;
    const int high = m_type.line_height(big), low = m_type.line_height(m_plan.label);
    const int room = std::max(0, (area.height - high - m_plan.label.size) / low);
    const std::vector<std::string> lines
        = m_type.wrap(reason, inner, std::min(room, 8), m_plan.label);
    int y = area.y + (area.height - high - int(lines.size()) * low) / 2;
    draw_centred(band, m_type.elide(OIIO::Strutil::upper(title), inner, big), area, y, big);
    y += high;
    for (const std::string& text : lines) {
        draw_centred(band, text, area, y, m_plan.label);
        y += low;
    }
}

void Painter::paint_label(Canvas& band, const Cell& cell, Rect area, Rect shown)
{
    TextStyle style = m_plan.label;
    const int bar = std::max(4, m_plan.label.size / 4);
    if (cell.item->kind == SheetItem::Kind::reference) {
        style.color = m_plan.ink.reference;
        style.bold = true;
        // Under the picture: it marks without covering a pixel.
        band.fill(
            {shown.x, shown.y + shown.height, shown.width, std::min(bar, m_plan.label_height)},
            m_plan.ink.reference);
    }
    int y = area.y + area.height + m_plan.label.size / 2;
    for (const std::string& line : cell.label) {
        draw_centred(band, m_type.elide(line, area.width, style), area, y, style); // bold is wider
        y += m_type.line_height(style);
        style.bold = false;
        style.color = m_plan.ink.faint;
    }
}

} // namespace klio::sheet
