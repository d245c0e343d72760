#include "prepare/geometry.h"

#include <klio/error.h>
#include <klio/request.h>

#include <gtest/gtest.h>

using namespace klio;
using namespace klio::prep;

namespace {

Geometry plan(int width, int height, PrepareOptions options, double aspect = 1)
{
    return plan_geometry(width, height, aspect, parse_options(options),
                         {width / 2.0, height / 2.0});
}

PrepareOptions options(const std::string& ratio, const std::string& resolution = "1k",
                       const std::string& fit = "", const std::string& gravity = "")
{
    PrepareOptions out;
    out.aspect_ratio = ratio;
    out.resolution = resolution;
    out.fit = fit;
    out.gravity = gravity;
    return out;
}

TEST(Crop, HasTheModelsTrueRatioAndSize)
{
    const Geometry g = plan(4096, 2160, options("16:9", "2k"));
    EXPECT_EQ(g.width, 2720);
    EXPECT_EQ(g.height, 1536);
    EXPECT_DOUBLE_EQ(g.w / g.h, 2720.0 / 1536);
    EXPECT_DOUBLE_EQ(g.h, 2160);
    EXPECT_DOUBLE_EQ(g.x, (4096 - 3825) / 2.0);
}

TEST(Crop, NeverEnlarges)
{
    const Geometry g = plan(1240, 846, options("16:9", "2k"));
    EXPECT_EQ(g.width, 1240);
    EXPECT_EQ(g.height, 700);
    EXPECT_EQ(g.w, 1240);
    EXPECT_EQ(g.h, 700);
    EXPECT_TRUE(g.warnings.empty());
}

TEST(Crop, GravityPlacesIt)
{
    EXPECT_DOUBLE_EQ(plan(2000, 500, options("1:1", "1k", "crop", "left")).x, 0);
    EXPECT_DOUBLE_EQ(plan(2000, 500, options("1:1", "1k", "crop", "right")).x, 1500);
    EXPECT_DOUBLE_EQ(plan(500, 2000, options("1:1", "1k", "crop", "top")).y, 0);
    EXPECT_DOUBLE_EQ(plan(500, 2000, options("1:1", "1k", "crop", "bottom")).y, 1500);
    EXPECT_DOUBLE_EQ(plan(2000, 500, options("1:1", "1k", "crop", "700,10")).x, 450);
    // At an edge the crop stays inside; a point that is none of the picture's is a slip.
    EXPECT_DOUBLE_EQ(plan(2000, 500, options("1:1", "1k", "crop", "0,0")).x, 0);
    EXPECT_DOUBLE_EQ(plan(2000, 500, options("1:1", "1k", "crop", "2000,500")).x, 1500);
    for (const char* outside : {"-9,0", "0,-1", "2001,0", "0,501"})
        EXPECT_THROW(plan(2000, 500, options("1:1", "1k", "crop", outside)), UsageError) << outside;
}

TEST(Crop, RectangleIsShownWhole)
{
    const Geometry g = plan(4000, 3000, options("1:1", "1k", "crop", "400x900+100+200"));
    EXPECT_LE(g.x, 100);
    EXPECT_GE(g.x + g.w, 500);
    EXPECT_LE(g.y, 200);
    EXPECT_GE(g.y + g.h, 1100);
    EXPECT_NEAR(g.w, 900, 1);
    EXPECT_THROW(plan(100, 100, options("1:1", "1k", "crop", "10x10+500+0")), UsageError);
}

TEST(Auto, TakesTheNearestRatio)
{
    EXPECT_EQ(plan(1920, 1080, options("auto")).aspect_ratio, "16:9");
    EXPECT_EQ(plan(1000, 1500, options("auto")).aspect_ratio, "2:3");
    // A 2:1 anamorphic picture is seen twice as wide as its pixels are many.
    EXPECT_EQ(plan(1828, 1556, options("auto"), 2).aspect_ratio, "21:9");
}

TEST(Pad, ShowsAllAndRecordsWhatLiesBeyond)
{
    const Geometry g = plan(1000, 2000, options("16:9", "1k", "pad"));
    EXPECT_EQ(g.width, 1360);
    EXPECT_EQ(g.height, 768);
    EXPECT_EQ(g.inner_height, 768);
    EXPECT_EQ(g.inner_width, 384);
    EXPECT_LT(g.crop_x(), 0);
    EXPECT_NEAR(g.crop_x() + g.crop_width() / 2, 500, 2);
    EXPECT_NEAR(g.crop_height(), 2000, 1e-9);
}

TEST(None, KeepsTheShapeWithinTheModelsLimits)
{
    Geometry g = plan(3000, 2000, options("16:9", "1k", "none"));
    EXPECT_EQ(g.width, 1360);
    EXPECT_EQ(g.height, 907);
    EXPECT_TRUE(g.aspect_ratio.empty());
    g = plan(3000, 1000, options("16:9", "1k", "none"));
    EXPECT_LT(double(g.width) / g.height, 2.5);
    EXPECT_FALSE(g.warnings.empty());
    g = plan(100, 4000, options("16:9", "1k", "none"));
    EXPECT_GT(double(g.width) / g.height, 1 / 2.5);
    EXPECT_GE(std::min(g.width, g.height), 300);
}

TEST(Small, IsEnlargedToTheMinimumAndSaysSo)
{
    const Geometry g = plan(200, 100, options("16:9"));
    EXPECT_EQ(g.height, 300);
    EXPECT_EQ(g.width, g.inner_width);
    ASSERT_EQ(g.warnings.size(), 1u);
    EXPECT_NE(g.warnings[0].find("enlarged"), std::string::npos);
}

TEST(EverySize, KeepsTheModelsLimits)
{
    for (int width : {1, 2, 7, 299, 300, 750, 1023, 5000, 65535})
        for (int height : {1, 3, 300, 301, 999, 4096, 65535})
            for (const char* fit : {"crop", "pad", "none"})
                for (const char* ratio : {"auto", "16:9", "9:16", "21:9", "1:1"})
                    for (double aspect : {0.5, 1.0, 2.0}) {
                        const Geometry g = plan(width, height, options(ratio, "2k", fit), aspect);
                        const std::string what = std::to_string(width) + "x"
                            + std::to_string(height) + " " + fit + " " + ratio;
                        EXPECT_GE(std::min(g.width, g.height), 300) << what;
                        EXPECT_LE(std::max(g.width, g.height), 3104) << what;
                        const double shape = double(g.width) / g.height;
                        EXPECT_LT(shape, 2.5) << what;
                        EXPECT_GT(shape, 0.4) << what;
                        EXPECT_GE(g.x, 0) << what;
                        EXPECT_GE(g.y, 0) << what;
                        EXPECT_LE(g.x + g.w, width + 1e-6) << what;
                        EXPECT_LE(g.y + g.h, height + 1e-6) << what;
                        EXPECT_LE(g.inner_x + g.inner_width, g.width) << what;
                        EXPECT_LE(g.inner_y + g.inner_height, g.height) << what;
                    }
}

TEST(Options, BadOnesAreNamed)
{
    const auto bad
        = [](PrepareOptions options) { EXPECT_THROW(parse_options(options), RequestError); };
    PrepareOptions options;
    options.aspect_ratio = "5:4";
    bad(options);
    options = {};
    options.resolution = "4k";
    bad(options);
    options = {};
    options.policy = "textur";
    bad(options);
    options = {};
    options.exposure = "bright";
    bad(options);
    options = {};
    options.exposure = "nan";
    bad(options);
    options = {};
    options.gravity = "1,2,3";
    bad(options);
    options = {};
    options.quality = 0;
    bad(options);
    options = {};
    options.matte = "red";
    bad(options);
    options = {};
    options.codec = "gif";
    bad(options);
    options = {};
    options.fit = "stretch";
    bad(options);
    options = {};
    options.peak = "0.5";
    bad(options);
}

TEST(Options, AllThatAreWrongAreListedAtOnce)
{
    PrepareOptions options;
    options.aspect_ratio = "5:4";
    options.policy = "textur";
    options.exposure = "bright";
    options.gravity = "1,2,3";
    options.matte = "red";
    options.codec = "gif";
    options.fit = "stretch";
    options.quality = 101;
    std::vector<std::string> fields;
    for (const Problem& problem : validate(options)) {
        fields.push_back(problem.field);
        EXPECT_FALSE(problem.rule.empty());
    }
    const std::vector<std::string> all
        = {"aspect_ratio", "policy", "exposure", "fit", "gravity", "codec", "quality", "matte"};
    EXPECT_EQ(fields, all);
    EXPECT_TRUE(validate(PrepareOptions()).empty());
    try {
        parse_options(options);
        FAIL();
    } catch (const RequestError& error) {
        for (const std::string& field : all)
            EXPECT_NE(std::string(error.what()).find(field + " "), std::string::npos) << field;
    }
}

TEST(Identity, IsTheSameForTheSameMeaning)
{
    PrepareOptions a, b;
    b.aspect_ratio = "auto";
    b.fit = "crop";
    b.gravity = "centre";
    b.threads = 7;
    b.matte = "0,0,0";
    b.exposure = "0.0";
    EXPECT_EQ(prepare_identity(a), prepare_identity(b));
    b.exposure = "1";
    EXPECT_NE(prepare_identity(a), prepare_identity(b));
    EXPECT_EQ(prepare_identity(a).find('\n'), std::string::npos);
}

} // namespace
