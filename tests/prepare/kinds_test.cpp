#include "pictures_support.h"

#include <klio/error.h>
#include <klio/prepare.h>

#include <OpenImageIO/deepdata.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace klio;
using namespace pictures;
using testing::AllOf;
using testing::HasSubstr;

namespace {

TEST(Kinds, GreyPaletteBitsAndDepthsAreRight)
{
    const auto half = [](int x, int, int) { return x < 160 ? 0.0f : 1.0f; };
    OIIO::ImageSpec bits(320, 320, 1, OIIO::TypeUInt8);
    bits.attribute("oiio:BitsPerSample", 1);
    std::vector<std::string> files = {
        write("grey.png", 320, 320, 1, OIIO::TypeUInt8, half),
        write("bits.tif", bits, half),
        write("deep16.png", 320, 320, 3, OIIO::TypeUInt16, half),
        write("deep16.tif", 320, 320, 3, OIIO::TypeUInt16, half),
        write("float3.tif", 320, 320, 3, OIIO::TypeFloat, half),
        write("ten.dpx", 320, 320, 3, OIIO::TypeUInt16, half),
        write("grey.exr", 320, 320, 1, OIIO::TypeHalf, half),
        write("pic.gif", 320, 320, 3, OIIO::TypeUInt8, half),
        write("pic.bmp", 320, 320, 3, OIIO::TypeUInt8, half),
        write("pic.tga", 320, 320, 3, OIIO::TypeUInt8, half),
        write("pic.hdr", 320, 320, 3, OIIO::TypeFloat, half),
    };
    for (const std::string& file : files) {
        PrepareOptions options = exact();
        options.policy = "texture";
        const Decoded image = decode(prepare(file, options));
        for (int c = 0; c < 3; ++c) {
            EXPECT_EQ(image.at(10, 200, c), 0) << file;
            EXPECT_EQ(image.at(310, 200, c), 255) << file;
        }
    }
}

TEST(Kinds, TilesGiveWhatScanlinesGive)
{
    OIIO::ImageSpec spec(700, 620, 3, OIIO::TypeHalf);
    const auto lines = write("lines.exr", spec, gradient);
    spec.tile_width = spec.tile_height = 64;
    const auto tiles = write("tiles.exr", spec, gradient);
    EXPECT_EQ(prepare(lines, exact("16:9")).bytes, prepare(tiles, exact("16:9")).bytes);
}

TEST(Kinds, PartsAndViewsAreChosenByName)
{
    const std::string file = path("parts.exr");
    std::vector<OIIO::ImageSpec> specs(2, OIIO::ImageSpec(320, 320, 3, OIIO::TypeHalf));
    specs[0].attribute("oiio:subimagename", "left");
    specs[1].attribute("oiio:subimagename", "right");
    const auto out = OIIO::ImageOutput::create(file);
    ASSERT_TRUE(out->open(file, 2, specs.data()));
    for (int i = 0; i < 2; ++i) {
        if (i) {
            ASSERT_TRUE(out->open(file, specs[1], OIIO::ImageOutput::AppendSubimage));
        }
        const std::vector<float> pixels(320 * 320 * 3, i ? 1.0f : 0.0f);
        ASSERT_TRUE(out->write_image(OIIO::TypeFloat, pixels.data()));
    }
    ASSERT_TRUE(out->close());
    EXPECT_EQ(decode(prepare(file, exact())).at(5, 5, 0), 0);
    PrepareOptions options = exact();
    options.image_view = "right";
    EXPECT_EQ(decode(prepare(file, options)).at(5, 5, 0), 255);
    options.image_view = "1";
    EXPECT_EQ(decode(prepare(file, options)).at(5, 5, 0), 255);
    options.image_view = "middle";
    EXPECT_THAT(message_of(file, options), AllOf(HasSubstr("left"), HasSubstr("right")));

    OIIO::ImageSpec views(320, 320, 6, OIIO::TypeHalf);
    views.channelnames = {"R", "G", "B", "right.R", "right.G", "right.B"};
    const auto layered
        = write("views.exr", views, [](int, int, int c) { return c < 3 ? 0.f : 1.f; });
    EXPECT_EQ(decode(prepare(layered, exact())).at(5, 5, 0), 0);
    options.image_view = "right";
    EXPECT_EQ(decode(prepare(layered, options)).at(5, 5, 0), 255);
}

TEST(Kinds, LuminanceChromaBecomesRgb)
{
    // Red 0.6, green 0.3, blue 0.1.
    const float y = 0.2126f * 0.6f + 0.7152f * 0.3f + 0.0722f * 0.1f;
    OIIO::ImageSpec spec(320, 320, 3, OIIO::TypeFloat);
    spec.channelnames = {"Y", "RY", "BY"};
    const auto file = write("chroma.exr", spec, [&](int, int, int c) {
        return c == 0 ? y : c == 1 ? (0.6f - y) / y : (0.1f - y) / y;
    });
    const Decoded image = decode(prepare(file, exact()));
    EXPECT_EQ(image.at(50, 50, 0), srgb8(0.6f));
    EXPECT_EQ(image.at(50, 50, 1), srgb8(0.3f));
    EXPECT_EQ(image.at(50, 50, 2), srgb8(0.1f));
}

TEST(Kinds, DepthAloneIsNoPicture)
{
    OIIO::ImageSpec spec(320, 320, 5, OIIO::TypeFloat);
    spec.channelnames = {"N.X", "N.Y2", "N.Z", "depth", "id"};
    EXPECT_THAT(message_of(write("passes.exr", spec, gradient)), HasSubstr("depth"));
}

TEST(Kinds, DeepIsRefusedWithAWayOut)
{
    OIIO::ImageSpec spec(320, 320, 3, OIIO::TypeFloat);
    spec.channelnames = {"R", "G", "Z"};
    spec.deep = true;
    const std::string file = path("deep.exr");
    const auto out = OIIO::ImageOutput::create(file);
    ASSERT_TRUE(out->open(file, spec));
    OIIO::DeepData data;
    data.init(spec);
    ASSERT_TRUE(out->write_deep_image(data));
    ASSERT_TRUE(out->close());
    EXPECT_THAT(message_of(file), AllOf(HasSubstr("deep"), HasSubstr("--flatten")));
}

} // namespace
