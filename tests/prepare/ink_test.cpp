#include "files_support.h"
#include "pictures_support.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

using namespace klio;
using namespace pictures;
using testing::HasSubstr;

namespace {

const std::array<unsigned char, 4> inks[]
    = {{0, 0, 0, 0}, {255, 0, 0, 0}, {30, 200, 90, 20}, {0, 0, 0, 255}, {120, 10, 180, 60}};

// Paper times what each ink leaves of it.
std::array<int, 3> plainly(const std::array<unsigned char, 4>& ink)
{
    std::array<int, 3> out {};
    for (size_t c = 0; c < 3; ++c)
        out[c] = int(std::lround((255.0 - ink[c]) * (255.0 - ink[3]) / 255));
    return out;
}

std::string tiff_of(const std::array<unsigned char, 4>& ink, int bits, const std::string& icc)
{
    Tiff tiff;
    tiff.samples = 4;
    tiff.bits = bits;
    tiff.photometric = 5;
    tiff.icc = icc;
    for (int i = 0; i < tiff.width * tiff.height; ++i)
        for (unsigned char value : ink)
            tiff.data += std::string(size_t(bits / 8), char(value)); // 0xABAB is 0xAB of 0xFF
    return write_tiff("ink.tif", tiff);
}

void expect_color(const Prepared& out, const std::array<int, 3>& expected, int tolerance)
{
    const Decoded image = decode(out);
    for (int c = 0; c < 3; ++c)
        EXPECT_NEAR(image.at(160, 160, c), expected[size_t(c)], tolerance) << c;
}

TEST(Cmyk, OfATiffWithoutAProfileIsPaperTimesInk)
{
    for (const auto& ink : inks)
        for (int bits : {8, 16})
            expect_color(prepare(tiff_of(ink, bits, ""), exact()), plainly(ink), 1);
}

TEST(Cmyk, OfATiffGoesThroughItsProfile)
{
    const std::string profile = cmyk_profile();
    for (const auto& ink : inks)
        for (int bits : {8, 16}) {
            const Prepared out = prepare(tiff_of(ink, bits, profile), exact());
            expect_color(out, through_profile(ink), 2);
            EXPECT_EQ(pictures::record(out).color.policy, "icc");
            EXPECT_EQ(pictures::record(out).color.icc_profile, "a press");
        }
    // Or the test would not see the profile ignored.
    EXPECT_GT(std::abs(through_profile(inks[1])[0] - plainly(inks[1])[0])
                  + std::abs(through_profile(inks[1])[1] - plainly(inks[1])[1]),
              50);
}

TEST(Cmyk, OfAJpegIsInkWhoeverWroteIt)
{
    for (const auto& ink : inks)
        for (Ink kind : {Ink::plain, Ink::adobe, Ink::ycck})
            expect_color(prepare(write_cmyk_jpeg("ink.jpg", ink, kind, ""), exact()), plainly(ink),
                         3);
}

TEST(Cmyk, OfAJpegGoesThroughItsProfile)
{
    const std::string profile = cmyk_profile();
    for (const auto& ink : inks)
        for (Ink kind : {Ink::plain, Ink::adobe, Ink::ycck}) {
            const Prepared out = prepare(write_cmyk_jpeg("press.jpg", ink, kind, profile), exact());
            expect_color(out, through_profile(ink), 4);
            EXPECT_EQ(pictures::record(out).color.decided_by, "icc");
        }
}

TEST(Cmyk, AProfileOfOtherChannelsIsIgnoredWithAWarning)
{
    OIIO::ImageSpec spec(320, 320, 3, OIIO::TypeUInt8);
    const std::string profile = cmyk_profile();
    spec.attribute("ICCProfile", OIIO::TypeDesc(OIIO::TypeDesc::UINT8, int(profile.size())),
                   profile.data());
    const auto file = write("rgb.tif", spec, [](int, int, int) { return 0.4f; });
    const Prepared out = prepare(file, exact());
    EXPECT_THAT(out.warnings, testing::Contains(HasSubstr("for other channels")));
    expect_color(out, {102, 102, 102}, 0);
}

} // namespace
