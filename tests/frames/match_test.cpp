#include <klio/frame.h>

#include "images_support.h"

#include <klio/error.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

using namespace klio;
using namespace klio::test;

namespace {

double plate_value(double x, double y, int c)
{
    return 0.2 + 0.1 * std::sin(0.02 * x + c) + 0.1 * std::cos(0.03 * y);
}

double encoded(double linear)
{
    return linear <= 0.0031308 ? 12.92 * linear : 1.055 * std::pow(linear, 1 / 2.4) - 0.055;
}

// Fine detail that the plate has not, and that matching must leave alone.
double detail(int x, int y)
{
    return (x / 2 + y / 2) % 2 ? 1.1 : 0.9;
}

struct Matched : testing::Test {
    Folder folder;
    StoredSet set;
    FrameOptions options;

    void SetUp() override
    {
        const OIIO::ImageBuf plate
            = make_image(400, 200, 3, OIIO::TypeDesc::HALF,
                         [](int x, int y, int c) { return plate_value(x, y, c); });
        ASSERT_TRUE(plate.write(folder / "plate.exr"));
        // The frame shows (40, 20) to (360, 200): a stop darker and warmer to the right.
        const double cast[] = {1.3, 1.0, 0.7};
        const OIIO::ImageBuf frame
            = make_image(320, 180, 3, OIIO::TypeDesc::UINT16, [&](int x, int y, int c) {
                  const double drift = 1 + 0.4 * x / 320 * (cast[c] - 1);
                  return encoded(0.5 * plate_value(40 + x, 20 + y, c) * drift * detail(x, y));
              });
        set = make_set(folder, {encode(frame, "png")});
        PrepareRecord record = make_record(400, 200, 40, 20, 320, 180, 320, 180);
        record.color.source_space = "Linear Rec.709 (sRGB)";
        set.references.push_back({folder / "plate.exr", std::string(64, 'a'), to_json(record)});
        options.match = "color";
    }

    // Mean relative distance from the plate, over blocks of 4×4 pixels, which detail does not
    // change.
    double distance(const OIIO::ImageBuf& image) const
    {
        double sum = 0, count = 0;
        for (int y = 0; y < 180; y += 4)
            for (int x = 0; x < 320; x += 4)
                for (int c = 0; c < 3; ++c, ++count) {
                    double got = 0, wanted = 0;
                    for (int i = 0; i < 16; ++i) {
                        got += pixel(image, x + i % 4, y + i / 4, c);
                        wanted += plate_value(40 + x + i % 4, 20 + y + i / 4, c);
                    }
                    sum += std::abs(got / wanted - 1);
                }
        return sum / count;
    }
};

} // namespace

TEST_F(Matched, LowFrequenciesBecomeThePlates)
{
    const Frame plain = load_frame(set, 1, {});
    const Frame matched = load_frame(set, 1, options);
    EXPECT_GT(distance(plain.image), 0.4);
    EXPECT_LT(distance(matched.image), 0.05);
    EXPECT_THAT(matched.image.spec().get_string_attribute("klio:match"),
                testing::HasSubstr("low-pass"));
    EXPECT_EQ(plain.image.spec().get_string_attribute("klio:match"), "");
}

TEST_F(Matched, DetailStaysTheModels)
{
    const Frame plain = load_frame(set, 1, {});
    const Frame matched = load_frame(set, 1, options);
    for (int y = 40; y < 140; y += 6)
        for (int x = 40; x < 280; x += 6)
            for (int c = 0; c < 3; ++c) {
                const double before = pixel(plain.image, x, y, c) / pixel(plain.image, x + 2, y, c);
                const double after
                    = pixel(matched.image, x, y, c) / pixel(matched.image, x + 2, y, c);
                ASSERT_NEAR(after / before, 1, 0.03);
            }
}

TEST_F(Matched, WorksInAnotherSpaceAndOnThePlate)
{
    options.to = "ACEScg";
    options.conform = folder / "plate.exr";
    const Frame conformed = load_frame(set, 1, options);
    EXPECT_EQ(conformed.image.spec().x, 40);
    FrameOptions back;
    back.to = "ACEScg";
    const double plain = pixel(load_frame(set, 1, back).image, 160, 90, 1);
    EXPECT_NEAR(pixel(conformed.image, 200, 110, 1) / plain, 2, 0.25);
}

TEST_F(Matched, NeedsSomethingToMatchTo)
{
    set.references[0].source = folder / "gone.exr";
    EXPECT_THROW(load_frame(set, 1, options), ReferenceError);
    set.references[0].source = "https://host/a.png";
    EXPECT_THROW(load_frame(set, 1, options), ReferenceError);
    set.references.clear();
    EXPECT_THROW(load_frame(set, 1, options), ReferenceError);
}
