#pragma once

#include "prepare/options.h"

#include <string>
#include <vector>

/// \file
/// Which part of a picture is shown, and at what size.

namespace klio::prep {

struct Point {
    double x = 0, y = 0;
};

/// What prepare() will make of a picture. Rectangles are in pixels of the upright display window.
struct Geometry {
    std::string aspect_ratio; ///< one of the eight; empty where fit is none
    double x = 0, y = 0;      ///< the part of the picture that is shown
    double w = 0, h = 0;
    int width = 0, height = 0;    ///< of the prepared image
    int inner_x = 0, inner_y = 0; ///< where in it the part stands; the rest is padding
    int inner_width = 0, inner_height = 0;
    std::vector<std::string> warnings;

    /// The rectangle of the source that the whole prepared image shows, padding included.
    double crop_x() const { return x - inner_x * (w / inner_width); }
    double crop_y() const { return y - inner_y * (h / inner_height); }
    double crop_width() const { return width * (w / inner_width); }
    double crop_height() const { return height * (h / inner_height); }
};

/// `width`, `height`: the upright display window. `pixel_aspect`: width by height of one pixel.
/// `focus`: where the subject is, for gravity attention. Never larger than the source's own pixels
/// or the model's output, save where the model's 300 pixel minimum forces it. Throws
/// UsageError where the gravity's point or rectangle lies outside the picture.
Geometry plan_geometry(int width, int height, double pixel_aspect, const Options& options,
                       const Point& focus);

} // namespace klio::prep
