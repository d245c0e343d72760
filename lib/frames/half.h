#pragma once

#include <OpenImageIO/imagebuf.h>

#include <cstddef>
#include <cstdint>

namespace klio::frames {

/// Floats as half (IEEE 754 binary16), rounded to the nearest, ties to even, as Imath does. By the
/// processor's own instruction where it has one: some ten times as fast as OpenImageIO's way in
/// builds for any processor.
void to_half(const float* in, size_t count, uint16_t* out);

/// A float picture as a half one, of the same windows.
OIIO::ImageBuf to_half(const OIIO::ImageBuf& image, int threads);

} // namespace klio::frames
