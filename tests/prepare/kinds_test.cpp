#include "files_support.h"
#include "pictures_support.h"

#include <klio/error.h>
#include <klio/prepare.h>

#include <OpenEXR/ImfRgbaFile.h>
#include <OpenImageIO/deepdata.h>
#include <OpenImageIO/imagebufalgo.h>

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

// Four colours in quarters: upper left, upper right, lower left, lower right.
constexpr std::array<unsigned char, 3> quarters[4]
    = {{{200, 30, 60}}, {{12, 180, 90}}, {{5, 40, 250}}, {{222, 211, 100}}};

size_t quarter(int x, int y)
{
    return size_t(y >= 160 ? 2 : 0) + size_t(x >= 160 ? 1 : 0);
}

void expect_quarters(const std::string& file, int tolerance = 0)
{
    const Decoded image = decode(prepare(file, exact()));
    ASSERT_EQ(image.width, 320) << file;
    for (int y : {20, 300})
        for (int x : {20, 300})
            for (int c = 0; c < 3; ++c)
                EXPECT_NEAR(image.at(x, y, c), quarters[quarter(x, y)][size_t(c)], tolerance)
                    << file << " " << x << "," << y;
}

TEST(Kinds, PalettesGiveTheirColours)
{
    std::vector<unsigned char> indices;
    for (int y = 0; y < 320; ++y)
        for (int x = 0; x < 320; ++x)
            indices.push_back(static_cast<unsigned char>(quarter(x, y)));
    const std::vector<std::array<unsigned char, 3>> colors(quarters, quarters + 4);
    for (int bits : {2, 4, 8})
        expect_quarters(write_palette_png("palette" + std::to_string(bits) + ".png", 320, 320, bits,
                                          colors, indices));
    for (int bits : {4, 8}) {
        Tiff tiff;
        tiff.photometric = 3;
        tiff.bits = bits;
        tiff.colors.assign(3u << bits, 0);
        for (size_t i = 0; i < 4; ++i)
            for (size_t c = 0; c < 3; ++c)
                tiff.colors[(c << bits) + i] = uint16_t(quarters[i][c] * 257);
        for (size_t i = 0; i < indices.size(); i += size_t(8 / bits))
            tiff.data += char(bits == 8 ? indices[i] : indices[i] << 4 | indices[i + 1]);
        expect_quarters(write_tiff("palette" + std::to_string(bits) + ".tif", tiff));
    }
    expect_quarters(
        write("palette.gif", 320, 320, 3, OIIO::TypeUInt8,
              [](int x, int y, int c) { return float(quarters[quarter(x, y)][size_t(c)]) / 255; }),
        2);
}

TEST(Kinds, OneBitIsBlackOrWhiteWhicheverIsZero)
{
    for (int photometric : {0, 1}) {
        Tiff tiff;
        tiff.bits = 1;
        tiff.photometric = photometric;
        for (int y = 0; y < 320; ++y)
            tiff.data += std::string(20, '\xFF') + std::string(20, '\0');
        const Decoded image = decode(prepare(write_tiff("one.tif", tiff), exact()));
        for (int c = 0; c < 3; ++c) {
            EXPECT_EQ(image.at(159, 9, c), photometric ? 255 : 0);
            EXPECT_EQ(image.at(160, 9, c), photometric ? 0 : 255);
        }
    }
    const std::vector<std::array<unsigned char, 3>> two = {{{10, 20, 30}}, {{240, 230, 220}}};
    std::vector<unsigned char> indices;
    for (int i = 0; i < 320 * 320; ++i)
        indices.push_back(i % 320 < 160);
    const Decoded image
        = decode(prepare(write_palette_png("one.png", 320, 320, 1, two, indices), exact()));
    EXPECT_EQ(image.at(9, 9, 2), 220);
    EXPECT_EQ(image.at(300, 9, 2), 30);
}

TEST(Kinds, EveryDepthKeepsItsValues)
{
    // What the file holds is the curve's value (integers) or light (floats).
    OIIO::ImageSpec ten(320, 320, 3, OIIO::TypeUInt16), twelve = ten;
    ten.attribute("oiio:BitsPerSample", 10);
    twelve.attribute("oiio:BitsPerSample", 12);
    const std::vector<std::string> codes = {
        write("depth16.png", 320, 320, 3, OIIO::TypeUInt16, gradient),
        write("depth16.tif", 320, 320, 3, OIIO::TypeUInt16, gradient),
        write("depth10.dpx", ten, gradient),
        write("depth12.dpx", twelve, gradient),
        write("depth16.dpx", 320, 320, 3, OIIO::TypeUInt16, gradient),
    };
    for (const std::string& file : codes) {
        PrepareOptions options = exact();
        options.from = "sRGB";
        const Decoded image = decode(prepare(file, options));
        for (int y = 0; y < 320; y += 17)
            for (int x = 0; x < 320; x += 19)
                for (int c = 0; c < 3; ++c)
                    ASSERT_NEAR(image.at(x, y, c), 255 * gradient(x, y, c), 0.7) << file;
    }
    OIIO::ImageSpec half(320, 320, 3, OIIO::TypeHalf);
    for (const std::string& file : {write("light.tif", 320, 320, 3, OIIO::TypeFloat, gradient),
                                    write("light16.tif", half, gradient),
                                    write("light32.exr", 320, 320, 3, OIIO::TypeFloat, gradient)}) {
        const Decoded image = decode(prepare(file, exact()));
        for (int y = 0; y < 320; y += 17)
            for (int x = 0; x < 320; x += 19)
                for (int c = 0; c < 3; ++c)
                    ASSERT_NEAR(image.at(x, y, c), srgb8(gradient(x, y, c)), 1) << file;
    }
    // Above 1, and of the channels' own types.
    const auto hot = write("hot.tif", 320, 320, 3, OIIO::TypeFloat,
                           [](int x, int, int) { return x < 160 ? 4.0f : 0.18f; });
    PrepareOptions options = exact();
    options.policy = "texture";
    options.exposure = "-2";
    EXPECT_EQ(decode(prepare(hot, options)).at(9, 9, 0), 255);
    EXPECT_EQ(decode(prepare(hot, options)).at(300, 9, 0), srgb8(0.045f));
    OIIO::ImageSpec mixed(320, 320, 4, OIIO::TypeFloat);
    mixed.channelnames = {"R", "G", "B", "Z"};
    mixed.channelformats = {OIIO::TypeHalf, OIIO::TypeHalf, OIIO::TypeHalf, OIIO::TypeUInt32};
    const Decoded image = decode(prepare(write("mixed.exr", mixed, gradient), exact()));
    EXPECT_NEAR(image.at(50, 70, 1), srgb8(gradient(50, 70, 1)), 1);
}

TEST(Kinds, OfMipMapsTheLargestIsShown)
{
    const auto plain = write("plain.exr", 640, 640, 3, OIIO::TypeHalf, gradient);
    const std::string expected = prepare(plain, exact()).bytes;
    for (const char* name : {"map.exr", "map.tif"}) {
        OIIO::ImageSpec spec;
        spec.format = OIIO::TypeHalf;
        spec.attribute("maketx:filtername", "box");
        if (std::string(name) == "map.tif")
            spec.format = OIIO::TypeFloat;
        ASSERT_TRUE(OIIO::ImageBufAlgo::make_texture(OIIO::ImageBufAlgo::MakeTxTexture,
                                                     OIIO::ImageBuf(plain), path(name), spec));
        const auto in = OIIO::ImageInput::open(path(name));
        ASSERT_TRUE(in->seek_subimage(0, 3)) << "the test's own file has no levels";
        in->close();
        const Prepared out = prepare(path(name), exact());
        EXPECT_EQ(out.width, 640) << name;
        EXPECT_EQ(out.bytes, expected) << name;
    }
}

TEST(Kinds, TilesOfEveryFormatGiveWhatScanlinesGive)
{
    for (const char* ending : {".exr", ".tif"}) {
        OIIO::ImageSpec spec(700, 620, 3, OIIO::TypeFloat);
        const auto lines = write(std::string("lines") + ending, spec, gradient);
        for (const auto& [w, h] : {std::pair(64, 64), std::pair(128, 32), std::pair(1024, 1024)}) {
            spec.tile_width = w;
            spec.tile_height = h;
            const auto tiles = write(std::string("tiles") + ending, spec, gradient);
            for (const char* ratio : {"16:9", "9:16"})
                EXPECT_EQ(prepare(lines, exact(ratio)).bytes, prepare(tiles, exact(ratio)).bytes)
                    << ending << w << ratio;
        }
    }
}

TEST(Kinds, SubsampledChromaIsRefusedWithAWayOut)
{
    namespace exr = OPENEXR_IMF_NAMESPACE;
    const std::string file = path("yc.exr");
    {
        exr::RgbaOutputFile out(file.c_str(), 320, 320, exr::WRITE_YC);
        const std::vector<exr::Rgba> pixels(320 * 320, exr::Rgba(0.6f, 0.3f, 0.1f));
        out.setFrameBuffer(pixels.data(), 1, 320);
        out.writePixels(320);
    }
    EXPECT_THAT(message_of(file),
                AllOf(HasSubstr("has chroma at a lower resolution"), HasSubstr("save it as RGB")));
    EXPECT_THROW(prepare_bytes(read(file), "yc.exr", exact()), ReferenceError);
}

// Parts with the attribute "view", as renderers write stereo: depth first, then colour.
TEST(Views, ArePartsThatSaySo)
{
    const std::string file = path("stereo.exr");
    std::vector<OIIO::ImageSpec> specs;
    for (const char* view : {"left", "right"}) {
        OIIO::ImageSpec depth(320, 320, 1, OIIO::TypeFloat), color(320, 320, 3, OIIO::TypeHalf);
        depth.channelnames = {"Z"};
        depth.attribute("oiio:subimagename", std::string("depth.") + view);
        color.attribute("oiio:subimagename", std::string("rgb.") + view);
        depth.attribute("view", view);
        color.attribute("view", view);
        specs.push_back(depth);
        specs.push_back(color);
    }
    const auto out = OIIO::ImageOutput::create(file);
    ASSERT_TRUE(out->open(file, 4, specs.data()));
    for (int i = 0; i < 4; ++i) {
        if (i) {
            ASSERT_TRUE(out->open(file, specs[size_t(i)], OIIO::ImageOutput::AppendSubimage));
        }
        const std::vector<float> pixels(320 * 320 * 3, i == 3 ? 1.0f : 0.0f);
        ASSERT_TRUE(out->write_image(OIIO::TypeFloat, pixels.data()));
    }
    ASSERT_TRUE(out->close());
    const auto shown = [&](const std::string& view) {
        PrepareOptions options = exact();
        options.image_view = view;
        const Prepared prepared = prepare(file, options);
        return std::pair(decode(prepared).at(5, 5, 0), pictures::record(prepared).image_view);
    };
    EXPECT_EQ(shown(""), std::pair(0, std::string("left")));
    EXPECT_EQ(shown("left"), std::pair(0, std::string("left")));
    EXPECT_EQ(shown("right"), std::pair(255, std::string("right")));
    EXPECT_EQ(shown("rgb.right"), std::pair(255, std::string("rgb.right")));
    PrepareOptions options = exact();
    options.image_view = "middle";
    EXPECT_THAT(message_of(file, options),
                AllOf(HasSubstr("depth.left, left, rgb.left"), HasSubstr("right")));
}

TEST(Views, OfOnePartAreChannelsAndTheFirstHasNoPrefix)
{
    OIIO::ImageSpec spec(320, 320, 6, OIIO::TypeHalf);
    spec.channelnames = {"R", "G", "B", "right.R", "right.G", "right.B"};
    const char* const views[] = {"left", "right"};
    spec.attribute("multiView", OIIO::TypeDesc(OIIO::TypeDesc::STRING, 2), views);
    const auto file
        = write("multiview.exr", spec, [](int, int, int c) { return c < 3 ? 0.f : 1.f; });
    PrepareOptions options = exact();
    for (const auto& [view, value] :
         {std::pair("", 0), std::pair("left", 0), std::pair("right", 255)}) {
        options.image_view = view;
        EXPECT_EQ(decode(prepare(file, options)).at(5, 5, 0), value) << view;
    }
    options.image_view = "middle";
    EXPECT_THAT(message_of(file, options), AllOf(HasSubstr("left"), HasSubstr("right")));
}

} // namespace
