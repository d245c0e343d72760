#include <klio/frame.h>

#include "frames/resample.h"
#include "images_support.h"

#include <klio/error.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

using namespace klio;
using namespace klio::test;

namespace {

// A plate as a function of position in pixels of its upright display window, so that a crop of it
// at any rectangle and size is exact.
double scene(double x, double y, int c)
{
    return 0.5 + 0.2 * std::sin(0.11 * x + 0.3 * c) * std::cos(0.09 * y)
        + 0.2 * std::exp(-((x - 150) * (x - 150) + (y - 90) * (y - 90)) / 300.0)
        + 0.05 * std::sin(0.05 * (x + 2 * y));
}

// The crop as the model would have sent it back unchanged: 16 bits, so that rounding is no part
// of what is measured.
std::string crop_of_scene(const frames::Rect& rect, int width, int height)
{
    return encode(make_image(width, height, 3, OIIO::TypeDesc::UINT16,
                             [&](int x, int y, int c) {
                                 return scene(rect.x + rect.width * (x + 0.5) / width,
                                              rect.y + rect.height * (y + 0.5) / height, c);
                             }),
                  "png");
}

struct Registration {
    double dx = 0, dy = 0;    ///< pixels that the image is off, by least squares over the gradient
    double mean = 0, max = 0; ///< of the error
};

// `expected` gives the plate at a pixel of the stored picture.
Registration register_to(const OIIO::ImageBuf& image,
                         const std::function<double(double, double, int)>& expected)
{
    double a11 = 0, a12 = 0, a22 = 0, b1 = 0, b2 = 0, sum = 0, count = 0;
    Registration result;
    const OIIO::ROI roi = image.roi();
    for (int y = roi.ybegin; y < roi.yend; ++y)
        for (int x = roi.xbegin; x < roi.xend; ++x)
            for (int c = 0; c < 3; ++c) {
                const double px = x + 0.5, py = y + 0.5;
                const double difference = pixel(image, x, y, c) - expected(px, py, c);
                const double gx = expected(px + 0.5, py, c) - expected(px - 0.5, py, c);
                const double gy = expected(px, py + 0.5, c) - expected(px, py - 0.5, c);
                a11 += gx * gx;
                a12 += gx * gy;
                a22 += gy * gy;
                b1 += gx * difference;
                b2 += gy * difference;
                sum += std::abs(difference);
                result.max = std::max(result.max, std::abs(difference));
                ++count;
            }
    const double determinant = a11 * a22 - a12 * a12;
    result.dx = (b1 * a22 - b2 * a12) / determinant;
    result.dy = (b2 * a11 - b1 * a12) / determinant;
    result.mean = sum / count;
    return result;
}

struct Conformed {
    Folder folder;
    StoredSet set;
    FrameOptions options;
    Frame frame;

    // A plate of width×height (stored) with the given origin and orientation.
    Conformed(int width, int height, int x, int y, int orientation, const PrepareRecord& record,
              const std::string& file)
    {
        OIIO::ImageSpec spec(width, height, 3, OIIO::TypeDesc::HALF);
        spec.x = spec.full_x = x;
        spec.y = spec.full_y = y;
        if (orientation != 1)
            spec.attribute("Orientation", orientation);
        options.conform = folder / "plate.exr";
        EXPECT_TRUE(OIIO::ImageBuf(spec).write(options.conform));
        options.to = "srgb";
        set = make_set(folder, {file});
        set.references.push_back({"shot.exr", std::string(64, 'a'), to_json(record)});
        frame = load_frame(set, 1, options);
    }
    const OIIO::ImageSpec& spec() const { return frame.image.spec(); }
};

} // namespace

TEST(Conform, PutsAnUnchangedCropBackOnItsPlate)
{
    const frames::Rect rect {40, 20, 240, 135};
    for (const auto& [width, height] :
         {std::pair {240, 135}, std::pair {480, 270}, std::pair {320, 180}, std::pair {160, 90}}) {
        SCOPED_TRACE(width);
        const Conformed conformed(
            400, 200, 0, 0, 1,
            make_record(400, 200, rect.x, rect.y, rect.width, rect.height, width, height),
            crop_of_scene(rect, width, height));
        EXPECT_EQ(conformed.spec().x, 40);
        EXPECT_EQ(conformed.spec().y, 20);
        EXPECT_EQ(conformed.spec().width, 240);
        EXPECT_EQ(conformed.spec().height, 135);
        EXPECT_EQ(conformed.spec().full_width, 400);
        EXPECT_EQ(conformed.spec().full_height, 200);
        EXPECT_EQ(conformed.spec().nchannels, 4);
        EXPECT_EQ(pixel(conformed.frame.image, 40, 20, 3), 1);
        const Registration off = register_to(conformed.frame.image, scene);
        RecordProperty("registration", std::to_string(std::hypot(off.dx, off.dy)));
        EXPECT_LT(std::hypot(off.dx, off.dy), 0.01);
        EXPECT_LT(off.mean, 0.002);
        EXPECT_LT(off.max, 0.03);
        if (width == 240) {
            EXPECT_LT(off.max, 2e-5); // nothing is resampled: 16-bit rounding alone
        }
    }
}

TEST(Conform, KeepsFractionsOfAPixel)
{
    const frames::Rect rect {40.37, 20.81, 240.5, 135.25};
    const Conformed conformed(
        400, 200, 0, 0, 1, make_record(400, 200, rect.x, rect.y, rect.width, rect.height, 481, 270),
        crop_of_scene(rect, 481, 270));
    EXPECT_EQ(conformed.spec().x, 40);
    EXPECT_EQ(conformed.spec().width, 241);
    const Registration off = register_to(conformed.frame.image, scene);
    EXPECT_LT(std::hypot(off.dx, off.dy), 0.02);
    EXPECT_LT(off.mean, 0.002);
}

TEST(Conform, HonoursOriginAndOrientation)
{
    // The upright plate is 400×200 for all of them.
    const frames::Rect rect {40, 20, 240, 135};
    const PrepareRecord record
        = make_record(400, 200, rect.x, rect.y, rect.width, rect.height, 480, 270);
    const std::string file = crop_of_scene(rect, 480, 270);
    for (int orientation = 1; orientation <= 8; ++orientation) {
        SCOPED_TRACE(orientation);
        const bool swap = orientation >= 5;
        const int width = swap ? 200 : 400, height = swap ? 400 : 200;
        const Conformed conformed(width, height, -30, 11, orientation, record, file);
        EXPECT_EQ(conformed.spec().get_int_attribute("Orientation", 1), orientation);
        EXPECT_EQ(conformed.spec().width, swap ? 135 : 240);
        EXPECT_EQ(conformed.spec().full_x, -30);
        EXPECT_EQ(conformed.spec().full_y, 11);
        // Where a stored position stands upright, from TIFF 6.0's words for each orientation:
        // row 0 is visually the …, column 0 is visually the ….
        const auto stored = [&](double x, double y, int c) {
            x += 30;
            y -= 11;
            switch (orientation) {
            case 2:
                return scene(400 - x, y, c);
            case 3:
                return scene(400 - x, 200 - y, c);
            case 4:
                return scene(x, 200 - y, c);
            case 5:
                return scene(y, x, c);
            case 6:
                return scene(400 - y, x, c);
            case 7:
                return scene(400 - y, 200 - x, c);
            case 8:
                return scene(y, 200 - x, c);
            default:
                return scene(x, y, c);
            }
        };
        const Registration off = register_to(conformed.frame.image, stored);
        EXPECT_LT(std::hypot(off.dx, off.dy), 0.01);
        EXPECT_LT(off.mean, 0.002);
    }
}

TEST(Conform, PadReachesBeyondThePlate)
{
    const frames::Rect rect {0, -12.5, 400, 225};
    const Conformed conformed(
        400, 200, 0, 0, 1, make_record(400, 200, rect.x, rect.y, rect.width, rect.height, 320, 180),
        crop_of_scene(rect, 320, 180));
    EXPECT_EQ(conformed.spec().y, -13); // the row whose middle is at -12.5
    EXPECT_EQ(conformed.spec().height, 225);
    EXPECT_EQ(conformed.spec().full_height, 200);
    const Registration off = register_to(conformed.frame.image, scene);
    EXPECT_LT(std::hypot(off.dx, off.dy), 0.02);
}

TEST(Conform, TakesAScaledPlate)
{
    // The reference was cut from a plate of half the size.
    const frames::Rect rect {40, 20, 240, 135};
    const Conformed conformed(400, 200, 0, 0, 1, make_record(200, 100, 20, 10, 120, 67.5, 480, 270),
                              crop_of_scene(rect, 480, 270));
    const Registration off = register_to(conformed.frame.image, scene);
    EXPECT_LT(std::hypot(off.dx, off.dy), 0.01);
    EXPECT_EQ(conformed.spec().width, 240);
}

TEST(Conform, TheRatioOfWhatArrivedDecides)
{
    // Asked for 16:9 of 480×270, got something wider: it keeps its shape, inside, centred.
    const frames::Rect shown {40, 30, 240, 120};
    const Conformed conformed(400, 200, 0, 0, 1, make_record(400, 200, 40, 20, 240, 140, 480, 280),
                              crop_of_scene(shown, 480, 240));
    EXPECT_EQ(conformed.spec().x, 40);
    EXPECT_EQ(conformed.spec().y, 30);
    EXPECT_EQ(conformed.spec().width, 240);
    EXPECT_EQ(conformed.spec().height, 120);
    const Registration off = register_to(conformed.frame.image, scene);
    EXPECT_LT(std::hypot(off.dx, off.dy), 0.01);
    // A pixel of rounding is no other shape.
    const Conformed rounded(400, 200, 0, 0, 1, make_record(400, 200, 40, 20, 240, 140, 480, 280),
                            crop_of_scene({40, 20, 240, 140}, 480, 281));
    EXPECT_EQ(rounded.spec().height, 140);
    EXPECT_EQ(rounded.spec().y, 20);
}

TEST(Conform, WithoutAReferenceIsCentredOnThePlate)
{
    Folder folder;
    const StoredSet set = make_set(folder, {sample(64, 36, "png")});
    FrameOptions options;
    options.conform = folder / "plate.exr";
    ASSERT_TRUE(
        OIIO::ImageBuf(OIIO::ImageSpec(160, 160, 3, OIIO::TypeDesc::HALF)).write(options.conform));
    const OIIO::ImageSpec spec = frame_spec(set, 1, options);
    EXPECT_EQ(spec.width, 160);
    EXPECT_EQ(spec.height, 90);
    EXPECT_EQ(spec.y, 35);
}

TEST(Conform, RefusesAnotherShapeOfPlate)
{
    EXPECT_THROW(Conformed(400, 300, 0, 0, 1, make_record(400, 200, 0, 0, 400, 200, 64, 32),
                           sample(64, 32, "png")),
                 ReferenceError);
}

TEST(Resample, DoesNotRing)
{
    // A highlight of 400 on black, and an edge.
    OIIO::ImageBuf image(OIIO::ImageSpec(40, 40, 3, OIIO::TypeDesc::FLOAT));
    for (int y = 0; y < 40; ++y)
        for (int x = 0; x < 40; ++x) {
            const float value = x == 8 && y == 8 ? 400.0F : x >= 20 ? 10.0F : 0.25F;
            const float values[] = {value, value, value};
            image.setpixel(x, y, values);
        }
    for (const int size : {27, 40, 93, 160}) {
        SCOPED_TRACE(size);
        const OIIO::ImageBuf scaled = frames::resample(image, {0, 0, double(size), double(size)},
                                                       OIIO::ROI(0, size, 0, size, 0, 1), 2);
        float last = 0;
        for (int x = 0; x < size; ++x) {
            // Far from the highlight the edge rises once, and nothing leaves its range.
            const float value = pixel(scaled, x, size * 3 / 4, 0);
            ASSERT_GE(value, 0.25F);
            ASSERT_LE(value, 10.0F);
            ASSERT_GE(value, last - 1e-6F);
            last = value;
        }
        for (int y = 0; y < size; ++y)
            for (int x = 0; x < size; ++x)
                ASSERT_GE(pixel(scaled, x, y, 1), 0.25F);
    }
}

TEST(Conform, ARecipeIsNoPlate)
{
    for (const char* name : {"a.kling", "/no/such/A.KLING", "x.kling?prompt=a fox.exr"}) {
        FrameOptions options;
        options.conform = name;
        try {
            check_frame_options(options);
            FAIL() << name;
        } catch (const ReferenceError& error) {
            EXPECT_THAT(error.what(), testing::HasSubstr("is a recipe")) << name;
        }
    }
}

TEST(Resample, DoesNotDependOnThreads)
{
    const OIIO::ImageBuf image
        = make_image(77, 51, 4, OIIO::TypeDesc::FLOAT, [](int x, int y, int c) {
              return std::sin(0.3 * x * (c + 1)) + std::cos(0.2 * y);
          });
    const OIIO::ROI roi(-3, 130, 5, 99, 0, 1);
    const OIIO::ImageBuf one = frames::resample(image, {-3.3, 4.6, 133.7, 94.5}, roi, 1);
    for (const int threads : {2, 3, 7}) {
        const OIIO::ImageBuf many = frames::resample(image, {-3.3, 4.6, 133.7, 94.5}, roi, threads);
        ASSERT_EQ(memcmp(one.localpixels(), many.localpixels(), one.spec().image_bytes()), 0);
    }
}

TEST(Fit, KnowsOiiotoolsModes)
{
    const Folder folder;
    const std::string white = encode(
        make_image(64, 32, 3, OIIO::TypeDesc::UINT8, [](int, int, int) { return 1.0; }), "png");
    const StoredSet set = make_set(folder, {white});
    struct Case {
        const char* fit;
        bool left, top; ///< is the picture there, or black?
    };
    for (const Case& one : {Case {"100x100", true, false}, Case {"100x100:letterbox", true, false},
                            Case {"100x100:width", true, false},
                            Case {"100x100:height", true, true}, Case {"100x20", false, true}}) {
        SCOPED_TRACE(one.fit);
        FrameOptions options;
        options.to = "srgb";
        options.fit = one.fit;
        const Frame frame = load_frame(set, 1, options);
        const int width = frame.image.spec().width, height = frame.image.spec().height;
        EXPECT_EQ(width, 100);
        EXPECT_EQ(pixel(frame.image, width / 2, height / 2, 0), 1);
        EXPECT_EQ(pixel(frame.image, 0, height / 2, 0), one.left ? 1 : 0);
        EXPECT_EQ(pixel(frame.image, width / 2, 0, 0), one.top ? 1 : 0);
    }
}
