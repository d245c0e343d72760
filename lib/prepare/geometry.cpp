#include "prepare/geometry.h"

#include "request/model.h"

#include <klio/error.h>
#include <klio/request.h>

#include <algorithm>
#include <cmath>

namespace klio::prep {

namespace {

// The model wants ratios strictly inside 1:2.5–2.5:1; a hundredth keeps rounding away from it.
constexpr double widest = kling::max_aspect - 0.01;

std::string text(double w, double h)
{
    return std::to_string(std::lround(w)) + "x" + std::to_string(std::lround(h));
}

// The largest rectangle of `ratio` (in source pixels) inside w x h.
void largest_inside(double w, double h, double ratio, Geometry& out)
{
    out.w = std::min(w, h * ratio);
    out.h = std::min(h, w / ratio);
}

void place(double w, double h, const Gravity& gravity, const Point& focus, double ratio,
           Geometry& out)
{
    using Kind = Gravity::Kind;
    double cx = w / 2, cy = h / 2;
    switch (gravity.kind) {
    case Kind::center:
        break;
    case Kind::top:
        cy = 0;
        break;
    case Kind::bottom:
        cy = h;
        break;
    case Kind::left:
        cx = 0;
        break;
    case Kind::right:
        cx = w;
        break;
    case Kind::attention:
        cx = focus.x;
        cy = focus.y;
        break;
    case Kind::point:
        if (gravity.x < 0 || gravity.y < 0 || gravity.x > w || gravity.y > h)
            throw UsageError("the point of --gravity lies outside the picture, which is "
                             + text(w, h));
        cx = gravity.x;
        cy = gravity.y;
        break;
    case Kind::rectangle: {
        if (gravity.x >= w || gravity.y >= h || gravity.x + gravity.width <= 0
            || gravity.y + gravity.height <= 0)
            throw UsageError("the rectangle of --gravity lies outside the picture, which is "
                             + text(w, h));
        // The smallest crop of the ratio that shows all of the rectangle, as far as there is one.
        const double wanted = std::max(gravity.width, gravity.height * ratio);
        out.w = std::min(out.w, wanted);
        out.h = out.w / ratio;
        cx = gravity.x + gravity.width / 2;
        cy = gravity.y + gravity.height / 2;
        if (out.w < wanted - 1)
            out.warnings.push_back("the rectangle of --gravity does not fit a crop of this ratio; "
                                   "--fit pad shows all of the picture");
        break;
    }
    }
    out.x = std::clamp(cx - out.w / 2, 0.0, w - out.w);
    out.y = std::clamp(cy - out.h / 2, 0.0, h - out.h);
}

// Cuts to whole source pixels, where nothing is to be resampled.
void snap(double w, double h, Geometry& out)
{
    out.w = std::clamp(std::round(out.w), 1.0, w);
    out.h = std::clamp(std::round(out.h), 1.0, h);
    out.x = std::clamp(std::round(out.x), 0.0, w - out.w);
    out.y = std::clamp(std::round(out.y), 0.0, h - out.h);
}

} // namespace

Geometry plan_geometry(int width, int height, double pixel_aspect, const Options& options,
                       const Point& focus)
{
    Geometry out;
    const double w = width, h = height;
    out.aspect_ratio = options.aspect_ratio;
    if (options.aspect_ratio == "auto")
        out.aspect_ratio
            = nearest_aspect_ratio(int(std::clamp(std::lround(w * pixel_aspect), 1L, 1L << 30)),
                                   height, options.resolution);
    const Size target = output_size(out.aspect_ratio, options.resolution);
    const int long_side = std::max(target.width, target.height);
    // The model's true ratio: 2720:1536, not 16:9.
    const double true_ratio = double(target.width) / target.height;
    const double ratio = true_ratio / pixel_aspect;

    out.w = w;
    out.h = h;
    if (options.fit == Fit::crop) {
        largest_inside(w, h, ratio, out);
        place(w, h, options.gravity, focus, ratio, out);
    } else if (options.fit == Fit::none) {
        out.aspect_ratio.clear();
    }

    // Size with square pixels: an anamorphic picture is stretched, never squeezed.
    const double square_w = out.w * std::max(pixel_aspect, 1.0);
    const double square_h = out.h / std::min(pixel_aspect, 1.0);
    double scale = 1;
    if (options.fit == Fit::none)
        scale = std::min(1.0, long_side / std::max(square_w, square_h));
    else
        scale = std::min({1.0, target.width / square_w, target.height / square_h});
    if (options.fit == Fit::crop && scale >= 1 && pixel_aspect == 1)
        snap(w, h, out);
    const bool exact = options.fit == Fit::crop && scale < 1;
    out.inner_width = exact ? target.width : std::max(1, int(std::lround(square_w * scale)));
    out.inner_height = exact ? target.height : std::max(1, int(std::lround(square_h * scale)));
    if (options.fit == Fit::crop && scale >= 1 && pixel_aspect == 1) {
        out.inner_width = int(out.w);
        out.inner_height = int(out.h);
    }
    out.width = out.inner_width;
    out.height = out.inner_height;
    if (options.fit == Fit::pad) {
        out.width = std::max(out.width, int(std::lround(out.height * true_ratio)));
        out.height = std::max(out.height, int(std::lround(out.width / true_ratio)));
        if (scale < 1) {
            out.width = target.width;
            out.height = target.height;
        }
    }

    // The model's own limits come last, since they hold whatever was asked.
    const double shape = double(out.width) / out.height;
    if (shape > widest || shape < 1 / widest) {
        if (shape > widest)
            out.height = int(std::ceil(out.width / widest));
        else
            out.width = int(std::ceil(out.height / widest));
        out.warnings.push_back("padded to " + text(out.width, out.height)
                               + ": the model takes no picture as wide or as tall as 2.5:1");
    }
    const int short_side = std::min(out.width, out.height);
    if (short_side < kling::min_side) {
        const double up = double(kling::min_side) / short_side;
        out.inner_width = std::max(1, int(std::lround(out.inner_width * up)));
        out.inner_height = std::max(1, int(std::lround(out.inner_height * up)));
        out.width
            = std::max({int(std::ceil(out.width * up - 1e-6)), out.inner_width, kling::min_side});
        out.height
            = std::max({int(std::ceil(out.height * up - 1e-6)), out.inner_height, kling::min_side});
        out.warnings.push_back("enlarged to " + text(out.width, out.height)
                               + ": the model takes no side below 300 pixels");
    }
    out.inner_x = (out.width - out.inner_width) / 2;
    out.inner_y = (out.height - out.inner_height) / 2;
    return out;
}

} // namespace klio::prep
