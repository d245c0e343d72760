#pragma once

/// \file
/// EXIF orientations (TIFF 6.0, "Orientation"), 1–8: how a stored picture is turned to stand
/// upright.

namespace klio::frames {

struct Rect {
    double x = 0;
    double y = 0;
    double width = 0;
    double height = 0;
};

/// Orientations from 5 on swap width and height.
inline bool swaps_sides(int orientation)
{
    return orientation >= 5;
}

/// Where pixel (x, y) of a stored width×height picture stands upright.
inline void to_upright(int orientation, int width, int height, int x, int y, int& to_x, int& to_y)
{
    const int right = width - 1 - x;
    const int below = height - 1 - y;
    const bool swap = swaps_sides(orientation);
    const bool flip_x
        = orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
    const bool flip_y
        = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
    const int stored_x = flip_x ? right : x;
    const int stored_y = flip_y ? below : y;
    to_x = swap ? stored_y : stored_x;
    to_y = swap ? stored_x : stored_y;
}

/// Where a rectangle of the upright picture stands in the stored width×height one.
inline Rect to_stored(int orientation, double width, double height, const Rect& upright)
{
    const bool flip_x
        = orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
    const bool flip_y
        = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
    Rect rect = upright;
    if (swaps_sides(orientation))
        rect = {upright.y, upright.x, upright.height, upright.width};
    if (flip_x)
        rect.x = width - rect.x - rect.width;
    if (flip_y)
        rect.y = height - rect.y - rect.height;
    return rect;
}

} // namespace klio::frames
