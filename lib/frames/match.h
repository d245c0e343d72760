#pragma once

#include "frames/back.h"

#include <klio/frame.h>
#include <klio/record.h>
#include <klio/set.h>

#include <OpenImageIO/imagebuf.h>

#include <string>

namespace klio::frames {

/// Throws UsageError unless `match` is empty or "color".
void check_match(const std::string& match);

/// What the provenance calls the method below, with its numbers.
std::string match_method();

/// Brings the low frequencies of `image` (float, by the way `back`, as it arrived) to those of what
/// it was made from: the plate of options.conform, else the first reference's file, in the
/// rectangle that the frame shows.
///
/// Both pictures are averaged into a grid of 64 cells on the longer side, and blurred with a
/// Gaussian of 4 cells (a sixteenth of the picture). Every pixel is multiplied, channel by channel,
/// by the ratio of the two, bilinear between cells: so exposure, balance and slow shading follow
/// the reference, while texture, edges and the ratio of neighbouring pixels stay the model's own.
/// The ratio stays within two stops, and the reference is cut at the value of white code values,
/// since no frame could hold more. Where the frame shows what lies beyond the plate
/// (fit pad), the nearest known cells decide. The idea is that of a low band exchanged in a
/// multiresolution pyramid (Burt and Adelson, "A Multiresolution Spline With Application to Image
/// Mosaics", 1983), with a quotient in place of a difference, because light is what changes
/// (Shashua and Riklin-Raviv, "The Quotient Image", 2001).
///
/// Throws ReferenceError where there is nothing to match to.
void match_color(OIIO::ImageBuf& image, const StoredSet& set, const PrepareRecord* record,
                 const WayBack& back, const FrameOptions& options);

} // namespace klio::frames
