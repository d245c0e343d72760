#pragma once

#include "frames/orientation.h"

#include <OpenImageIO/imagebuf.h>

namespace klio::frames {

/// Float pixels of `image` scaled so that the whole picture covers `where` exactly, sampled on the
/// pixels of `target` (both in one coordinate system, in which pixel i reaches from i to i + 1).
/// The result's data window is `target`; display window and metadata are left to the caller.
///
/// Separable Lanczos with 3 lobes, widened where the picture shrinks, and each pass limited to the
/// range of the samples under its main lobe: for an enlargement these are the two neighbours, so a
/// highlight of 400 beside black gets neither a dark ring nor a brighter edge, and yet edges stay
/// as steep as Lanczos has them. A positive kernel (B-spline, Gaussian) would not ring either, but
/// blurs all over. Beyond the picture its edge pixels go on. Where `where` and `target` are the
/// picture's own size, pixels are copied exactly. Alpha is associated.
OIIO::ImageBuf resample(const OIIO::ImageBuf& image, const Rect& where, const OIIO::ROI& target,
                        int threads);

} // namespace klio::frames
