#pragma once

#include "sheet/plan.h"
#include "sheet/read_ahead.h"

#include <string>

namespace klio::sheet {

/// Draws the pages of one plan, band by band. Not thread-safe.
class Painter {
public:
    Painter(const SheetPlan& plan, Typesetter& type) : m_plan(plan), m_type(type) { }

    /// The top of a page: its margin and the header.
    Canvas head(int page);
    /// A row of cells yet without its cells, with the gap to the next one.
    Canvas line(bool last) const;
    /// One cell into a band made by line().
    void paint(Canvas& band, const Cell& cell, const LoadedPicture& loaded, int column);
    /// The last `height` rows of a page, with the footer at their end.
    Canvas foot(int page, int height);

private:
    void draw_lines(Canvas& band, const std::string& text, int lines, int top);
    void draw_centred(Canvas& band, const std::string& text, const Rect& area, int top,
                      const TextStyle& style);
    void paint_placeholder(Canvas& band, const Cell& cell, const std::string& reason, Rect area);
    void paint_label(Canvas& band, const Cell& cell, Rect area, Rect shown);

    const SheetPlan& m_plan;
    Typesetter& m_type;
};

} // namespace klio::sheet
