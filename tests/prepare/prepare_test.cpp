#include "pictures_support.h"

#include "prepare/encode.h"
#include "test_data.h"

#include <klio/error.h>
#include <klio/prepare.h>

#include <OpenImageIO/deepdata.h>
#include <OpenImageIO/imagebufalgo.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sys/stat.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>

using namespace klio;
using namespace pictures;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

namespace {

int srgb8(float x)
{
    x = std::clamp(x, 0.0f, 1.0f);
    return int((x <= 0.0031308f ? 12.92f * x : 1.055f * std::pow(x, 1 / 2.4f) - 0.055f) * 255
               + 0.5f);
}

std::string message_of(const std::string& file, const PrepareOptions& options = {})
{
    try {
        prepare(file, options);
    } catch (const Error& error) {
        EXPECT_THAT(error.what(), Not(HasSubstr("\n")));
        EXPECT_THAT(error.what(), HasSubstr(std::filesystem::path(file).filename().string()));
        return error.what();
    }
    return "no error";
}

std::string read(const std::string& file)
{
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

TEST(Texture, LinearExrIsSrgbExactly)
{
    const auto file = write("linear.exr", 320, 320, 3, OIIO::TypeFloat, gradient);
    const Prepared out = prepare(file, exact());
    const Decoded image = decode(out);
    ASSERT_EQ(image.width, 320);
    for (int y = 0; y < 320; y += 13)
        for (int x = 0; x < 320; x += 11)
            for (int c = 0; c < 3; ++c)
                EXPECT_EQ(image.at(x, y, c), srgb8(gradient(x, y, c)));
    const PrepareRecord record = pictures::record(out);
    EXPECT_EQ(record.color.policy, "texture");
    EXPECT_EQ(record.color.source_space, "Linear Rec.709 (sRGB)");
    EXPECT_EQ(record.color.decided_by, "file rule");
    EXPECT_EQ(record.color.clipped, 0);
    EXPECT_EQ(record.source_sha256.size(), 64u);
    EXPECT_EQ(out.sha256.size(), 64u);
}

TEST(SourceSpace, FlagThenMetadataThenRules)
{
    OIIO::ImageSpec spec(310, 310, 3, OIIO::TypeHalf);
    const float ap1[8] = {0.713f, 0.293f, 0.165f, 0.83f, 0.128f, 0.044f, 0.32168f, 0.33767f};
    spec.attribute("chromaticities", OIIO::TypeDesc(OIIO::TypeDesc::FLOAT, 8), ap1);
    const auto file = write("ap1.exr", spec, gradient);
    PrepareRecord record = pictures::record(prepare(file, exact()));
    EXPECT_EQ(record.color.source_space, "ACEScg");
    EXPECT_EQ(record.color.decided_by, "chromaticities");
    PrepareOptions options = exact();
    options.from = "aces2065_1";
    record = pictures::record(prepare(file, options));
    EXPECT_EQ(record.color.source_space, "ACES2065-1");
    EXPECT_EQ(record.color.decided_by, "flag");
    const auto png = write("plain.png", 310, 310, 3, OIIO::TypeUInt8, gradient);
    record = pictures::record(prepare(png, exact()));
    EXPECT_EQ(record.color.source_space, "sRGB - Texture");
    const auto tif = write("float.tif", 310, 310, 3, OIIO::TypeFloat, gradient);
    record = pictures::record(prepare(tif, exact()));
    EXPECT_EQ(record.color.source_space, "Linear Rec.709 (sRGB)");
    options.from = "ACEScgg";
    EXPECT_THROW(prepare(file, options), ColorError);
}

TEST(SourceSpace, UnusualPrimariesAreExact)
{
    OIIO::ImageSpec spec(310, 310, 3, OIIO::TypeHalf);
    const float rec2020[8] = {0.708f, 0.292f, 0.17f, 0.797f, 0.131f, 0.046f, 0.3127f, 0.329f};
    spec.attribute("chromaticities", OIIO::TypeDesc(OIIO::TypeDesc::FLOAT, 8), rec2020);
    const auto file
        = write("rec2020.exr", spec, [](int, int, int c) { return c == 1 ? 0.5f : 0.25f; });
    const Prepared out = prepare(file, exact());
    EXPECT_THAT(pictures::record(out).color.source_space, HasSubstr("chromaticities(0.708"));
    // Rec.2020 to Rec.709 by ITU-R BT.2087's matrix.
    const Decoded image = decode(out);
    EXPECT_NEAR(image.at(9, 9, 0), srgb8(1.6605f * .25f - .5876f * .5f - .0728f * .25f), 1);
    EXPECT_NEAR(image.at(9, 9, 1), srgb8(-.1246f * .25f + 1.1329f * .5f - .0083f * .25f), 1);
}

TEST(Policy, HighlightsChooseTheView)
{
    const auto file = write("hot.exr", 320, 320, 3, OIIO::TypeHalf, [](int x, int y, int c) {
        return x > 300 && y > 300 ? 40.0f : gradient(x, y, c);
    });
    const Prepared out = prepare(file, exact());
    const PrepareRecord record = pictures::record(out);
    EXPECT_EQ(record.color.policy, "view");
    EXPECT_EQ(record.color.view, "ACES 1.0 - SDR Video");
    EXPECT_EQ(record.color.display, "sRGB - Display");
    PrepareOptions options = exact();
    options.policy = "texture";
    const PrepareRecord clipped = pictures::record(prepare(file, options));
    EXPECT_NEAR(clipped.color.clipped, 19.0 * 19 / (320 * 320), 1e-9);
}

TEST(Policy, CompressRecordsItsPeak)
{
    const auto file = write("peak.exr", 320, 320, 3, OIIO::TypeHalf,
                            [](int x, int, int) { return x < 160 ? 0.18f : 12.0f; });
    PrepareOptions options = exact();
    options.policy = "compress";
    const Prepared out = prepare(file, options);
    const PrepareRecord record = pictures::record(out);
    EXPECT_NEAR(record.color.peak, 12, 0.2);
    const Decoded image = decode(out);
    EXPECT_EQ(image.at(10, 10, 0), srgb8(0.18f));
    EXPECT_GE(image.at(300, 10, 0), 253);
    EXPECT_EQ(record.color.clipped, 0);
}

TEST(Exposure, AutoFindsMiddleGreyDespiteHotPixels)
{
    const auto file = write("bright.exr", 320, 320, 3, OIIO::TypeHalf, [](int x, int y, int) {
        return x == 5 && y < 9 ? 60000.0f : 0.18f * 16;
    });
    PrepareOptions options = exact();
    options.policy = "texture";
    const Prepared plain = prepare(file, options);
    EXPECT_GT(pictures::record(plain).color.clipped, 0.99);
    EXPECT_THAT(plain.warnings, testing::Contains(HasSubstr("--exposure auto")));
    options.exposure = "auto";
    const Prepared out = prepare(file, options);
    EXPECT_NEAR(pictures::record(out).color.exposure, -4, 0.03);
    EXPECT_NEAR(decode(out).at(100, 100, 1), srgb8(0.18f), 2);
}

TEST(Finite, NanAndInfinityAreMendedAndCounted)
{
    for (const OIIO::TypeDesc& type : {OIIO::TypeHalf, OIIO::TypeFloat}) {
        const auto file = write("nan.exr", 700, 700, 3, type, [](int x, int y, int c) {
            if (x == 350 && y == 350)
                return c == 0 ? NAN : c == 1 ? HUGE_VALF : -HUGE_VALF;
            return 0.5f;
        });
        PrepareOptions options = exact("16:9");
        options.policy = "texture";
        const Prepared out = prepare(file, options);
        EXPECT_EQ(pictures::record(out).color.not_finite, 3);
        EXPECT_THAT(out.warnings, testing::Contains(HasSubstr("NaN")));
        const Decoded image = decode(out);
        EXPECT_EQ(image.at(100, 100, 0), srgb8(0.5f));
    }
}

TEST(Alpha, PremultipliedOverBlackIsTheDefault)
{
    const auto file = write("alpha.exr", 320, 320, 4, OIIO::TypeHalf, [](int x, int, int c) {
        return c == 3 ? (x < 160 ? 0.0f : 0.5f) : 0.25f;
    });
    Decoded image = decode(prepare(file, exact()));
    EXPECT_EQ(image.at(10, 10, 0), srgb8(0.25f)); // colour without alpha is light that adds
    PrepareOptions options = exact();
    options.matte = "1,1,1";
    options.policy = "texture";
    image = decode(prepare(file, options));
    EXPECT_EQ(image.at(300, 10, 0), srgb8(0.75f));
    options.matte = "unpremult";
    image = decode(prepare(file, options));
    EXPECT_EQ(image.at(300, 10, 0), srgb8(0.5f));
    EXPECT_EQ(image.at(10, 10, 0), srgb8(0.25f));
}

TEST(Alpha, UnassociatedGarbageIsNeverShown)
{
    // Formats that keep colours where alpha is 0.
    for (const char* name : {"garbage.png", "garbage.tif", "garbage.tga"}) {
        OIIO::ImageSpec spec(320, 320, 4, OIIO::TypeUInt8);
        spec.attribute("oiio:UnassociatedAlpha", 1);
        const auto file = write(name, spec, [](int x, int, int c) {
            return c == 3 ? (x < 160 ? 0.0f : 1.0f) : c == 0 ? 1.0f : 0.2f;
        });
        const Decoded image = decode(prepare(file, exact()));
        EXPECT_EQ(image.at(10, 10, 0), 0) << name;
        EXPECT_EQ(image.at(300, 10, 0), 255) << name;
    }
}

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

TEST(Codec, FlatGraphicsArePngPhotographsAreJpeg)
{
    const auto flat = write("logo.png", 640, 640, 3, OIIO::TypeUInt8, [](int x, int y, int c) {
        return (x / 80 + y / 80) % 2 ? 1.0f : 0.2f * float(c);
    });
    PrepareOptions options;
    options.aspect_ratio = "1:1";
    EXPECT_EQ(prepare(flat, options).media_type, "image/png");
    const auto photo = write("photo.exr", 640, 640, 3, OIIO::TypeHalf, gradient);
    const Prepared out = prepare(photo, options);
    EXPECT_EQ(out.media_type, "image/jpeg");
    EXPECT_EQ(pictures::record(out).quality, 95);
    options.codec = "jpeg";
    EXPECT_EQ(prepare(flat, options).media_type, "image/jpeg");
}

TEST(Codec, QualityStepsDownOnlyForTheByteLimit)
{
    prep::Picture noise;
    noise.width = noise.height = 200;
    std::mt19937 random(1);
    for (int i = 0; i < 200 * 200 * 3; ++i)
        noise.pixels.push_back(static_cast<unsigned char>(random()));
    const prep::Encoded full = prep::encode(noise, "jpeg", 95, 1 << 20);
    EXPECT_EQ(full.quality, 95);
    EXPECT_TRUE(full.warning.empty());
    const prep::Encoded less = prep::encode(noise, "jpeg", 95, full.bytes.size() / 2);
    EXPECT_LT(less.quality, 95);
    EXPECT_LE(less.bytes.size(), full.bytes.size() / 2);
    EXPECT_THAT(less.warning, HasSubstr("quality"));
    const prep::Encoded png = prep::encode(noise, "png", 95, 100000);
    EXPECT_EQ(png.codec, "jpeg");
    EXPECT_THROW(prep::encode(noise, "jpeg", 95, 100), ReferenceError);
}

TEST(Jpeg, Is444WithoutAnyMetadata)
{
    const std::string file = test_data("tahoe-gps.jpg");
    if (file.empty())
        GTEST_SKIP() << "the folder of real images is missing";
    PrepareOptions options;
    options.aspect_ratio = "16:9";
    const Prepared out = prepare(file, options);
    EXPECT_EQ(out.width, 1360);
    EXPECT_EQ(out.height, 768);
    // Every marker up to the picture's own data: JFIF, tables, frame; nothing else.
    size_t at = 2;
    bool frame = false;
    while (at + 4 < out.bytes.size()) {
        const auto byte = [&](size_t i) { return static_cast<unsigned char>(out.bytes[i]); };
        ASSERT_EQ(byte(at), 0xFF);
        const int marker = byte(at + 1);
        const size_t length = size_t(byte(at + 2)) << 8 | byte(at + 3);
        EXPECT_THAT(marker, testing::AnyOf(0xE0, 0xDB, 0xC0, 0xC4, 0xDA)) << std::hex << marker;
        if (marker == 0xE0) {
            EXPECT_EQ(length, 16u); // JFIF without a thumbnail
        }
        if (marker == 0xC0) {
            frame = true;
            for (size_t c = 0; c < 3; ++c)
                EXPECT_EQ(byte(at + 11 + 3 * c), 0x11); // one sample a pixel: 4:4:4
        }
        if (marker == 0xDA)
            break;
        at += 2 + length;
    }
    EXPECT_TRUE(frame);
    for (const char* text : {"HTC", "Exif", "T-Mobile", "2009", "GPS", "WGS"})
        EXPECT_EQ(out.bytes.find(text), std::string::npos) << text;
    EXPECT_EQ(out.record.find("HTC"), std::string::npos);
}

TEST(Png, HasNothingButThePicture)
{
    OIIO::ImageSpec spec(320, 320, 3, OIIO::TypeUInt8);
    spec.attribute("ImageDescription", "secret plate");
    spec.attribute("DateTime", "2026:01:01 00:00:00");
    const Prepared out = prepare(write("described.png", spec, gradient), exact());
    size_t at = 8;
    while (at + 12 <= out.bytes.size()) {
        const std::string type = out.bytes.substr(at + 4, 4);
        EXPECT_THAT(type, testing::AnyOf("IHDR", "IDAT", "IEND"));
        size_t length = 0;
        for (size_t i = 0; i < 4; ++i)
            length = length << 8 | static_cast<unsigned char>(out.bytes[at + i]);
        at += 12 + length;
    }
    EXPECT_EQ(at, out.bytes.size());
}

TEST(Deterministic, WhateverTheThreads)
{
    const auto exr = write("threads.exr", 1700, 1100, 4, OIIO::TypeHalf, [](int x, int y, int c) {
        return (x - 800) * (x - 800) + (y - 500) * (y - 500) < 900 ? 90.0f : gradient(x, y, c);
    });
    const auto jpg = write("threads.jpg", 1700, 1100, 3, OIIO::TypeUInt8, gradient);
    for (const std::string& file : {exr, jpg})
        for (const char* policy : {"", "texture", "view", "compress"}) {
            PrepareOptions options;
            options.aspect_ratio = "16:9";
            options.policy = policy;
            options.threads = 1;
            const Prepared one = prepare(file, options);
            for (int threads : {2, 3, 8}) {
                options.threads = threads;
                const Prepared many = prepare(file, options);
                EXPECT_EQ(many.bytes, one.bytes) << file << policy << threads;
                EXPECT_EQ(many.record, one.record);
            }
        }
}

TEST(Memory, GivesWhatTheFileGives)
{
    for (const char* name : {"memory.exr", "memory.png", "memory.jpg", "memory.tif"}) {
        const auto file = write(
            name, 700, 400, 3,
            std::string(name).find("exr") != std::string::npos ? OIIO::TypeHalf : OIIO::TypeUInt8,
            gradient);
        const Prepared from_file = prepare(file, exact("16:9"));
        const Prepared from_memory = prepare_bytes(read(file), name, exact("16:9"));
        EXPECT_EQ(from_file.bytes, from_memory.bytes) << name;
        EXPECT_TRUE(pictures::record(from_memory).source_sha256.empty());
    }
    EXPECT_THROW(prepare_bytes("", "nothing", {}), ReferenceError);
    EXPECT_THROW(prepare_bytes("hello", "https://x/y?z", {}), ReferenceError);
}

TEST(Icc, DisplayP3IsConverted)
{
    // A P3 profile is taken from a file that ImageMagick or OIIO can't be asked for here, so the
    // smallest possible one is made by hand: matrix, gamma 2.2.
    const auto number = [](double v) {
        const int32_t fixed = int32_t(std::lround(v * 65536));
        std::string out;
        for (int shift = 24; shift >= 0; shift -= 8)
            out += char(fixed >> shift & 255);
        return out;
    };
    const auto word = [](uint32_t v) {
        std::string out;
        for (int shift = 24; shift >= 0; shift -= 8)
            out += char(v >> shift & 255);
        return out;
    };
    const auto xyz = [&](double x, double y, double z) {
        return std::string("XYZ ") + word(0) + number(x) + number(y) + number(z);
    };
    const std::string curve
        = std::string("curv") + word(0) + word(1) + std::string("\x02\x33\0\0", 4);
    const std::vector<std::pair<std::string, std::string>> tags = {
        {"wtpt", xyz(0.9642, 1, 0.8249)},
        {"rXYZ", xyz(0.5151, 0.2412, -0.0011)},
        {"gXYZ", xyz(0.2919, 0.6922, 0.0419)},
        {"bXYZ", xyz(0.1572, 0.0666, 0.7841)},
        {"rTRC", curve},
        {"gTRC", curve},
        {"bTRC", curve},
    };
    std::string table = word(uint32_t(tags.size())), data;
    for (const auto& [name, content] : tags) {
        table += name + word(uint32_t(128 + 4 + 12 * tags.size() + data.size()))
            + word(uint32_t(content.size()));
        data += content;
    }
    std::string header = word(uint32_t(128 + table.size() + data.size())) + "lcms"
        + word(0x02400000) + "mntrRGB XYZ " + std::string(12, '\0') + "acsp" + std::string(28, '\0')
        + number(0.9642) + number(1) + number(0.8249);
    header.resize(128);
    const std::string profile = header + table + data;
    for (const char* name : {"p3.png", "p3.tif", "p3.jpg"}) {
        OIIO::ImageSpec spec(320, 320, 3, OIIO::TypeUInt8);
        spec.attribute("ICCProfile", OIIO::TypeDesc(OIIO::TypeDesc::UINT8, int(profile.size())),
                       profile.data());
        const auto file = write(name, spec, [](int, int, int c) { return c == 0 ? 0.8f : 0.4f; });
        const Prepared out = prepare(file, exact());
        const PrepareRecord record = pictures::record(out);
        EXPECT_EQ(record.color.policy, "icc") << name;
        EXPECT_EQ(record.color.decided_by, "icc") << name;
        const Decoded image = decode(out);
        // A P3 red is outside what the same numbers mean in sRGB: more red, less green.
        EXPECT_GT(image.at(9, 9, 0), 210) << name;
        EXPECT_LT(image.at(9, 9, 1), 98) << name;
        PrepareOptions options = exact();
        options.from = "sRGB";
        EXPECT_NEAR(decode(prepare(file, options)).at(9, 9, 0), 204, 2) << name;
    }
}

TEST(BadInput, SaysWhatIsWrong)
{
    EXPECT_THAT(message_of(path("missing.exr")), HasSubstr("No such file"));
    EXPECT_THAT(message_of(std::filesystem::path(path("x")).parent_path().string()),
                HasSubstr("folder"));
    std::ofstream(path("empty.png")).close();
    EXPECT_THAT(message_of(path("empty.png")), HasSubstr("empty"));
    std::ofstream(path("text.exr")) << "this is no picture at all";
    EXPECT_THAT(message_of(path("text.exr")), HasSubstr("can't be read as an image"));
    std::ofstream(path("a.kling")) << "{}";
    EXPECT_THAT(message_of(path("a.kling")), HasSubstr("recipe"));
    std::ofstream(path("maya.jpg")) << "FOR4    CIMG";
    EXPECT_NE(message_of(path("maya.jpg")), "no error");
    std::ofstream(path("greedy.dpx"), std::ios::binary) << std::string("SDPX")
            + std::string(28, '\0') + "\x7F\xFF\xFF\xFF" + std::string(2100, '\0');
    EXPECT_THAT(message_of(path("greedy.dpx")), HasSubstr("DPX header"));
    std::ofstream(path("odd.cin"), std::ios::binary) << std::string("\x80\x2A\x5F\xD7")
            + std::string(189, '\0') + "\x03" + std::string(1000, '\x03');
    EXPECT_THAT(message_of(path("odd.cin")), HasSubstr("3 bits"));
    const auto secret = write("secret.png", 320, 320, 3, OIIO::TypeUInt8, gradient);
    chmod(secret.c_str(), 0);
    if (geteuid() != 0) {
        EXPECT_THAT(message_of(secret), HasSubstr("Permission denied"));
    }
}

TEST(BadInput, TruncatedFilesAreErrors)
{
    for (const char* name : {"cut.exr", "cut.png", "cut.jpg", "cut.tif"}) {
        const auto file = write(name, 400, 400, 3,
                                std::string(name) == "cut.exr" ? OIIO::TypeHalf : OIIO::TypeUInt8,
                                [](int x, int y, int c) {
                                    return gradient(x, y, c) + float((x * 7 + y * 13) % 11) / 50;
                                });
        const std::string bytes = read(file);
        std::ofstream(file, std::ios::binary) << bytes.substr(0, bytes.size() / 2);
        EXPECT_NE(message_of(file), "no error") << name;
    }
}

TEST(BadInput, HugeHeadersAreRefusedBeforeAnythingIsAllocated)
{
    // A PNG, a BMP and a JPEG that say that they are enormous.
    std::string png = read(write("huge.png", 320, 320, 3, OIIO::TypeUInt8, gradient));
    for (size_t at : {size_t(16), size_t(20)})
        png.replace(at, 4, std::string("\0\x01\x86\xa0", 4));
    std::ofstream(path("huge.png"), std::ios::binary) << png;
    message_of(path("huge.png"));
    std::string jpeg = read(write("huge.jpg", 320, 320, 3, OIIO::TypeUInt8, gradient));
    size_t frame = jpeg.find("\xFF\xC0");
    ASSERT_NE(frame, std::string::npos);
    jpeg.replace(frame + 5, 4, "\xFF\xDC\xFF\xDC");
    std::ofstream(path("huge.jpg"), std::ios::binary) << jpeg;
    EXPECT_THAT(message_of(path("huge.jpg")), HasSubstr("65500x65500"));
    OIIO::ImageSpec spec(320, 320, 3, OIIO::TypeHalf);
    spec.full_width = spec.full_height = 100000;
    EXPECT_THAT(message_of(write("huge.exr", spec, gradient)), HasSubstr("100000x100000"));
}

TEST(BadInput, MutatedFilesNeverCrash)
{
    // A small part of what tests/fuzz does at length, and in processes of their own.
    for (const char* name : {"seed.exr", "seed.png", "seed.jpg", "seed.tif"}) {
        const std::string bytes = read(
            write(name, 48, 40, 3,
                  std::string(name) == "seed.exr" ? OIIO::TypeHalf : OIIO::TypeUInt8, gradient));
        std::mt19937 random(11);
        for (int i = 0; i < 60; ++i) {
            std::string mutated = bytes;
            for (unsigned k = 0; k < 1 + random() % 5; ++k)
                mutated[random() % mutated.size()] = char(random());
            if (random() % 4 == 0)
                mutated.resize(random() % mutated.size());
            try {
                prepare_bytes(mutated, name, exact());
            } catch (const Error& error) {
                EXPECT_THAT(error.what(), Not(HasSubstr("\n")));
            }
        }
    }
}

TEST(Cancel, StopsTheWork)
{
    const auto file = write("long.exr", 700, 700, 3, OIIO::TypeHalf, gradient);
    const CancelToken cancel;
    cancel.cancel();
    EXPECT_THROW(prepare(file, {}, cancel), CancelledError);
}

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
