#pragma once

#include "prepare/encode.h"
#include "prepare/geometry.h"
#include "prepare/shrink.h"

/// \file
/// EXIF orientation: between the picture as it is stored and as it is meant to be seen.

namespace klio::prep {

/// The part of the stored picture that `geometry`, which speaks of the upright one of `width` x
/// `height` pixels, shows.
Cut stored_cut(const Geometry& geometry, int width, int height, int orientation);
/// Where a point of the stored picture stands in the upright one of `width` x `height` pixels.
Point upright_point(Point stored, int width, int height, int orientation);
/// Turns a stored picture upright.
Picture upright(const Picture& stored, int orientation);

} // namespace klio::prep
