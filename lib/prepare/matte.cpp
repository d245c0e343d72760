#include "prepare/matte.h"

#include <algorithm>

namespace klio::prep {

void apply_matte(float* pixels, size_t count, const Options& options)
{
    for (size_t i = 0; i < count; ++i, pixels += 4) {
        const float alpha = std::clamp(pixels[3], 0.0f, 1.0f);
        for (int c = 0; c < 3; ++c)
            if (options.matte_kind == Matte::color)
                pixels[c] += (1 - alpha) * options.matte[c];
            else if (alpha > 0)
                pixels[c] /= alpha;
    }
}

void cmyk_to_rgb(float* pixels, size_t count)
{
    for (size_t i = 0; i < count; ++i, pixels += 4) {
        for (int c = 0; c < 3; ++c)
            pixels[c] = (1 - pixels[c]) * (1 - pixels[3]);
        pixels[3] = 0;
    }
}

} // namespace klio::prep
