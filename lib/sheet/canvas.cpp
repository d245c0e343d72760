#include "sheet/canvas.h"

#include <klio/error.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>

namespace klio::sheet {

Color parse_color(const std::string& text)
{
    unsigned r = 0, g = 0, b = 0;
    int end = 0;
    if (text.size() == 7 && std::sscanf(text.c_str(), "#%2x%2x%2x%n", &r, &g, &b, &end) == 3
        && end == 7)
        return {uint8_t(r), uint8_t(g), uint8_t(b)};
    double v[3];
    if (std::sscanf(text.c_str(), "%lf,%lf,%lf%n", &v[0], &v[1], &v[2], &end) == 3
        && size_t(end) == text.size()
        && std::all_of(v, v + 3, [](double x) { return x >= 0 && x <= 1; }))
        return {uint8_t(std::lround(v[0] * 255)), uint8_t(std::lround(v[1] * 255)),
                uint8_t(std::lround(v[2] * 255))};
    throw UsageError("the colour \"" + text
                     + "\" is neither \"r,g,b\" with values from 0 to 1 nor \"#rrggbb\"");
}

double luminance(Color color)
{
    // WCAG 2.1, "relative luminance".
    const auto linear = [](uint8_t code) {
        const double v = code / 255.0;
        return v <= 0.04045 ? v / 12.92 : std::pow((v + 0.055) / 1.055, 2.4);
    };
    return 0.2126 * linear(color.r) + 0.7152 * linear(color.g) + 0.0722 * linear(color.b);
}

Color mix(Color a, Color b, double share)
{
    const auto one = [share](uint8_t x, uint8_t y) {
        return uint8_t(std::lround(x + (double(y) - x) * share));
    };
    return {one(a.r, b.r), one(a.g, b.g), one(a.b, b.b)};
}

Canvas::Canvas(int width, int height, Color color)
    : m_width(width), m_height(height), m_pixels(size_t(width) * size_t(height) * 3)
{
    fill({0, 0, width, height}, color);
}

Rect Canvas::clipped(Rect rect) const
{
    const int x = std::max(rect.x, 0), y = std::max(rect.y, 0);
    return {x, y, std::max(0, std::min(rect.x + rect.width, m_width) - x),
            std::max(0, std::min(rect.y + rect.height, m_height) - y)};
}

void Canvas::fill(Rect rect, Color color)
{
    rect = clipped(rect);
    for (int y = rect.y; y < rect.y + rect.height; ++y) {
        uint8_t* pixel = row(y) + size_t(rect.x) * 3;
        for (int x = 0; x < rect.width; ++x, pixel += 3) {
            pixel[0] = color.r;
            pixel[1] = color.g;
            pixel[2] = color.b;
        }
    }
}

void Canvas::frame(Rect rect, int thickness, Color color)
{
    const int t = thickness;
    fill({rect.x - t, rect.y - t, rect.width + 2 * t, t}, color);
    fill({rect.x - t, rect.y + rect.height, rect.width + 2 * t, t}, color);
    fill({rect.x - t, rect.y, t, rect.height}, color);
    fill({rect.x + rect.width, rect.y, t, rect.height}, color);
}

void Canvas::paste(const uint8_t* pixels, int width, int height, int x, int y)
{
    const Rect rect = clipped({x, y, width, height});
    for (int line = rect.y; line < rect.y + rect.height; ++line)
        if (rect.width > 0)
            std::memcpy(row(line) + size_t(rect.x) * 3,
                        pixels + (size_t(line - y) * size_t(width) + size_t(rect.x - x)) * 3,
                        size_t(rect.width) * 3);
}

void Canvas::blend(int x, int y, Color color, int coverage)
{
    if (x < 0 || y < 0 || x >= m_width || y >= m_height || coverage <= 0)
        return;
    uint8_t* pixel = row(y) + size_t(x) * 3;
    const auto over = [coverage](uint8_t below, uint8_t above) {
        return uint8_t((below * (255 - coverage) + above * coverage + 127) / 255);
    };
    pixel[0] = over(pixel[0], color.r);
    pixel[1] = over(pixel[1], color.g);
    pixel[2] = over(pixel[2], color.b);
}

} // namespace klio::sheet
