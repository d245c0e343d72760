#pragma once

#include <string>
#include <vector>

/// \file
/// Where cells stand: pure arithmetic.

namespace klio::sheet {

struct Grid {
    int columns = 1, rows = 1; ///< of one page
    int cell_width = 0, cell_height = 0;
};

/// What decides a grid; 0 where something is to be chosen.
struct GridRequest {
    std::vector<double> ratios; ///< width by height of each picture
    std::vector<int> lines;     ///< cells that stand together on rows of their own; else empty
    int columns = 0, rows = 0;
    int cell_width = 0, cell_height = 0;
    int page_width = 0, page_height = 0;
    int gap = 0, margin = 0;
    int label_height = 0;    ///< under each cell
    int head_height = 0;     ///< header and footer together
    int largest_width = 0;   ///< of the pictures' own pixels: a chosen cell is not wider
    int largest_height = 0;  ///< nor higher
    bool fixed_page = false; ///< page_height was asked for, else it is only what to aim at
};

/// Chooses what is not given so that the pictures together cover the most of the page; where they
/// would become narrower than 240 pixels, they go on further pages instead.
Grid choose_grid(const GridRequest& request);

/// The largest size of ratio width:height within a box, at least 1×1. Never distorts by more than
/// the rounding to whole pixels.
void fit_size(double width, double height, int box_width, int box_height, int& out_width,
              int& out_height);

/// "CxR"; throws UsageError for anything else. `what` names the option.
void parse_size(const std::string& text, const std::string& what, int& first, int& second);

} // namespace klio::sheet
