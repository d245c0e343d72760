#pragma once

#include <klio/prepare.h>

#include <string>

/// \file
/// PrepareOptions as values that are known to be good.

namespace klio::prep {

enum class Fit { crop, pad, none };

struct Gravity {
    enum class Kind { center, top, bottom, left, right, point, rectangle, attention };
    Kind kind = Kind::center;
    double x = 0, y = 0; ///< pixels of the upright display window
    double width = 0, height = 0;
};

enum class Matte { color, unpremult };

struct Options {
    std::string aspect_ratio; ///< one of the eight, or "auto"
    std::string resolution;
    std::string from, policy, display, view, image_view;
    bool auto_exposure = false;
    double exposure = 0;
    double peak = 0; ///< 0: the brightest value that there is
    Fit fit = Fit::crop;
    Gravity gravity;
    std::string codec; ///< jpeg, png, or empty: chosen by the picture
    int quality = 95;
    Matte matte_kind = Matte::color;
    float matte[3] = {0, 0, 0};
    int threads = 1; ///< 1 or more
};

/// Throws RequestError that names each wrong option, its value and what it takes.
Options parse_options(const PrepareOptions& options);
const char* to_string(Fit fit);

} // namespace klio::prep
