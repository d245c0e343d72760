#include <klio/frame.h>

#include "color/transform.h"
#include "frames/back.h"
#include "images_support.h"

#include <klio/error.h>

#include <OpenImageIO/imagebufalgo.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

using namespace klio;
using namespace klio::test;
using testing::HasSubstr;

namespace {

template <typename Exception> std::string message_of(const std::function<void()>& call)
{
    try {
        call();
    } catch (const Exception& error) {
        return error.what();
    }
    return "nothing of that class was thrown";
}

StoredSet set_with_record(const Folder& folder, const std::string& file)
{
    StoredSet set = make_set(folder, {file});
    const PrepareRecord record = make_record(1000, 500, 100, 50, 800, 400, 400, 200);
    set.references.push_back({"/plates/shot.exr", std::string(64, 'a'), to_json(record)});
    return set;
}

void expect_rows(const StoredSet& set, int index, const FrameOptions& options,
                 const OIIO::ImageBuf& image)
{
    const FrameRows rows(set, index, options);
    const OIIO::ImageSpec& spec = rows.spec();
    ASSERT_EQ(spec.format, image.spec().format);
    ASSERT_EQ(spec.image_bytes(), image.spec().image_bytes());
    std::vector<char> got(spec.image_bytes());
    rows.read(0, spec.height, got.data());
    EXPECT_EQ(std::memcmp(got.data(), image.localpixels(), got.size()), 0);
}

} // namespace

TEST(LoadFrame, LeavesSrgbAsItArrived)
{
    const Folder folder;
    const StoredSet set = make_set(folder, {sample(64, 36, "png")});
    FrameOptions options;
    options.to = "sRGB";
    const Frame frame = load_frame(set, 1, options);
    EXPECT_EQ(frame.index, 1);
    EXPECT_EQ(frame.image.spec().format, OIIO::TypeDesc::UINT8);
    EXPECT_EQ(frame.image.spec().get_string_attribute("oiio:ColorSpace"), "sRGB");
    EXPECT_NEAR(pixel(frame.image, 0, 0, 0), 128 / 255.0, 1e-6);
}

TEST(LoadFrame, GoesBackToTheReferencesSpace)
{
    const Folder folder;
    const std::string grey = encode(
        make_image(64, 36, 3, OIIO::TypeDesc::UINT8, [](int, int, int) { return 0.6; }), "png");
    StoredSet set = set_with_record(folder, grey);
    Frame frame = load_frame(set, 1, {});
    EXPECT_EQ(frame.image.spec().format, OIIO::TypeDesc::FLOAT);
    EXPECT_EQ(frame.image.spec().get_string_attribute("oiio:ColorSpace"), "ACEScg");
    const double linear = std::pow((0.6 + 0.055) / 1.055, 2.4); // IEC 61966-2-1
    for (int c = 0; c < 3; ++c)
        EXPECT_NEAR(pixel(frame.image, 5, 5, c), linear, 2e-4);

    // The exposure that was applied on the way there is undone.
    PrepareRecord record = prepare_record_from_json(set.references[0].record);
    record.color.exposure = -2;
    set.references[0].record = to_json(record);
    frame = load_frame(set, 1, {});
    EXPECT_NEAR(pixel(frame.image, 5, 5, 1), 4 * linear, 8e-4);

    // Without a reference: scene-linear of the config.
    set.references.clear();
    frame = load_frame(set, 1, {});
    EXPECT_EQ(frame.image.spec().get_string_attribute("oiio:ColorSpace"),
              color::config_info().scene_linear);
    EXPECT_NEAR(pixel(frame.image, 5, 5, 1), linear, 2e-4);
}

// The tables for 8-bit pictures and OCIO itself must agree, and small pictures take the latter.
TEST(LoadFrame, TablesAreTheTransform)
{
    const OIIO::ImageBuf image
        = make_image(256, 128, 4, OIIO::TypeDesc::UINT8, [](int x, int y, int c) {
              return std::fmod(0.37 * x * (c + 1) + 0.71 * y, 255) / 255;
          });
    for (const char* policy : {"texture", "compress"})
        for (const char* to : {"ACEScg", "ACES2065-1", "ACEScct"}) {
            SCOPED_TRACE(std::string(policy) + " to " + to);
            ColorRecord record;
            record.source_space = "ACEScg";
            record.policy = policy;
            record.peak = 16;
            record.exposure = -1.5;
            const frames::WayBack back = frames::way_back(&record, to);
            const OIIO::ImageBuf fast = frames::apply_back(back, image, 2);
            std::vector<float> row(256 * 4);
            for (int y = 0; y < 128; ++y) {
                for (int x = 0; x < 256; ++x)
                    image.getpixel(x, y, &row[size_t(x) * 4], 4);
                back.processor->apply(row.data(), 256, 4);
                for (int x = 0; x < 256; ++x)
                    for (int c = 0; c < 3; ++c) {
                        const float* expected = &row[size_t(x) * 4];
                        ASSERT_NEAR(pixel(fast, x, y, c), expected[c] * expected[3],
                                    1e-4 + 2e-5 * std::abs(expected[c]));
                    }
            }
        }
}

TEST(LoadFrame, EachColourOnceIsTheTransform)
{
    const OIIO::ImageBuf image
        = make_image(640, 420, 4, OIIO::TypeDesc::UINT8, [](int x, int y, int c) {
              return std::fmod(0.37 * x * (c + 1) + 0.71 * y, 255) / 255;
          });
    ColorRecord record;
    record.source_space = "ACEScg";
    const frames::WayBack back = frames::way_back(&record, "ACEScct"); // no sum of its channels
    const OIIO::ImageBuf fast = frames::apply_back(back, image, 3);
    std::vector<float> row(640 * 4);
    for (int y = 0; y < 420; y += 7) {
        for (int x = 0; x < 640; ++x)
            image.getpixel(x, y, &row[size_t(x) * 4], 4);
        back.processor->apply(row.data(), 640, 4);
        for (int x = 0; x < 640; ++x)
            for (int c = 0; c < 3; ++c)
                ASSERT_NEAR(pixel(fast, x, y, c),
                            row[size_t(x) * 4 + size_t(c)] * row[size_t(x) * 4 + 3], 1e-6);
    }
}

TEST(LoadFrame, AlphaIsAssociatedInLinear)
{
    const Folder folder;
    const std::string png = encode(make_image(32, 32, 4, OIIO::TypeDesc::UINT8,
                                              [](int, int, int c) { return c == 3 ? 0.4 : 0.6; }),
                                   "png");
    const StoredSet set = set_with_record(folder, png);
    const Frame frame = load_frame(set, 1, {});
    const double linear = std::pow((0.6 + 0.055) / 1.055, 2.4);
    EXPECT_NEAR(pixel(frame.image, 5, 5, 3), 0.4, 1e-6);
    EXPECT_NEAR(pixel(frame.image, 5, 5, 1), 0.4 * linear, 2e-4);
    EXPECT_EQ(frame.image.spec().get_int_attribute("oiio:UnassociatedAlpha"), 0);
}

TEST(FrameSpec, IsWhatLoadFrameGives)
{
    const Folder folder;
    const std::string plate = folder / "plate.exr";
    OIIO::ImageSpec spec(100, 50, 3, OIIO::TypeDesc::HALF);
    spec.x = spec.full_x = -7;
    spec.full_y = 3;
    spec.full_width = 120;
    spec.full_height = 60;
    spec.attribute("PixelAspectRatio", 2.0F);
    ASSERT_TRUE(OIIO::ImageBuf(spec).write(plate));

    std::vector<std::string> files = {sample(64, 36, "png"),
                                      sample(64, 36, "png", 4),
                                      sample(64, 36, "jpg"),
                                      with_exif(sample(64, 36, "jpg"), 6),
                                      make_png(4, 1, 8, 0, "\x01\x02\x03\x04"),
                                      make_png(4, 1, 8, 4, "\x01\x02\x03\x04\x01\x02\x03\x04"),
                                      make_png(1, 1, 16, 2, "\x12\x34\x56\x78\x9A\xBC")};
    StoredSet set = make_set(folder, files);
    for (const bool reference : {false, true})
        for (const std::string& to :
             {std::string(), std::string("srgb"), std::string("ACES2065-1")})
            for (const std::string& place : {std::string(), std::string("conform"),
                                             std::string("48x48"), std::string("48x20:width")}) {
                if (reference) {
                    PrepareRecord record = make_record(120, 60, 10, 5, 64, 36, 64, 36);
                    set.references = {{"a.exr", std::string(64, 'a'), to_json(record)}};
                }
                FrameOptions options;
                options.to = to;
                if (place == "conform")
                    options.conform = plate;
                else
                    options.fit = place;
                for (int i = 1; i <= int(files.size()); ++i) {
                    SCOPED_TRACE(to + " " + place + " " + std::to_string(i));
                    const OIIO::ImageSpec known = frame_spec(set, i, options);
                    const Frame frame = load_frame(set, i, options);
                    const OIIO::ImageSpec& got = frame.image.spec();
                    EXPECT_EQ(known.to_xml(), got.to_xml());
                    EXPECT_EQ(known.channelnames, got.channelnames);
                    EXPECT_EQ(known.alpha_channel, got.alpha_channel);
                    expect_rows(set, i, options, frame.image);
                    // And as half what half makes of it.
                    options.format = "half";
                    OIIO::ImageBuf half = frame.image;
                    if (got.format == OIIO::TypeDesc::FLOAT)
                        half = OIIO::ImageBufAlgo::copy(frame.image, OIIO::TypeDesc::HALF);
                    expect_rows(set, i, options, half);
                    options.format.clear();
                }
            }
}

TEST(LoadFrame, RowsOfACommonPngAreTheWholeFrames)
{
    const Folder folder;
    // Large enough for tables, and for each colour once.
    StoredSet set = make_set(folder, {sample(600, 500, "png"), sample(600, 500, "png", 4)});
    for (const char* policy : {"texture", "view"}) {
        PrepareRecord record = make_record(600, 500, 0, 0, 600, 500, 600, 500);
        record.color.policy = policy;
        if (record.color.policy == "view")
            color::resolve_view(record.color.display, record.color.view);
        set.references = {{"a.exr", std::string(64, 'a'), to_json(record)}};
        for (const int i : {1, 2})
            expect_rows(set, i, {}, load_frame(set, i, {}).image);
    }
    const FrameRows rows(set, 1, {});
    std::vector<float> two(size_t(600 * 3 * 2)), all(size_t(600 * 3 * 500));
    rows.read(0, 500, all.data());
    rows.read(498, 500, two.data());
    EXPECT_TRUE(std::equal(two.begin(), two.end(), all.end() - std::ptrdiff_t(two.size())));
    EXPECT_THROW(rows.read(499, 501, two.data()), UsageError);
    EXPECT_THROW(rows.read(-1, 1, two.data()), UsageError);
}

TEST(LoadFrame, RefusesBytesThatChanged)
{
    const Folder folder;
    StoredSet set = make_set(folder, {sample(64, 36, "png"), sample(64, 36, "jpg")});
    write_bytes(set.frames[0].path, sample(64, 36, "jpg"));
    EXPECT_THAT(message_of<DamagedError>([&] { load_frame(set, 1, {}); }),
                AllOf(HasSubstr("frame 1 of job 0123456789ab"), HasSubstr("SHA-256")));
    ASSERT_EQ(std::remove(set.frames[1].path.c_str()), 0);
    EXPECT_THAT(message_of<DamagedError>([&] { load_frame(set, 2, {}); }), HasSubstr("missing"));
    EXPECT_THAT(message_of<UsageError>([&] { load_frame(set, 3, {}); }), HasSubstr("no frame 3"));
    EXPECT_THAT(message_of<UsageError>([&] { load_frame(set, 0, {}); }), HasSubstr("no frame 0"));
}

// What would be found only after the purchase otherwise.
TEST(CheckFrameOptions, FindsWhatNoFrameCouldMend)
{
    EXPECT_NO_THROW(check_frame_options({}));
    const auto with = [](std::string FrameOptions::*member, const std::string& value) {
        FrameOptions options;
        options.*member = value;
        return options;
    };
    for (const char* to : {"srgb", "ACEScg", "scene_linear"})
        EXPECT_NO_THROW(check_frame_options(with(&FrameOptions::to, to))) << to;
    EXPECT_THROW(check_frame_options(with(&FrameOptions::to, "ACESsg")), ColorError);
    EXPECT_THROW(check_frame_options(with(&FrameOptions::match, "colour")), UsageError);
    EXPECT_THROW(check_frame_options(with(&FrameOptions::format, "hlaf")), UsageError);
    EXPECT_THROW(check_frame_options(with(&FrameOptions::fit, "wide")), UsageError);
    EXPECT_THROW(check_frame_options(with(&FrameOptions::fit, "99999x99999")), UsageError);
    EXPECT_THROW(check_frame_options(with(&FrameOptions::fit, "16385x10:width")), UsageError);
    EXPECT_THROW(check_frame_options(with(&FrameOptions::conform, "/nowhere/plate.exr")),
                 ReferenceError);
    EXPECT_THROW(check_frame_options({}, "all.png"), OutputError);
    EXPECT_NO_THROW(check_frame_options({}, "all.exr"));
}

TEST(LoadFrame, RefusesOptionsThatSayNothing)
{
    const Folder folder;
    const StoredSet set = make_set(folder, {sample(64, 36, "png")});
    FrameOptions options;
    options.match = "colour";
    EXPECT_THROW(load_frame(set, 1, options), UsageError);
    options = {};
    options.fit = "12 by 3";
    EXPECT_THROW(load_frame(set, 1, options), UsageError);
    options.fit = "12x34:with";
    EXPECT_THAT(message_of<UsageError>([&] { load_frame(set, 1, options); }),
                HasSubstr("did you mean width?"));
    options.fit = "12x34";
    options.conform = "a.exr";
    EXPECT_THROW(load_frame(set, 1, options), UsageError);
    options = {};
    options.to = "ACESsg";
    EXPECT_THROW(load_frame(set, 1, options), ColorError);
    options = {};
    options.conform = folder / "missing.exr";
    EXPECT_THAT(message_of<ReferenceError>([&] { load_frame(set, 1, options); }),
                HasSubstr("missing.exr"));
}
