#pragma once

#include <cstddef>

/// \file
/// Linear light as 8-bit sRGB codes, without a power for each value.

namespace klio::prep {

/// `count` pixels of linear Rec.709, `channels` apart, as interleaved 8-bit sRGB (IEC 61966-2-1):
/// each the code nearest to the curve's value, exactly, since the table holds the values at which
/// the rounded code changes. Below 0, and NaN: 0; above 1: 255.
void linear_to_srgb8(const float* rgb, size_t count, int channels, unsigned char* out);

} // namespace klio::prep
