#pragma once

/// \file
/// Rows of any pixel type as RGBX floats, finite ones.

namespace klio::prep {

enum class PixelType { uint8, uint16, half, float32 };

/// How a row of a file lies in memory, channels interleaved.
struct PixelLayout {
    int channels = 3;
    int red = 0, green = 1, blue = 2; ///< all three alike for grey
    int alpha = -1;                   ///< -1: the fourth lane is 0
    PixelType type = PixelType::uint8;
    bool luminance_chroma = false; ///< red, green, blue are Y, RY, BY
};

/// Converts `width` pixels; integers become 0–1. NaN becomes 0, positive infinity 65504 (the
/// largest half), negative infinity 0, and finite values are held within ±65504, so that no filter
/// overflows. Returns how many values were not finite.
long long convert_row(const void* in, const PixelLayout& layout, float* out, int width);

} // namespace klio::prep
