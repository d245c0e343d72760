#include "frames/png_pixels.h"

#include "frames/decode.h"
#include "images_support.h"

#include <klio/error.h>

#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>
#include <random>
#include <vector>

using namespace klio;
using namespace klio::test;
using klio::frames::PngLayout;
using klio::frames::PngPixels;
using klio::frames::read_png_pixels;

namespace {

int color_type(int channels)
{
    return channels == 4 ? 6 : 2;
}

// Bytes of every filter, at random: any bytes are a valid row of any filter.
std::string random_rows(const PngLayout& layout, std::mt19937& random)
{
    std::string raw;
    for (int y = 0; y < layout.height; ++y) {
        raw += char(random() % 5);
        for (int i = 0; i < layout.width * layout.channels * layout.bit_depth / 8; ++i)
            raw += char(random() % 4 ? random() : random() % 2 * 255);
    }
    return raw;
}

// As the PNG specification (W3C PNG, 9.2 to 9.4) words it, byte by byte.
std::vector<uint8_t> by_the_book(const std::string& raw, const PngLayout& layout)
{
    const int step = layout.channels * layout.bit_depth / 8;
    const int row = layout.width * step;
    std::vector<uint8_t> out(size_t(row * layout.height));
    const auto at
        = [&](int y, int i) { return y < 0 || i < 0 ? 0 : int(out[size_t(y * row + i)]); };
    for (int y = 0; y < layout.height; ++y)
        for (int i = 0; i < row; ++i) {
            const int a = at(y, i - step), b = at(y - 1, i), c = i < step ? 0 : at(y - 1, i - step);
            const int p = a + b - c;
            const int pa = std::abs(p - a), pb = std::abs(p - b), pc = std::abs(p - c);
            const int paeth = pa <= pb && pa <= pc ? a : pb <= pc ? b : c;
            const int predicted[] = {0, a, b, (a + b) / 2, paeth};
            const int filter = raw[size_t(y * (row + 1))];
            out[size_t(y * row + i)]
                = uint8_t(int(uint8_t(raw[size_t(y * (row + 1) + 1 + i)])) + predicted[filter]);
        }
    if (layout.bit_depth == 16)
        for (size_t i = 0; i < out.size(); i += 2) {
            const auto value = uint16_t(out[i] << 8 | out[i + 1]);
            std::memcpy(&out[i], &value, 2);
        }
    return out;
}

} // namespace

TEST(PngPixels, AreThoseOfTheSpecification)
{
    std::mt19937 random(7);
    for (const int depth : {8, 16})
        for (const int channels : {3, 4})
            for (const int width : {1, 2, 3, 7, 64})
                for (const int height : {1, 2, 33}) {
                    const PngLayout layout {width, height, channels, depth};
                    const std::string raw = random_rows(layout, random);
                    const std::string png = make_filtered_png(
                        width, height, depth, color_type(channels), raw, {}, 1 + random() % 300);
                    PngPixels pixels;
                    ASSERT_TRUE(read_png_pixels(png, layout, pixels));
                    const size_t row = size_t(width * channels * depth / 8);
                    std::vector<uint8_t> got;
                    for (int y = 0; y < height; ++y)
                        got.insert(got.end(), pixels.first + size_t(y) * pixels.stride,
                                   pixels.first + size_t(y) * pixels.stride + row);
                    const std::vector<uint8_t> expected = by_the_book(raw, layout);
                    ASSERT_EQ(got, expected)
                        << width << "x" << height << ", " << channels << " of " << depth;
                    // And the whole decoder gives them.
                    const OIIO::ImageBuf image = frames::decode(png, "frame");
                    ASSERT_EQ(image.spec().scanline_bytes() * size_t(height), expected.size());
                    EXPECT_EQ(std::memcmp(image.localpixels(), expected.data(), expected.size()),
                              0);
                    const frames::Codes codes = frames::decode_codes(png, "frame");
                    ASSERT_EQ(codes.height, height);
                    for (int y = 0; y < height; ++y)
                        EXPECT_EQ(std::memcmp(codes.row(y), &expected[size_t(y) * row], row), 0);
                }
}

TEST(PngPixels, LeaveWhatIsUnusualToLibpng)
{
    const PngLayout layout {4, 2, 3, 8};
    PngPixels pixels;
    const auto read = [&](const std::string& png) { return read_png_pixels(png, layout, pixels); };
    const std::string raw
        = std::string(1, '\0') + std::string(12, 'a') + '\1' + std::string(12, 'b');
    const std::string good = make_filtered_png(4, 2, 8, 2, raw);
    EXPECT_TRUE(read(good));
    EXPECT_TRUE(read(make_filtered_png(4, 2, 8, 2, raw, png_chunk("tEXt", "a\0b"))));
    EXPECT_FALSE(read(make_filtered_png(4, 2, 8, 2, raw, png_chunk("tRNS", "123456"))));
    EXPECT_FALSE(read(make_filtered_png(4, 2, 8, 2, raw, png_chunk("QQQQ", "x"))));
    EXPECT_FALSE(read(make_filtered_png(4, 2, 8, 2, raw, png_chunk("PLTE", "rgb"))));
    EXPECT_FALSE(read(make_filtered_png(4, 2, 8, 2, raw, png_chunk("IHDR", good.substr(16, 13)))))
        << "a second header";
    std::string filter = raw;
    filter[13] = 5;
    EXPECT_FALSE(read(make_filtered_png(4, 2, 8, 2, filter)));
    EXPECT_FALSE(read(make_filtered_png(4, 2, 8, 2, raw.substr(1)))) << "a byte too few";
    EXPECT_FALSE(read(make_filtered_png(4, 2, 8, 2, raw + "x"))) << "a byte too many";
    std::string broken = good;
    broken[good.size() - 12 - 5] ^= 1; // the checksum of the compressed data
    EXPECT_FALSE(read(broken));
    const size_t end = good.size() - 12;
    EXPECT_FALSE(read(good.substr(0, end) + png_chunk("tEXt", "a") + png_chunk("IDAT", "")
                      + good.substr(end)));
    EXPECT_FALSE(read(std::string()));
}

TEST(PngPixels, OfAnotherCompressionOrFilterMethodAreRefusedAsLibpngDoes)
{
    const std::string raw
        = std::string(1, '\0') + std::string(12, 'a') + '\1' + std::string(12, 'b');
    const std::string good = make_filtered_png(4, 2, 8, 2, raw);
    EXPECT_NO_THROW(frames::decode_codes(good, "frame"));
    for (const size_t method : {26, 27}) {
        std::string header = good.substr(16, 13);
        header[method - 16] = 64; // MNG's intrapixel differencing
        const std::string odd = good.substr(0, 8) + png_chunk("IHDR", header) + good.substr(33);
        EXPECT_THROW(frames::decode_codes(odd, "frame"), DamagedError) << method;
    }
}
