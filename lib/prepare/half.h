#pragma once

#include <cstdint>
#include <cstring>

/// \file
/// IEEE halves and what klio makes of values that are not finite.

namespace klio::prep {

constexpr float largest_half = 65504;

/// One half as a float. The exponent's bias is mended by a multiplication, which is exact and does
/// denormals; infinity and NaN come out as infinity and NaN.
inline float half_to_float(uint16_t half)
{
    const uint32_t magnitude = uint32_t(half & 0x7fff) << 13;
    float value;
    std::memcpy(&value, &magnitude, sizeof value);
    value *= 0x1p112f;
    uint32_t bits;
    std::memcpy(&bits, &value, sizeof bits);
    bits |= (half & 0x7c00) == 0x7c00 ? 0x7f800000u : 0u;
    bits |= uint32_t(half & 0x8000) << 16;
    std::memcpy(&value, &bits, sizeof value);
    return value;
}

/// NaN as 0, positive infinity as the largest half, negative infinity as 0, and all else held
/// within what a half can be; `bad` counts what was not finite.
inline float made_finite(float value, int& bad)
{
    uint32_t bits;
    std::memcpy(&bits, &value, sizeof bits);
    const bool not_finite = (bits & 0x7f800000u) == 0x7f800000u;
    bad += not_finite;
    value = not_finite ? (bits == 0x7f800000u ? largest_half : 0.0f) : value;
    value = value > largest_half ? largest_half : value;
    return value < -largest_half ? -largest_half : value;
}

} // namespace klio::prep
