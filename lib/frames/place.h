#pragma once

#include "frames/orientation.h"

#include <klio/record.h>

#include <OpenImageIO/imageio.h>

#include <string>

namespace klio::frames {

/// Where a frame of some size comes to stand, and what the result's windows are. Computed from
/// sizes alone, so that a spec can be known before any pixel is.
struct Placement {
    bool scaled = false; ///< false: the frame stays as it arrived
    bool covers = false; ///< it is laid over a plate
    int orientation = 1; ///< of the plate: the frame is turned back to it
    Rect upright;        ///< the whole frame on the upright plate, from its top left corner
    Rect where;          ///< the whole frame, turned, in the result's pixels
    OIIO::ROI picture;   ///< the pixels that the frame covers
    OIIO::ROI data;      ///< data window; black around the picture
    OIIO::ROI display;   ///< display window
    float pixel_aspect = 1;
    std::string note; ///< for the provenance; empty where not scaled
};

/// The frame on its plate (FrameOptions::conform). `record` is the first reference's, or null
/// where it has none: the frame is then centred on the plate, as large as it fits. Throws
/// ReferenceError where the plate can't be read or has not the shape that the reference was cut
/// from.
Placement conform_placement(int width, int height, const PrepareRecord* record,
                            const std::string& plate);

/// The frame in a picture of a given size (FrameOptions::fit). Throws UsageError where `fit` is
/// not "WxH" or "WxH:MODE".
Placement fit_placement(int width, int height, const std::string& fit);

} // namespace klio::frames
