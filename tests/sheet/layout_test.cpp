#include "sheet/layout.h"

#include <klio/error.h>

#include <gtest/gtest.h>

#include <cmath>

using namespace klio;
using namespace klio::sheet;

namespace {

GridRequest request_of(int count, double ratio = 16.0 / 9)
{
    GridRequest request;
    request.ratios.assign(size_t(count), ratio);
    request.page_width = 3200;
    request.page_height = 2000;
    request.gap = 16;
    request.margin = 32;
    request.label_height = 40;
    request.largest_width = 2720;
    request.largest_height = 1536;
    return request;
}

} // namespace

TEST(Layout, ChoosesTheGridThatAPersonWould)
{
    const int wanted[][3] = {{1, 1, 1}, {2, 1, 2}, {4, 2, 2}, {9, 3, 3}};
    for (const auto& [count, columns, rows] : wanted) {
        const Grid grid = choose_grid(request_of(count));
        EXPECT_EQ(grid.columns, columns) << count;
        EXPECT_EQ(grid.rows, rows) << count;
    }
}

TEST(Layout, EveryChosenGridHoldsItsCellsWithinThePage)
{
    for (int count = 1; count <= 60; ++count)
        for (const double ratio : {0.42, 1.0, 1.771, 2.366}) {
            const GridRequest request = request_of(count, ratio);
            const Grid grid = choose_grid(request);
            EXPECT_GE(grid.columns * grid.rows, 1);
            EXPECT_LE(grid.columns * grid.cell_width + (grid.columns - 1) * 16 + 64, 3200);
            EXPECT_LE(grid.rows * (grid.cell_height + 40) + (grid.rows - 1) * 16 + 64, 2004);
            EXPECT_NEAR(double(grid.cell_width) / grid.cell_height, ratio, ratio * 0.01);
            EXPECT_LE(grid.cell_width, 2720);
        }
}

TEST(Layout, ManyCellsGoOnFurtherPagesRatherThanBecomingStamps)
{
    const Grid grid = choose_grid(request_of(500));
    EXPECT_GE(grid.cell_width, 240);
    EXPECT_LT(grid.columns * grid.rows, 500);
}

TEST(Layout, ACellIsNotLargerThanItsPicture)
{
    GridRequest request = request_of(2);
    request.largest_width = 320;
    request.largest_height = 180;
    EXPECT_LE(choose_grid(request).cell_width, 320);
}

TEST(Layout, GivenCellsAreKeptAndGivenColumnsToo)
{
    GridRequest request = request_of(9);
    request.columns = 3;
    request.rows = 3;
    request.cell_width = 1024;
    request.cell_height = 576;
    const Grid grid = choose_grid(request);
    EXPECT_EQ(grid.columns, 3);
    EXPECT_EQ(grid.rows, 3);
    EXPECT_EQ(grid.cell_width, 1024);
    EXPECT_EQ(grid.cell_height, 576);
    request.columns = request.rows = 0;
    EXPECT_EQ(choose_grid(request).columns, 3); // as many as 3200 pixels hold
}

TEST(Layout, RowsOfTheirOwnShareTheColumns)
{
    GridRequest request = request_of(6);
    request.lines = {2, 4};
    const Grid grid = choose_grid(request);
    EXPECT_GE(grid.columns * grid.rows, 6);
    EXPECT_LE(grid.columns, 4);
}

TEST(Layout, MixedRatiosGetACellBetweenThem)
{
    GridRequest request = request_of(0);
    request.ratios = {1.771, 0.565, 1.771, 0.565};
    const Grid grid = choose_grid(request);
    const double ratio = double(grid.cell_width) / grid.cell_height;
    EXPECT_GT(ratio, 0.56);
    EXPECT_LT(ratio, 1.78);
}

TEST(Layout, APageWithoutRoomIsAnError)
{
    GridRequest request = request_of(4);
    request.columns = 4;
    request.rows = 1;
    request.page_width = 80;
    request.page_height = 80;
    request.fixed_page = true;
    EXPECT_THROW(choose_grid(request), UsageError);
}

TEST(Layout, FitNeverDistortsByMoreThanRounding)
{
    for (const auto& [w, h] :
         {std::pair(2720, 1536), {1536, 2720}, {7, 3}, {10000, 10}, {3, 4000}}) {
        int width = 0, height = 0;
        fit_size(w, h, 1024, 576, width, height);
        EXPECT_TRUE(width == 1024 || height == 576) << w << "x" << h;
        EXPECT_LE(width, 1024);
        EXPECT_LE(height, 576);
        // Against the exact size: at most half a pixel, but for what is thinner than one.
        const double scale = std::min(1024.0 / w, 576.0 / h);
        EXPECT_LE(std::abs(width - std::max(1.0, w * scale)), 0.5);
        EXPECT_LE(std::abs(height - std::max(1.0, h * scale)), 0.5);
    }
}

TEST(Layout, SizesAreParsedStrictly)
{
    int columns = 0, rows = 0;
    parse_size("3x2", "layout", columns, rows);
    EXPECT_EQ(columns, 3);
    EXPECT_EQ(rows, 2);
    for (const char* bad : {"", "3", "3x", "x2", "3x2x1", "0x2", "-1x2", "3 x 2", "3x2 "})
        EXPECT_THROW(parse_size(bad, "layout", columns, rows), UsageError) << bad;
}
