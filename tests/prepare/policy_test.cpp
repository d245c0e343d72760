#include "pictures_support.h"

#include <klio/error.h>
#include <klio/prepare.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdio>

using namespace klio;
using namespace pictures;
using testing::HasSubstr;

namespace {

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

TEST(Exposure, TheWarningSaysWhatAutoWouldChoose)
{
    const auto bright = [](int x, int y, int c) { return 9 * gradient(x, y, c); };
    const auto file = write("clips.exr", 320, 320, 3, OIIO::TypeHalf, bright);
    // In log, and as whole numbers: the way to bytes passes no linear light here.
    OIIO::ImageSpec whole(320, 320, 3, OIIO::TypeUInt16);
    const auto log = write("log.tif", whole, [&](int x, int y, int c) {
        return (std::log2(bright(x, y, c)) + 9.72f) / 17.52f; // ACEScct
    });
    const auto stops = [](double value) {
        char text[64];
        std::snprintf(text, sizeof text, "--exposure auto would choose %+.2f stops", value);
        return std::string(text);
    };
    for (const std::string& source : {file, log})
        for (const char* policy : {"texture", "compress", ""})
            for (const char* given : {"", "1"}) {
                PrepareOptions options = exact();
                options.from = source == log ? "ACEScct" : "";
                options.policy = policy;
                options.peak = "1.5";
                options.exposure = "auto";
                const double chosen = pictures::record(prepare(source, options)).color.exposure;
                EXPECT_NEAR(chosen, -4.6, 0.3);
                options.exposure = given;
                const Prepared out = prepare(source, options);
                if (*policy) {
                    EXPECT_THAT(out.warnings, testing::Contains(HasSubstr(stops(chosen))))
                        << source << policy << given;
                } else {
                    // Left to the picture, the policy is the view, which has its own way.
                    EXPECT_EQ(pictures::record(out).color.policy, "view") << source;
                }
            }
}

TEST(Policy, LogPlatesOfWholeNumbersAreMeasuredToo)
{
    const auto file = write("tenbit.dpx", 320, 320, 3, OIIO::TypeUInt16,
                            [](int x, int, int) { return x < 160 ? 0.41f : 0.7f; });
    PrepareOptions options = exact();
    options.from = "ACEScct";
    EXPECT_EQ(pictures::record(prepare(file, options)).color.policy, "view");
    options.policy = "texture";
    EXPECT_NEAR(pictures::record(prepare(file, options)).color.clipped, 0.5, 1e-9);
    options.from = "sRGB";
    EXPECT_EQ(pictures::record(prepare(file, options)).color.clipped, 0);
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

} // namespace
