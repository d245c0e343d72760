#include "pictures_support.h"

#include <klio/error.h>
#include <klio/prepare.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

using namespace klio;
using namespace pictures;

namespace {

TEST(Icc, DisplayP3IsConverted)
{
    // A P3 profile is taken from a file that ImageMagick or OIIO can't be asked for here, so the
    // smallest possible one is made by hand: matrix, gamma 2.2.
    const auto number = [](double v) {
        const int32_t fixed = int32_t(std::lround(v * 65536));
        std::string out;
        for (int shift = 24; shift >= 0; shift -= 8)
            out += char(fixed >> shift & 255);
        return out;
    };
    const auto word = [](uint32_t v) {
        std::string out;
        for (int shift = 24; shift >= 0; shift -= 8)
            out += char(v >> shift & 255);
        return out;
    };
    const auto xyz = [&](double x, double y, double z) {
        return std::string("XYZ ") + word(0) + number(x) + number(y) + number(z);
    };
    const std::string curve
        = std::string("curv") + word(0) + word(1) + std::string("\x02\x33\0\0", 4);
    const std::vector<std::pair<std::string, std::string>> tags = {
        {"wtpt", xyz(0.9642, 1, 0.8249)},
        {"rXYZ", xyz(0.5151, 0.2412, -0.0011)},
        {"gXYZ", xyz(0.2919, 0.6922, 0.0419)},
        {"bXYZ", xyz(0.1572, 0.0666, 0.7841)},
        {"rTRC", curve},
        {"gTRC", curve},
        {"bTRC", curve},
    };
    std::string table = word(uint32_t(tags.size())), data;
    for (const auto& [name, content] : tags) {
        table += name + word(uint32_t(128 + 4 + 12 * tags.size() + data.size()))
            + word(uint32_t(content.size()));
        data += content;
    }
    std::string header = word(uint32_t(128 + table.size() + data.size())) + "lcms"
        + word(0x02400000) + "mntrRGB XYZ " + std::string(12, '\0') + "acsp" + std::string(28, '\0')
        + number(0.9642) + number(1) + number(0.8249);
    header.resize(128);
    const std::string profile = header + table + data;
    for (const char* name : {"p3.png", "p3.tif", "p3.jpg"}) {
        OIIO::ImageSpec spec(320, 320, 3, OIIO::TypeUInt8);
        spec.attribute("ICCProfile", OIIO::TypeDesc(OIIO::TypeDesc::UINT8, int(profile.size())),
                       profile.data());
        const auto file = write(name, spec, [](int, int, int c) { return c == 0 ? 0.8f : 0.4f; });
        const Prepared out = prepare(file, exact());
        const PrepareRecord record = pictures::record(out);
        EXPECT_EQ(record.color.policy, "icc") << name;
        EXPECT_EQ(record.color.decided_by, "icc") << name;
        const Decoded image = decode(out);
        // A P3 red is outside what the same numbers mean in sRGB: more red, less green.
        EXPECT_GT(image.at(9, 9, 0), 210) << name;
        EXPECT_LT(image.at(9, 9, 1), 98) << name;
        PrepareOptions options = exact();
        options.from = "sRGB";
        EXPECT_NEAR(decode(prepare(file, options)).at(9, 9, 0), 204, 2) << name;
    }
}

} // namespace
