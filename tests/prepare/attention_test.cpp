#include "pictures_support.h"

#include <klio/error.h>
#include <klio/prepare.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <random>

using namespace klio;
using namespace pictures;

namespace {

// Ten pictures with a subject off their center: the crop must hold more of it than a crop of the
// center does.
TEST(Attention, FindsTheSubjectBetterThanTheCenter)
{
    struct Scene {
        double x, y, radius; // of the subject, in heights of the picture
        float color[3];
        int kind; // 0 even, 1 noisy, 2 gradient background; +4: patterned subject
    };
    const Scene scenes[] = {
        {0.3, 0.5, 0.18, {0.9f, 0.2f, 0.1f}, 0},     {1.7, 0.5, 0.15, {0.9f, 0.8f, 0.6f}, 1},
        {0.25, 0.3, 0.12, {0.05f, 0.05f, 0.05f}, 2}, {1.8, 0.7, 0.14, {0.1f, 0.2f, 0.8f}, 2},
        {0.4, 0.6, 0.2, {0.5f, 0.5f, 0.5f}, 4},      {1.75, 0.4, 0.2, {0.4f, 0.4f, 0.4f}, 5},
        {0.2, 0.5, 0.1, {8.0f, 7.0f, 5.0f}, 1},      {1.6, 0.6, 0.22, {0.7f, 0.5f, 0.4f}, 2},
        {0.35, 0.75, 0.16, {0.2f, 0.7f, 0.2f}, 1},   {1.85, 0.2, 0.11, {0.9f, 0.9f, 0.1f}, 6},
    };
    constexpr int width = 800, height = 400;
    int better = 0, number = 0;
    for (const Scene& scene : scenes) {
        std::mt19937 random(5);
        const auto inside = [&](int x, int y) {
            return std::hypot(double(x) / height - scene.x, double(y) / height - scene.y)
                < scene.radius;
        };
        const auto file = write(
            "scene" + std::to_string(number++) + ".exr", width, height, 3, OIIO::TypeHalf,
            [&](int x, int y, int c) {
                const float noise = float(random() % 100) / 100;
                if (inside(x, y))
                    return scene.color[c] * ((scene.kind & 4) && (x / 9 + y / 9) % 2 ? 0.3f : 1.0f);
                const int kind = scene.kind & 3;
                return kind == 0 ? 0.3f
                    : kind == 1  ? 0.25f + 0.1f * noise
                                 : 0.15f + 0.3f * float(x) / width;
            });
        PrepareOptions options;
        options.aspect_ratio = "1:1";
        const auto held = [&](const std::string& gravity) {
            options.gravity = gravity;
            const PrepareRecord record = pictures::record(prepare(file, options));
            int count = 0, all = 0;
            for (int y = 0; y < height; ++y)
                for (int x = 0; x < width; ++x)
                    if (inside(x, y)) {
                        ++all;
                        count += x >= record.crop_x && x < record.crop_x + record.crop_width
                            && y >= record.crop_y && y < record.crop_y + record.crop_height;
                    }
            return double(count) / all;
        };
        const double centre = held("center"), attention = held("attention");
        std::printf("scene %d: center holds %.0f %%, attention %.0f %%\n", number, 100 * centre,
                    100 * attention);
        better += attention > centre;
    }
    EXPECT_GE(better, 8);
}

} // namespace
