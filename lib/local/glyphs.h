#pragma once

#include <array>
#include <cstdint>

/// \file
/// Letters for machines without any font: 5 x 7 dots, capitals alone.

namespace klio::local {

constexpr int glyph_width = 5;
constexpr int glyph_height = 7;
constexpr int glyph_advance = 6;

/// Rows from the top; bit 4 is the leftmost dot.
using Glyph = std::array<uint8_t, glyph_height>;

/// A small box where there is none.
const Glyph& find_glyph(uint32_t character);

/// Pixels a dot, for a line of `size` pixels.
inline int glyph_scale(int size)
{
    return size < 2 * (glyph_height + 1) ? 1 : size / (glyph_height + 1);
}

} // namespace klio::local
