#include "prepare/upright.h"

#include <utility>

namespace klio::prep {

// Exif 2.3, tag 0x0112: 2 mirrored, 3 by 180°, 4 upside down mirrored, 5 transposed, 6 to be turned
// clockwise, 7 transposed along the other diagonal, 8 to be turned counter-clockwise.

Cut stored_cut(const Geometry& g, int width, int height, int orientation)
{
    Cut cut;
    const double right = width - g.x - g.w, bottom = height - g.y - g.h;
    const bool turned = orientation >= 5;
    switch (orientation) {
    case 2:
        cut.x = right, cut.y = g.y;
        break;
    case 3:
        cut.x = right, cut.y = bottom;
        break;
    case 4:
        cut.x = g.x, cut.y = bottom;
        break;
    case 5:
        cut.x = g.y, cut.y = g.x;
        break;
    case 6:
        cut.x = g.y, cut.y = right;
        break;
    case 7:
        cut.x = bottom, cut.y = right;
        break;
    case 8:
        cut.x = bottom, cut.y = g.x;
        break;
    default:
        cut.x = g.x, cut.y = g.y;
        break;
    }
    cut.w = turned ? g.h : g.w;
    cut.h = turned ? g.w : g.h;
    cut.width = turned ? g.inner_height : g.inner_width;
    cut.height = turned ? g.inner_width : g.inner_height;
    return cut;
}

Point upright_point(Point p, int width, int height, int orientation)
{
    switch (orientation) {
    case 2:
        return {width - p.x, p.y};
    case 3:
        return {width - p.x, height - p.y};
    case 4:
        return {p.x, height - p.y};
    case 5:
        return {p.y, p.x};
    case 6:
        return {width - p.y, p.x};
    case 7:
        return {width - p.y, height - p.x};
    case 8:
        return {p.y, height - p.x};
    default:
        return p;
    }
}

Picture upright(const Picture& stored, int orientation)
{
    if (orientation <= 1 || orientation > 8)
        return stored;
    const bool turned = orientation >= 5;
    Picture out;
    out.width = turned ? stored.height : stored.width;
    out.height = turned ? stored.width : stored.height;
    out.pixels.resize(stored.pixels.size());
    for (int y = 0; y < stored.height; ++y) {
        const unsigned char* from = stored.row(y);
        for (int x = 0; x < stored.width; ++x, from += 3) {
            const int right = stored.width - 1 - x, bottom = stored.height - 1 - y;
            int to_x = x, to_y = y;
            switch (orientation) {
            case 2:
                to_x = right;
                break;
            case 3:
                to_x = right, to_y = bottom;
                break;
            case 4:
                to_y = bottom;
                break;
            case 5:
                to_x = y, to_y = x;
                break;
            case 6:
                to_x = bottom, to_y = x;
                break;
            case 7:
                to_x = bottom, to_y = right;
                break;
            case 8:
                to_x = y, to_y = right;
                break;
            default:
                break;
            }
            unsigned char* to = out.row(to_y) + 3 * to_x;
            to[0] = from[0];
            to[1] = from[1];
            to[2] = from[2];
        }
    }
    return out;
}

} // namespace klio::prep
