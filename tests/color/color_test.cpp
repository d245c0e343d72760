#include "color/transform.h"

#include "color/curve.h"
#include "config_support.h"

#include <klio/error.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>

using namespace klio;
using testing::HasSubstr;

namespace {

std::vector<float> through(const color::Processor& processor, std::vector<float> pixels)
{
    processor.apply(pixels.data(), pixels.size() / 3, 3);
    return pixels;
}

ColorRecord record_of(const std::string& space, const std::string& policy = "texture")
{
    ColorRecord record;
    record.source_space = space;
    record.policy = policy;
    if (policy == "view")
        color::resolve_view(record.display, record.view);
    return record;
}

float srgb(float x)
{
    return x <= 0.0031308f ? 12.92f * x : 1.055f * std::pow(x, 1 / 2.4f) - 0.055f;
}

TEST(OwnConfig, IsUsedWithoutOcio)
{
    unsetenv("OCIO");
    const color::ConfigInfo info = color::config_info();
    EXPECT_EQ(info.name, "klio-config-1.0");
    EXPECT_EQ(info.scene_linear, "Linear Rec.709 (sRGB)");
    EXPECT_EQ(info.default_view, "ACES 1.0 - SDR Video");
    EXPECT_FALSE(info.id.empty());
    for (const char* name : {"ACES2065-1", "ACEScg", "sRGB", "linear", "scene_linear"})
        EXPECT_NO_THROW(color::resolve_space(name)) << name;
}

TEST(Texture, LinearToSrgbIsTheStandardsCurve)
{
    unsetenv("OCIO");
    for (float x : {0.0f, 0.001f, 0.0031f, 0.18f, 0.5f, 1.0f}) {
        const auto out = through(color::there(record_of("linear")), {x, x / 2, x / 4});
        EXPECT_NEAR(out[0], srgb(x), 2e-5);
        EXPECT_NEAR(out[1], srgb(x / 2), 2e-5);
        EXPECT_NEAR(out[2], srgb(x / 4), 2e-5);
    }
}

TEST(Texture, AcescgPrimariesAreConverted)
{
    unsetenv("OCIO");
    // The published AP1 to Rec.709 matrix (Bradford), its first row's green and blue entries.
    const auto out = through(color::to_linear(record_of("ACEScg")), {0, 1, 0});
    EXPECT_NEAR(out[0], -0.62113, 2e-3);
    EXPECT_NEAR(out[1], 1.14026, 2e-3);
    EXPECT_NEAR(out[2], -0.12897, 2e-3);
    const auto white = through(color::to_linear(record_of("ACEScg")), {1, 1, 1});
    for (float value : white)
        EXPECT_NEAR(value, 1, 1e-4);
}

TEST(Texture, SrgbStaysAsItIs)
{
    unsetenv("OCIO");
    EXPECT_TRUE(color::there(record_of("sRGB")).is_noop());
    EXPECT_TRUE(color::back(record_of("sRGB"), "").is_noop());
    EXPECT_TRUE(color::back(record_of("ACEScg"), "srgb").is_noop());
}

class RoundTrip : public testing::TestWithParam<std::tuple<const char*, const char*, double>> { };

TEST_P(RoundTrip, BackUndoesThere)
{
    unsetenv("OCIO");
    ColorRecord record = record_of(std::get<0>(GetParam()), std::get<1>(GetParam()));
    record.exposure = std::get<2>(GetParam());
    record.peak = 16;
    const std::vector<float> in
        = {0.18f, 0.18f, 0.18f, 0.05f, 0.2f, 0.1f, 0.4f, 0.3f, 0.2f, 0.02f, 0.03f, 0.01f};
    const auto code = through(color::there(record), in);
    auto out = through(color::back(record, ""), code);
    if (record.policy == "view") {
        // What the view clips does not come back, but what it shows does.
        const auto shown = through(color::there(record), out);
        for (size_t i = 0; i < in.size(); ++i)
            EXPECT_NEAR(shown[i], code[i], 1.0 / 255) << i;
        return;
    }
    for (size_t i = 0; i < in.size(); ++i)
        EXPECT_NEAR(out[i], in[i], 2e-3 * in[i] + 2e-4) << i;
}

INSTANTIATE_TEST_SUITE_P(
    All, RoundTrip,
    testing::Combine(testing::Values("ACEScg", "ACES2065-1", "linear", "sRGB", "ACEScct",
                                     "chromaticities(0.708,0.292,0.17,0.797,0.131,0.046,0.3127,"
                                     "0.329)"),
                     testing::Values("texture", "compress", "view"), testing::Values(0.0, -1.5)));

TEST(View, BackIsFiniteForEveryCornerOfTheCube)
{
    unsetenv("OCIO");
    const auto back = color::back(record_of("ACEScg", "view"), "");
    for (int corner = 0; corner < 8; ++corner)
        for (float value :
             through(back, {float(corner & 1), float(corner >> 1 & 1), float(corner >> 2 & 1)}))
            EXPECT_TRUE(std::isfinite(value)) << corner;
}

TEST(View, AlphaIsLeftAlone)
{
    unsetenv("OCIO");
    std::vector<float> pixel = {0.5f, 0.5f, 0.5f, 0.25f};
    color::there(record_of("ACEScg", "view")).apply(pixel.data(), 1, 4);
    EXPECT_EQ(pixel[3], 0.25f);
}

TEST(Chromaticities, Rec709IsTheConfigsOwn)
{
    unsetenv("OCIO");
    const float xy[8] = {0.64f, 0.33f, 0.3f, 0.6f, 0.15f, 0.06f, 0.3127f, 0.329f};
    const std::string space = color::chromaticities_space(xy);
    EXPECT_TRUE(color::is_chromaticities(space));
    EXPECT_EQ(color::resolve_space(space), space);
    const std::vector<float> in = {0.9f, 0.1f, 0.3f};
    const auto out = through(color::to_linear(record_of(space)), in);
    for (size_t i = 0; i < in.size(); ++i)
        EXPECT_NEAR(out[i], in[i], 1e-4);
}

TEST(Chromaticities, DegenerateOnesAreNone)
{
    EXPECT_FALSE(color::is_chromaticities("chromaticities(0,0,0,0,0,0,0,0)"));
    EXPECT_FALSE(color::is_chromaticities("chromaticities(0.3,0.3,0.3,0.3,0.3,0.3,0.3,0.3)"));
    EXPECT_FALSE(color::is_chromaticities("chromaticities(0.64,0.33)"));
    EXPECT_FALSE(color::is_chromaticities("ACEScg"));
}

TEST(HighlightCurve, MeetsItsFormula)
{
    for (double peak : {1.01, 1.5, 16.0, 491.0, 65504.0}) {
        const color::HighlightCurve curve(peak);
        EXPECT_NEAR(curve.there(float(peak)), 1, 1e-6) << peak;
        EXPECT_EQ(curve.there(0.3f), 0.3f);
        EXPECT_EQ(curve.there(-0.3f), -0.3f);
        const float step = 1e-3f;
        const float slope = (curve.there(0.5f + step) - curve.there(0.5f)) / step;
        EXPECT_NEAR(slope, 1, 2e-2) << peak;
        float before = curve.there(0.5f);
        for (double x = 0.5; x <= peak; x += peak / 97) {
            const float y = curve.there(float(x));
            EXPECT_GE(y, before);
            EXPECT_NEAR(curve.back(y) / x, 1, 1e-4);
            before = y;
        }
    }
    const color::HighlightCurve none(0.9);
    EXPECT_EQ(none.there(0.8f), 0.8f);
}

TEST(Space, UnknownOneListsTheNearest)
{
    unsetenv("OCIO");
    try {
        color::resolve_space("ACEScgg");
        FAIL();
    } catch (const ColorError& error) {
        EXPECT_THAT(error.what(), HasSubstr("'ACEScgg'"));
        EXPECT_THAT(error.what(), HasSubstr("did you mean ACEScg"));
    }
    std::string display, view = "ACES SDR";
    EXPECT_THROW(color::resolve_view(display, view), ColorError);
}

TEST(Config, ThatDoesNotParseIsOneLine)
{
    const Ocio ocio("ocio_profile_version: 2\nroles: [\n");
    try {
        color::config_info();
        FAIL();
    } catch (const ColorError& error) {
        EXPECT_THAT(error.what(), HasSubstr("klio-color-test"));
        EXPECT_THAT(error.what(), testing::Not(HasSubstr("\n")));
    }
}

TEST(Config, ThatIsMissingIsAnError)
{
    setenv("OCIO", "/nonexistent/config.ocio", 1);
    EXPECT_THROW(color::config_info(), ColorError);
    unsetenv("OCIO");
}

TEST(Config, OfVersion1WithoutInterchangeWorksByName)
{
    const Ocio ocio(R"(ocio_profile_version: 1
strictparsing: true
roles:
  default: raw
  scene_linear: lin
displays:
  screen:
    - !<View> {name: film, colorspace: sRGB}
colorspaces:
  - !<ColorSpace>
    name: raw
    isdata: true
  - !<ColorSpace>
    name: lin
  - !<ColorSpace>
    name: sRGB
    from_reference: !<ExponentTransform> {value: [2.2, 2.2, 2.2, 1], direction: inverse}
)");
    const auto out = through(color::there(record_of("lin")), {0.18f, 0.5f, 1});
    EXPECT_NEAR(out[0], std::pow(0.18f, 1 / 2.2f), 1e-3);
    const auto back = through(color::back(record_of("lin"), ""), out);
    EXPECT_NEAR(back[0], 0.18f, 1e-3);
    EXPECT_EQ(color::default_record().source_space, "lin");
}

TEST(DefaultRecord, IsSceneLinear)
{
    unsetenv("OCIO");
    const ColorRecord record = color::default_record();
    EXPECT_EQ(record.source_space, "Linear Rec.709 (sRGB)");
    EXPECT_EQ(record.policy, "texture");
    EXPECT_EQ(record.config, "klio-config-1.0");
    const auto out = through(color::back(record, ""), {1, 0.5f, 0});
    EXPECT_NEAR(out[0], 1, 1e-4);
    EXPECT_NEAR(out[1], 0.21404, 1e-4);
}

TEST(ToDisplay, TonemapsOnlySceneLinear)
{
    unsetenv("OCIO");
    EXPECT_TRUE(color::to_display("sRGB").is_noop());
    EXPECT_TRUE(color::to_display("srgb").is_noop());
    const auto out = through(color::to_display("ACEScg"), {8, 8, 8});
    for (float value : out) {
        EXPECT_GT(value, 0.9f);
        EXPECT_LE(value, 1.001f);
    }
}

TEST(Record, JsonRoundTrip)
{
    PrepareRecord record;
    record.color = record_of("ACEScg");
    record.color.policy = "compress";
    record.color.exposure = -2.25;
    record.color.peak = 491.5;
    record.color.not_finite = 7;
    record.source_sha256 = "ab";
    record.crop_x = -12.5;
    record.crop_width = 3825;
    record.pixel_aspect = 2;
    record.codec = "jpeg";
    record.quality = 90;
    const PrepareRecord out = prepare_record_from_json(to_json(record));
    EXPECT_EQ(to_json(out), to_json(record));
    EXPECT_EQ(out.crop_x, -12.5);
    EXPECT_EQ(out.color.peak, 491.5);
}

TEST(Record, DamagedJsonIsAUsageError)
{
    for (const char* text : {"", "{", "[]", "{}", R"({"color":1})", R"({"color":{"policy":3}})",
                             R"({"v":2,"color":{}})"})
        EXPECT_THROW(prepare_record_from_json(text), UsageError) << text;
}

} // namespace
