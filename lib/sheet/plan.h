#pragma once

#include "sheet/layout.h"
#include "sheet/picture.h"
#include "sheet/text.h"

#include <klio/sheet.h>

#include <string>
#include <vector>

/// \file
/// Everything about a sheet that is known before a pixel is decoded.

namespace klio::sheet {

struct Cell {
    const SheetItem* item = nullptr;
    PictureInfo info;
    std::map<std::string, std::string> fields;
    std::vector<std::string> label; ///< wrapped lines
    bool picture() const { return info.problem.empty() && !item->path.empty(); }
};

/// Colours that follow from the background.
struct Ink {
    Color paper, text, faint, reference, failure;
};

/// One sheet: its cells, its lines of cells, and the measures that all of its pages share.
struct SheetPlan {
    std::string path;
    std::vector<Cell> cells;
    std::vector<std::vector<int>> lines; ///< numbers of cells, at most grid.columns each
    Grid grid;
    TextStyle label, title; ///< of labels; of header and footer
    Ink ink;
    int gap = 0, margin = 0;
    int label_height = 0;  ///< under each cell, its space included
    int header_height = 0; ///< with the space below it
    int footer_height = 0;
    int page_width = 0;
    int fixed_height = 0; ///< 0: what the lines need
    std::string header, footer;
    int header_lines = 0, footer_lines = 0;
    std::map<std::string, std::string> shared; ///< fields that all cells have alike

    int pages() const;
    int lines_on(int page) const;
    int page_height(int page) const;
    int needed_width() const; ///< of a page, by its cells
    /// The box of a line's n-th picture, from the top of that line.
    Rect box(int column) const;
    /// Where a line of a page begins, counted from 0 on each page.
    int line_top(int line) const;
    /// Fields that the header and the footer of a page know.
    std::map<std::string, std::string> page_fields(int page) const;
};

/// The threads to work on: as asked for, else one a core.
int worker_count(int threads);

/// Opens every item's header on `threads` threads, and chooses the rest.
SheetPlan make_plan(const Sheet& sheet, const SheetOptions& options, Typesetter& type,
                    const CancelToken& cancel);

} // namespace klio::sheet
