#include "prepare/exr_blocks.h"

#include "base/file.h"
#include "prepare/half.h"

#include <OpenImageIO/imageio.h>

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <limits>
#include <random>
#include <unistd.h>

namespace klio::prep {
namespace {

namespace fs = std::filesystem;

struct Picture {
    OIIO::ImageSpec spec;
    std::vector<float> pixels; ///< as they come back from the file
};

// Writes noise (of which zlib makes nothing smaller) beside a ramp and flat parts, with values that
// are not finite, negative, denormal and large.
class ExrBlocksTest : public ::testing::Test {
protected:
    void SetUp() override
    {
        m_folder = fs::temp_directory_path() / ("klio-exr-blocks-" + std::to_string(::getpid()));
        fs::create_directories(m_folder);
        m_path = (m_folder / "plate.exr").string();
    }
    void TearDown() override { fs::remove_all(m_folder); }

    static OIIO::ImageSpec spec(int width, int height, const std::string& compression,
                                std::vector<std::string> channels = {"R", "G", "B", "A"})
    {
        OIIO::ImageSpec out(width, height, int(channels.size()), OIIO::TypeHalf);
        out.channelnames = std::move(channels);
        out.attribute("compression", compression);
        return out;
    }

    Picture write(OIIO::ImageSpec spec, bool noise = false)
    {
        std::mt19937 random(5);
        std::vector<float> pixels(size_t(spec.width) * size_t(spec.height)
                                  * size_t(spec.nchannels));
        for (size_t i = 0; i < pixels.size(); ++i) {
            const float ramp = float(i % 977) / 977;
            pixels[i] = noise ? std::ldexp(float(random() % 2048) - 1024, int(random() % 24) - 24)
                              : ramp * ramp * 3;
        }
        const float odd[] = {std::numeric_limits<float>::infinity(),
                             -std::numeric_limits<float>::infinity(),
                             std::numeric_limits<float>::quiet_NaN(),
                             -7,
                             65504,
                             6e-8f,
                             -0.0f};
        for (size_t i = 0; i < std::size(odd); ++i)
            pixels[(i * 7919 + 11) % pixels.size()] = odd[i];
        auto out = OIIO::ImageOutput::create(m_path);
        EXPECT_TRUE(out->open(m_path, spec));
        EXPECT_TRUE(out->write_image(OIIO::TypeFloat, pixels.data()));
        out->close();
        Picture back;
        auto in = OIIO::ImageInput::open(m_path);
        back.spec = in->spec();
        back.pixels.resize(pixels.size());
        EXPECT_TRUE(in->read_image(0, 0, 0, spec.nchannels, OIIO::TypeFloat, back.pixels.data()));
        return back;
    }

    static ExrWanted wanted(const Picture& picture, bool alpha)
    {
        ExrWanted out;
        out.x = picture.spec.x;
        out.y = picture.spec.y;
        out.width = picture.spec.width;
        out.height = picture.spec.height;
        out.red = "R";
        out.green = "G";
        out.blue = "B";
        out.alpha = alpha ? "A" : "";
        return out;
    }

    // Every pixel, loaded in steps, is what OpenImageIO reads, made finite.
    void expect_same(const Picture& picture, const ExrWanted& wanted, int step, bool in_memory)
    {
        std::string bytes;
        Source source {m_path, nullptr};
        if (in_memory) {
            bytes = base::read_file(m_path);
            source = {"plate", &bytes};
        }
        auto blocks = ExrBlocks::open(source, wanted);
        ASSERT_TRUE(blocks);
        const auto index = [&](const std::string& name) {
            for (size_t i = 0; i < picture.spec.channelnames.size(); ++i)
                if (picture.spec.channelnames[i] == name)
                    return int(i);
            return -1;
        };
        const int channel[4] = {index(wanted.red), index(wanted.green), index(wanted.blue),
                                wanted.alpha.empty() ? -1 : index(wanted.alpha)};
        long long bad = 0;
        int expected_bad = 0;
        const int left = wanted.width > 20 ? 3 : 0; // a cut that no vector's width divides
        const int count = wanted.width - 2 * left;
        std::vector<float> row(size_t(count) * 4);
        for (int y = wanted.y; y < wanted.y + wanted.height; y += step) {
            const int last = std::min(y + step, wanted.y + wanted.height);
            ASSERT_TRUE(blocks->load(y, last, 3));
            for (int at = y; at < last; ++at) {
                bad += blocks->convert(at, wanted.x + left, count, row.data());
                for (int x = 0; x < count; ++x)
                    for (int c = 0; c < 4; ++c) {
                        float expected = 0;
                        if (channel[c] >= 0) {
                            const size_t pixel
                                = size_t(at - wanted.y) * size_t(wanted.width) + size_t(x + left);
                            const size_t i
                                = pixel * size_t(picture.spec.nchannels) + size_t(channel[c]);
                            expected = made_finite(picture.pixels[i], expected_bad);
                        }
                        ASSERT_EQ(row[size_t(x) * 4 + size_t(c)], expected)
                            << "x " << x << " y " << at << " channel " << c;
                    }
            }
        }
        EXPECT_EQ(bad, expected_bad);
    }

    fs::path m_folder;
    std::string m_path;
};

TEST_F(ExrBlocksTest, GivesWhatOpenImageIoReads)
{
    for (const char* compression : {"zip", "zips"})
        for (const bool noise : {false, true})
            for (const bool alpha : {false, true}) {
                SCOPED_TRACE(std::string(compression) + (noise ? " noise" : " ramp"));
                const Picture picture = write(spec(61, 53, compression), noise);
                expect_same(picture, wanted(picture, alpha), 16, false);
                expect_same(picture, wanted(picture, alpha), 23, true);
            }
}

TEST_F(ExrBlocksTest, TakesTheWindowAsItLies)
{
    OIIO::ImageSpec odd = spec(40, 37, "zip");
    odd.x = -13;
    odd.y = 21;
    odd.full_width = 90;
    odd.full_height = 80;
    const Picture picture = write(odd, true);
    expect_same(picture, wanted(picture, true), 16, false);
    ExrWanted other = wanted(picture, true);
    other.y -= 1;
    EXPECT_FALSE(ExrBlocks::open({m_path, nullptr}, other)) << "a window that the header lacks";
}

TEST_F(ExrBlocksTest, ReadsPixelsNarrowerThanAVectorAndGrey)
{
    const Picture narrow = write(spec(3, 5, "zip"), true);
    expect_same(narrow, wanted(narrow, true), 5, false);
    const Picture grey = write(spec(33, 20, "zips", {"Y"}));
    ExrWanted y = wanted(grey, false);
    y.red = y.green = y.blue = "Y";
    expect_same(grey, y, 7, false);
}

TEST_F(ExrBlocksTest, SkipsChannelsOfOtherTypes)
{
    OIIO::ImageSpec mixed = spec(45, 40, "zip", {"R", "G", "B", "A", "Z", "C.id"});
    mixed.channelformats = {OIIO::TypeHalf, OIIO::TypeHalf,  OIIO::TypeHalf,
                            OIIO::TypeHalf, OIIO::TypeFloat, OIIO::TypeUInt32};
    const Picture picture = write(mixed);
    expect_same(picture, wanted(picture, true), 16, false);
}

TEST_F(ExrBlocksTest, LeavesToOpenImageIoWhatItDoesNotRead)
{
    for (const char* compression : {"none", "rle", "piz", "pxr24", "b44", "dwaa"}) {
        const Picture picture = write(spec(40, 40, compression));
        EXPECT_FALSE(ExrBlocks::open({m_path, nullptr}, wanted(picture, true))) << compression;
    }
    OIIO::ImageSpec tiled = spec(64, 64, "zip");
    tiled.tile_width = tiled.tile_height = 32;
    Picture picture = write(tiled);
    EXPECT_FALSE(ExrBlocks::open({m_path, nullptr}, wanted(picture, true)));
    OIIO::ImageSpec floats = spec(40, 40, "zip");
    floats.format = OIIO::TypeFloat;
    picture = write(floats);
    EXPECT_FALSE(ExrBlocks::open({m_path, nullptr}, wanted(picture, true)));
    picture = write(spec(40, 40, "zip", {"R", "G", "B"}));
    EXPECT_FALSE(ExrBlocks::open({m_path, nullptr}, wanted(picture, true))) << "no such channel";
}

TEST_F(ExrBlocksTest, NoticesDamage)
{
    const Picture picture = write(spec(61, 53, "zip"));
    const std::string whole = base::read_file(m_path);
    int noticed = 0;
    for (size_t at = whole.size() / 2; at < whole.size(); at += 97) {
        std::string bytes = whole;
        bytes[at] = char(bytes[at] ^ 0x55);
        auto blocks = ExrBlocks::open({"plate", &bytes}, wanted(picture, true));
        bool good = blocks != nullptr;
        for (int y = 0; good && y < 53; y += 16)
            good = blocks->load(y, std::min(53, y + 16), 1);
        noticed += !good;
    }
    EXPECT_GE(noticed, int(whole.size() / 2 / 97)) << "each byte is under zlib's checksum";
    const std::string half = whole.substr(0, whole.size() * 2 / 3);
    auto blocks = ExrBlocks::open({"plate", &half}, wanted(picture, true));
    if (blocks) {
        EXPECT_FALSE(blocks->load(48, 53, 1));
    }
}

} // namespace
} // namespace klio::prep
