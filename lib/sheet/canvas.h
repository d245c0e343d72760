#pragma once

#include <cstdint>
#include <string>
#include <vector>

/// \file
/// The paper: 8-bit display pixels, one band of a page at a time.

namespace klio::sheet {

/// Display code values (sRGB), 0–255.
struct Color {
    uint8_t r = 0, g = 0, b = 0;
};

/// "r,g,b" in 0–1, or "#rrggbb"; throws UsageError for anything else.
Color parse_color(const std::string& text);
/// Relative luminance as WCAG 2.1 defines it, 0–1.
double luminance(Color color);
/// `share` of `b` over `a`, in code values.
Color mix(Color a, Color b, double share);

struct Rect {
    int x = 0, y = 0, width = 0, height = 0;
};

/// Interleaved RGB, 8 bits. Everything drawn is clipped to it. Not thread-safe.
class Canvas {
public:
    Canvas() = default;
    Canvas(int width, int height, Color color);
    int width() const { return m_width; }
    int height() const { return m_height; }
    uint8_t* row(int y) { return m_pixels.data() + size_t(y) * size_t(m_width) * 3; }
    const uint8_t* row(int y) const { return m_pixels.data() + size_t(y) * size_t(m_width) * 3; }

    void fill(Rect rect, Color color);
    /// A frame of `thickness` pixels around `rect`, outside of it: no pixel of it is covered.
    void frame(Rect rect, int thickness, Color color);
    /// Copies RGB pixels, `width`×`height`, to (x, y).
    void paste(const uint8_t* pixels, int width, int height, int x, int y);
    /// Lays `color` over the pixel with `coverage` 0–255.
    void blend(int x, int y, Color color, int coverage);

private:
    Rect clipped(Rect rect) const;
    int m_width = 0, m_height = 0;
    std::vector<uint8_t> m_pixels;
};

} // namespace klio::sheet
