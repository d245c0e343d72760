#include "pictures_support.h"

#include <klio/error.h>
#include <klio/prepare.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace klio;
using namespace pictures;

namespace {

TEST(Windows, WhatIsOutsideTheDataWindowIsBlack)
{
    OIIO::ImageSpec spec(100, 100, 3, OIIO::TypeHalf);
    spec.x = 150;
    spec.y = 120;
    spec.full_x = 50;
    spec.full_y = 20;
    spec.full_width = 400;
    spec.full_height = 400;
    const auto file = write("window.exr", spec, [](int, int, int) { return 1.0f; });
    const Prepared out = prepare(file, exact());
    const Decoded image = decode(out);
    EXPECT_EQ(image.width, 400);
    EXPECT_EQ(image.at(99, 150, 0), 0);
    EXPECT_EQ(image.at(100, 100, 0), 255);
    EXPECT_EQ(image.at(199, 199, 0), 255);
    EXPECT_EQ(image.at(200, 150, 0), 0);
    const PrepareRecord record = pictures::record(out);
    EXPECT_EQ(record.display_x, 50);
    EXPECT_EQ(record.source_width, 400);
}

TEST(Windows, OverscanIsNotShown)
{
    OIIO::ImageSpec spec(500, 500, 3, OIIO::TypeHalf);
    spec.x = spec.y = -50;
    spec.full_width = spec.full_height = 400;
    const auto file = write("overscan.exr", spec, [](int x, int y, int) {
        return x < 50 || y < 50 || x >= 450 || y >= 450 ? 1.0f : 0.0f;
    });
    const Decoded image = decode(prepare(file, exact()));
    EXPECT_EQ(image.width, 400);
    for (int i = 0; i < 400; ++i)
        EXPECT_EQ(image.at(i, 0, 0) + image.at(0, i, 0) + image.at(i, 399, 0), 0);
}

TEST(Orientation, AllEightStandUpright)
{
    // The upright picture: red on the left, white on the top.
    const auto upright = [](double u, double v, int c) {
        return v < 0.25 ? 1.0f : (c == 0 && u < 0.5 ? 1.0f : 0.0f);
    };
    for (int orientation = 1; orientation <= 8; ++orientation)
        for (const char* ending : {".jpg", ".tif"}) {
            const bool turned = orientation >= 5;
            const int w = turned ? 480 : 640, h = turned ? 640 : 480;
            OIIO::ImageSpec spec(w, h, 3, OIIO::TypeUInt8);
            spec.attribute("Orientation", orientation);
            const auto file = write("turned" + std::to_string(orientation) + ending, spec,
                                    [&](int x, int y, int c) {
                                        const double sx = (x + 0.5) / w, sy = (y + 0.5) / h;
                                        switch (orientation) {
                                        case 2:
                                            return upright(1 - sx, sy, c);
                                        case 3:
                                            return upright(1 - sx, 1 - sy, c);
                                        case 4:
                                            return upright(sx, 1 - sy, c);
                                        case 5:
                                            return upright(sy, sx, c);
                                        case 6:
                                            return upright(1 - sy, sx, c);
                                        case 7:
                                            return upright(1 - sy, 1 - sx, c);
                                        case 8:
                                            return upright(sy, 1 - sx, c);
                                        default:
                                            return upright(sx, sy, c);
                                        }
                                    });
            PrepareOptions options = exact("4:3");
            options.gravity = "top";
            const Prepared out = prepare(file, options);
            const Decoded image = decode(out);
            EXPECT_GT(image.width, image.height);
            EXPECT_GT(image.at(20, 20, 1), 240) << orientation << ending;
            EXPECT_GT(image.at(600, 20, 1), 240) << orientation << ending;
            EXPECT_GT(image.at(20, 400, 0), 200) << orientation << ending;
            EXPECT_LT(image.at(20, 400, 1), 40) << orientation << ending;
            EXPECT_LT(image.at(600, 400, 0), 40) << orientation << ending;
            EXPECT_EQ(pictures::record(out).orientation, orientation);
            EXPECT_EQ(pictures::record(out).source_width, 640);
        }
}

TEST(Anamorphic, PixelsBecomeSquare)
{
    OIIO::ImageSpec spec(400, 600, 3, OIIO::TypeHalf);
    spec.attribute("PixelAspectRatio", 2.0f);
    const auto file = write("squeezed.exr", spec, gradient);
    PrepareOptions options = exact("auto");
    const Prepared out = prepare(file, options);
    const PrepareRecord record = pictures::record(out);
    EXPECT_EQ(record.aspect_ratio, "4:3");
    EXPECT_NEAR(record.crop_width * 2 / record.crop_height, double(out.width) / out.height, 0.01);
    EXPECT_EQ(record.pixel_aspect, 2);
}

TEST(Pad, BarsAreTheMatte)
{
    const auto file
        = write("wide.png", 800, 400, 3, OIIO::TypeUInt8, [](int, int, int) { return 1.0f; });
    PrepareOptions options = exact("1:1");
    options.fit = "pad";
    Decoded image = decode(prepare(file, options));
    EXPECT_EQ(image.width, image.height);
    EXPECT_EQ(image.at(400, 10, 0), 0);
    EXPECT_EQ(image.at(400, 400, 0), 255);
    options.matte = "1,0,0";
    image = decode(prepare(file, options));
    EXPECT_EQ(image.at(400, 10, 0), 255);
    EXPECT_EQ(image.at(400, 10, 1), 0);
}

} // namespace
