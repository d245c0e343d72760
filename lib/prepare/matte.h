#pragma once

#include "prepare/options.h"

#include <cstddef>

/// \file
/// What the fourth lane asks for: alpha, or the ink called black.

namespace klio::prep {

/// What alpha asks for, in the source's own space: RGBA pixels, premultiplied, in place.
void apply_matte(float* pixels, size_t count, const Options& options);

/// CMYK (0 = no ink) that no profile explains, as RGBX.
void cmyk_to_rgb(float* pixels, size_t count);

} // namespace klio::prep
