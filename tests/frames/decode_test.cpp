#include "frames/decode.h"

#include "images_support.h"

#include <klio/error.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace klio;
using namespace klio::test;
using klio::frames::check_image;
using klio::frames::decode;
using klio::frames::ImageProbe;
using klio::frames::probe;

namespace {

std::string message_of(const std::function<void()>& call)
{
    try {
        call();
    } catch (const DamagedError& error) {
        return error.what();
    }
    return "nothing was thrown";
}

} // namespace

TEST(Probe, TellsFormatAndSizeFromContent)
{
    for (const char* ending : {"png", "jpg", "webp"}) {
        const ImageProbe found = probe(sample(40, 24, ending));
        EXPECT_EQ(found.media_type,
                  ending == std::string("jpg") ? "image/jpeg" : std::string("image/") + ending);
        EXPECT_EQ(found.width, 40);
        EXPECT_EQ(found.height, 24);
        EXPECT_EQ(found.channels, 3);
        EXPECT_EQ(found.bit_depth, 8);
    }
    EXPECT_EQ(probe(sample(40, 24, "png", 4)).channels, 4);
    EXPECT_EQ(probe(sample(40, 24, "webp", 4)).channels, 4);
    EXPECT_EQ(probe(make_png(2, 1, 16, 2, std::string(12, 'x'))).bit_depth, 16);
}

TEST(Probe, SaysNothingOfWhatIsNoImage)
{
    for (const std::string& bytes :
         {std::string(), std::string("{\"error\": 1}"), std::string("<html>"),
          std::string("GIF89a"), std::string("\xFF\xD8\xFF"), std::string("\x89PNG\r\n\x1A\n"),
          std::string("RIFF\4\0\0\0WEBP", 12)})
        EXPECT_EQ(probe(bytes).media_type, "");
}

TEST(CheckImage, RefusesVastPicturesBeforeTheirPixels)
{
    std::string png = make_png(4, 4, 8, 2, std::string(48, 'x'));
    std::string header("\0\0\xC3\x50\0\0\xC3\x50\x08\x02\0\0\0", 13); // 50,000 × 50,000
    png = png.substr(0, 8) + png_chunk("IHDR", header) + png.substr(33);
    EXPECT_THAT(message_of([&] { check_image(png, "frame 1"); }),
                testing::HasSubstr("50000x50000"));
    EXPECT_THROW(decode(png, "frame 1"), DamagedError);
    // Within the caps, but not within what so few bytes can hold.
    header = std::string("\0\0\x3F\0\0\0\x3F\0\x08\x02\0\0\0", 13);
    png = png.substr(0, 8) + png_chunk("IHDR", header) + png.substr(33);
    EXPECT_THAT(message_of([&] { check_image(png, "frame 1"); }),
                testing::HasSubstr("too short for the picture"));
    std::string jpeg = sample(16, 16, "jpg");
    const size_t frame = jpeg.find("\xFF\xC0");
    ASSERT_NE(frame, std::string::npos);
    jpeg.replace(frame + 5, 4, "\x3F\xFF\x3F\xFF");
    EXPECT_THROW(decode(jpeg, "frame 1"), DamagedError);
    jpeg.replace(frame + 5, 4, "\xFF\xFF\xFF\xFF");
    EXPECT_THAT(message_of([&] { check_image(jpeg, "frame 1"); }),
                testing::HasSubstr("over the limit"));
}

TEST(CheckImage, NoticesEveryTruncation)
{
    for (const char* ending : {"png", "jpg", "webp"}) {
        const std::string whole = sample(64, 48, ending);
        EXPECT_NO_THROW(check_image(whole, "frame"));
        EXPECT_NO_THROW(check_image(whole + "trailing", "frame"));
        for (size_t length = 0; length < whole.size(); length += 1 + whole.size() / 400)
            EXPECT_THROW(check_image(whole.substr(0, length), "frame"), DamagedError)
                << ending << " cut to " << length << " of " << whole.size();
    }
}

TEST(CheckImage, NoticesAFlippedBitOfAPng)
{
    const std::string whole = sample(64, 48, "png");
    for (size_t at = 8; at + 12 < whole.size(); at += 7) {
        std::string broken = whole;
        broken[at] = char(broken[at] ^ 0x10);
        EXPECT_THROW(check_image(broken, "frame"), DamagedError) << at;
    }
}

// libjpeg only warns about pixels that are missing, and OIIO's reader then gives grey ones.
TEST(Decode, TakesNoHalfJpeg)
{
    const std::string whole = sample(256, 256, "jpg");
    std::string half = whole.substr(0, whole.size() * 2 / 3) + "\xFF\xD9";
    EXPECT_NO_THROW(check_image(half, "frame"));
    EXPECT_THAT(message_of([&] { decode(half, "frame"); }),
                testing::HasSubstr("not a whole picture"));
}

TEST(Decode, TakesNoPngWhosePixelsEndEarly)
{
    const std::string rows(size_t(64 * 3 * 40), 'x');
    std::string png = make_png(64, 40, 8, 2, rows);
    // The checksums fit, but the header promises more rows than there are.
    std::string header("\0\0\0\x40\0\0\0\x30\x08\x02\0\0\0", 13);
    png = png.substr(0, 8) + png_chunk("IHDR", header) + png.substr(33);
    EXPECT_NO_THROW(check_image(png, "frame"));
    EXPECT_THROW(decode(png, "frame"), DamagedError);
}

TEST(Decode, KeepsCodeValues)
{
    for (const char* ending : {"png", "webp"})
        for (const int channels :
             ending == std::string("png") ? std::vector {3, 4} : std::vector {3}) {
            const OIIO::ImageBuf image = decode(sample(33, 17, ending, channels), "frame");
            ASSERT_EQ(image.spec().width, 33);
            ASSERT_EQ(image.spec().nchannels, channels);
            EXPECT_EQ(image.spec().format, OIIO::TypeDesc::UINT8);
            EXPECT_EQ(image.spec().get_int_attribute("oiio:UnassociatedAlpha"), channels == 4);
            const OIIO::ImageBuf made
                = make_image(33, 17, channels, OIIO::TypeDesc::UINT8, [&](int x, int y, int c) {
                      return 0.5 + 0.4 * std::sin(0.07 * x + 0.11 * y * (c + 1));
                  });
            for (int y = 0; y < 17; ++y)
                for (int x = 0; x < 33; ++x)
                    for (int c = 0; c < channels; ++c)
                        ASSERT_NEAR(pixel(image, x, y, c), pixel(made, x, y, c),
                                    ending == std::string("png") ? 1e-6 : 0.06)
                            << ending;
        }
}

TEST(Decode, LeavesAlphaOfWebpUnassociated)
{
    // 8×8 pixels of (200, 100, 50) at alpha 0.5, lossless.
    const unsigned char webp[]
        = {0x52, 0x49, 0x46, 0x46, 0x1e, 0x00, 0x00, 0x00, 0x57, 0x45, 0x42, 0x50, 0x56,
           0x50, 0x38, 0x4c, 0x11, 0x00, 0x00, 0x00, 0x2f, 0x07, 0xc0, 0x01, 0x10, 0x07,
           0x50, 0xb2, 0x22, 0x57, 0xa6, 0x7f, 0x81, 0x88, 0xe8, 0x7f, 0x00, 0x00};
    const OIIO::ImageBuf image
        = decode(std::string(reinterpret_cast<const char*>(webp), sizeof webp), "frame");
    ASSERT_EQ(image.spec().nchannels, 4);
    EXPECT_NEAR(pixel(image, 3, 3, 0) * 255, 200, 1.01);
    EXPECT_NEAR(pixel(image, 3, 3, 2) * 255, 50, 1.01);
    EXPECT_NEAR(pixel(image, 3, 3, 3) * 255, 127, 1.01);
}

TEST(Decode, WidensGreyPaletteAndFewBits)
{
    struct Case {
        const char* name;
        std::string png;
        int channels;
        std::vector<int> first; ///< expected code values of pixel 0
        std::vector<int> last;  ///< and of pixel 3
    };
    const std::string palette
        = png_chunk("PLTE", std::string("\x10\x20\x30\xFF\0\0\0\xFF\0\x40\x50\x60", 12));
    const std::string alpha = png_chunk("tRNS", std::string("\x80\xFF\xFF\xFF", 4));
    const std::vector<Case> cases = {
        {"grey 1", make_png(4, 1, 1, 0, "\x90"), 3, {255, 255, 255}, {255, 255, 255}},
        {"grey 2", make_png(4, 1, 2, 0, "\x1B"), 3, {0, 0, 0}, {255, 255, 255}},
        {"grey 4", make_png(4, 1, 4, 0, std::string("\x0A\x5F", 2)), 3, {0, 0, 0}, {255, 255, 255}},
        {"grey 8", make_png(4, 1, 8, 0, "\x01\x02\x03\x04"), 3, {1, 1, 1}, {4, 4, 4}},
        {"grey alpha",
         make_png(4, 1, 8, 4, "\x10\x20\x01\x02\x03\x04\x50\x60"),
         4,
         {16, 16, 16, 32},
         {80, 80, 80, 96}},
        {"palette 2", make_png(4, 1, 2, 3, "\x1B", palette), 3, {16, 32, 48}, {64, 80, 96}},
        {"palette 8 with alpha",
         make_png(4, 1, 8, 3, std::string("\0\x01\x02\x03", 4), palette + alpha),
         4,
         {16, 32, 48, 128},
         {64, 80, 96, 255}},
    };
    for (const Case& one : cases) {
        SCOPED_TRACE(one.name);
        EXPECT_EQ(probe(one.png).decoded_channels(), one.channels);
        const OIIO::ImageBuf image = decode(one.png, "frame");
        ASSERT_EQ(image.spec().nchannels, one.channels);
        for (int c = 0; c < one.channels; ++c) {
            EXPECT_NEAR(pixel(image, 0, 0, c) * 255, one.first[size_t(c)], 1e-3);
            EXPECT_NEAR(pixel(image, 3, 0, c) * 255, one.last[size_t(c)], 1e-3);
        }
    }
}

TEST(Decode, Keeps16Bits)
{
    const OIIO::ImageBuf image = decode(make_png(1, 1, 16, 2, "\x12\x34\x56\x78\x9A\xBC"), "frame");
    ASSERT_EQ(image.spec().format, OIIO::TypeDesc::UINT16);
    const auto* values = static_cast<const uint16_t*>(image.pixeladdr(0, 0));
    EXPECT_EQ(values[0], 0x1234);
    EXPECT_EQ(values[1], 0x5678);
    EXPECT_EQ(values[2], 0x9ABC);
}

TEST(Decode, TurnsUpright)
{
    // A bright left column: where it is upright says which way the picture was turned.
    const OIIO::ImageBuf stored
        = make_image(32, 16, 3, OIIO::TypeDesc::UINT8, [](int x, int y, int) {
              return x < 8 ? 0.9 : y < 8 ? 0.5 : 0.1;
          });
    const std::string jpeg = encode(stored, "jpg");
    struct Case {
        int orientation;
        bool swapped;
        int bright_x, bright_y, middle_x, middle_y;
    };
    for (const Case& one : {Case {1, false, 2, 8, 20, 2}, Case {2, false, 29, 8, 11, 2},
                            Case {3, false, 29, 8, 11, 13}, Case {4, false, 2, 8, 20, 13},
                            Case {5, true, 8, 2, 2, 20}, Case {6, true, 8, 2, 13, 20},
                            Case {7, true, 8, 29, 13, 11}, Case {8, true, 8, 29, 2, 11}}) {
        SCOPED_TRACE(one.orientation);
        const std::string turned = with_exif(jpeg, one.orientation);
        EXPECT_EQ(probe(turned).width, one.swapped ? 16 : 32);
        const OIIO::ImageBuf image = decode(turned, "frame");
        ASSERT_EQ(image.spec().width, one.swapped ? 16 : 32);
        ASSERT_EQ(image.spec().height, one.swapped ? 32 : 16);
        EXPECT_NEAR(pixel(image, one.bright_x, one.bright_y, 0), 0.9, 0.05);
        EXPECT_NEAR(pixel(image, one.middle_x, one.middle_y, 0), 0.5, 0.05);
    }
}

TEST(Decode, ErrorsNameTheFrameAndTheBytes)
{
    EXPECT_EQ(message_of([] { decode("<html>busy</html>", "frame 2 of job 0123"); }),
              "frame 2 of job 0123 is not a whole picture: it is no PNG, JPEG or WebP (17 bytes)");
}
