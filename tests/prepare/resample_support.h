#pragma once

#include <cstddef>
#include <string>
#include <vector>

/// \file
/// Pictures as planes of RGBX floats, and the resampler on the whole of one.

namespace pictures {

struct Plane {
    int width = 0, height = 0;
    std::vector<float> rgbx;
    float at(int x, int y, int c) const
    {
        return rgbx[4 * (size_t(y) * size_t(width) + size_t(x)) + size_t(c)];
    }
};

/// The part of `in` at x, y of w x h pixels as `width` x `height` ones, `rows_at_once` handed over.
Plane resample(const Plane& in, double x, double y, double w, double h, int width, int height,
               int rows_at_once);
Plane load(const std::string& path);
Plane noise(int width, int height);

} // namespace pictures
