#include "sheet/layout.h"

#include <klio/error.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace klio::sheet {

namespace {

constexpr int narrowest = 240; // a chosen cell: smaller, a face is no face any more

int line_count(const GridRequest& request, int columns)
{
    if (request.lines.empty())
        return (int(request.ratios.size()) + columns - 1) / columns;
    int count = 0;
    for (const int cells : request.lines)
        count += (cells + columns - 1) / columns;
    return std::max(count, 1);
}

/// Pixels of picture that a cell of width:height = `ratio` and this size shows, over all.
double covered(const GridRequest& request, double width, double height)
{
    double area = 0;
    for (const double ratio : request.ratios)
        area += ratio > width / height ? width * width / ratio : height * height * ratio;
    return area;
}

std::vector<double> candidate_ratios(const GridRequest& request)
{
    if (request.cell_width > 0 && request.cell_height > 0)
        return {double(request.cell_width) / request.cell_height};
    const auto ends = std::minmax_element(request.ratios.begin(), request.ratios.end());
    const double low = *ends.first, high = *ends.second;
    std::vector<double> ratios = {low};
    const int steps = high / low > 1.001 ? 16 : 0;
    for (int i = 1; i <= steps; ++i)
        ratios.push_back(low * std::pow(high / low, double(i) / steps));
    return ratios;
}

} // namespace

void fit_size(double width, double height, int box_width, int box_height, int& out_width,
              int& out_height)
{
    const double scale = std::min(box_width / width, box_height / height);
    out_width = std::clamp(int(std::lround(width * scale)), 1, box_width);
    out_height = std::clamp(int(std::lround(height * scale)), 1, box_height);
}

void parse_size(const std::string& text, const std::string& what, int& first, int& second)
{
    int end = 0;
    if (std::sscanf(text.c_str(), "%5dx%5d%n", &first, &second, &end) != 2
        || size_t(end) != text.size() || first < 1 || second < 1)
        throw UsageError(what + " \"" + text + "\" is not of the form 3x2");
}

Grid choose_grid(const GridRequest& request)
{
    const int count = std::max<int>(1, int(request.ratios.size()));
    const int longest = request.lines.empty()
        ? count
        : *std::max_element(request.lines.begin(), request.lines.end());
    const double inner_width = request.page_width - 2.0 * request.margin;
    const double inner_height = request.page_height - 2.0 * request.margin - request.head_height;

    // Given cells: as many as the page holds.
    if (request.cell_width > 0 && request.cell_height > 0) {
        Grid grid {request.columns, request.rows, request.cell_width, request.cell_height};
        if (!grid.columns)
            grid.columns = std::clamp(
                int((inner_width + request.gap) / (request.cell_width + request.gap)), 1, longest);
        if (!grid.rows)
            grid.rows = std::max(1,
                                 int((inner_height + request.gap)
                                     / (request.cell_height + request.label_height + request.gap)));
        return grid;
    }

    Grid best;
    double best_score = -1;
    for (const double ratio : candidate_ratios(request)) {
        const int first = request.columns ? request.columns : 1;
        const int last = request.columns ? request.columns : longest;
        for (int columns = first; columns <= last; ++columns) {
            const int lines = line_count(request, columns);
            int rows = request.rows ? request.rows : lines;
            const auto height_for = [&](int r) {
                return (inner_height - double(r - 1) * request.gap) / r - request.label_height;
            };
            double width = (inner_width - double(columns - 1) * request.gap) / columns;
            // Without a page height that was asked for, a given number of columns fills the width.
            const bool free_height = !request.fixed_page && request.columns;
            if (!free_height) {
                while (!request.rows && rows > 1 && height_for(rows) * ratio < narrowest)
                    --rows; // further pages
                width = std::min(width, height_for(rows) * ratio);
            } else if (!request.rows) {
                rows = std::clamp(int((inner_height + request.gap)
                                      / (width / ratio + request.label_height + request.gap)),
                                  1, lines);
            }
            if (request.cell_width)
                width = request.cell_width;
            if (request.largest_width)
                width = std::min(
                    {width, double(request.largest_width), request.largest_height * ratio});
            if (width < 1 || width / ratio < 1)
                continue;
            const int pages = (lines + rows - 1) / rows;
            double score = covered(request, width, width / ratio) / pages;
            if (width < narrowest && columns > 1 && !request.columns)
                score *= 1e-3;
            // Fewer empty places where the pictures come out alike.
            const int places = columns * rows * pages;
            score *= 1 - 0.02 * double(places - count) / places;
            if (score > best_score) {
                best_score = score;
                best = {columns, rows, int(width), int(std::lround(width / ratio))};
            }
        }
    }
    if (best_score < 0)
        throw UsageError("the page is too small for this layout: no room is left for the pictures; "
                         "give it fewer cells, a larger page, or smaller gaps and margins");
    return best;
}

} // namespace klio::sheet
