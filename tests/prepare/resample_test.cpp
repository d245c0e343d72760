#include "prepare/srgb8.h"
#include "resample_support.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

using namespace klio::prep;
using namespace pictures;

namespace {

TEST(Resample, SameSizeCopies)
{
    const Plane in = noise(37, 21);
    const Plane out = resample(in, 5, 3, 20, 11, 20, 11, 4);
    for (int y = 0; y < 11; ++y)
        for (int x = 0; x < 20; ++x)
            for (int c = 0; c < 4; ++c)
                ASSERT_EQ(out.at(x, y, c), in.at(x + 5, y + 3, c));
}

TEST(Resample, RowsPushedTogetherChangeNothing)
{
    const Plane in = noise(101, 77);
    const Plane one = resample(in, 3.3, 2.7, 90, 70, 41, 33, 1);
    for (int rows : {2, 7, 64})
        EXPECT_EQ(resample(in, 3.3, 2.7, 90, 70, 41, 33, rows).rgbx, one.rgbx);
}

TEST(Resample, ConstantStaysConstant)
{
    Plane in = noise(64, 64);
    std::fill(in.rgbx.begin(), in.rgbx.end(), 0.25f);
    for (int size : {1, 5, 63, 64, 200})
        for (float value : resample(in, 0, 0, 64, 64, size, size, 8).rgbx)
            ASSERT_NEAR(value, 0.25f, 1e-6);
}

TEST(Halo, GeneratedLamp)
{
    Plane in;
    in.width = in.height = 64;
    in.rgbx.assign(64 * 64 * 4, 0.1f);
    for (int y = 28; y < 36; ++y)
        for (int x = 28; x < 36; ++x)
            std::fill_n(&in.rgbx[4 * size_t(y * 64 + x)], 3, 400.0f);
    const Plane out = resample(in, 0, 0, 64, 64, 37, 37, 8);
    for (size_t i = 0; i < out.rgbx.size(); ++i)
        if (i % 4 != 3) {
            EXPECT_GE(out.rgbx[i], 0.1f - 1e-3f);
            EXPECT_LE(out.rgbx[i], 400.01f);
        }
}

TEST(Srgb8, IsTheNearestCodeForEveryFloat)
{
    std::vector<float> values = {-1, 0, 1, 2, NAN, HUGE_VALF, -HUGE_VALF, 1e-30f};
    for (int i = 0; i <= 30000; ++i)
        values.push_back(float(i) / 30000);
    for (int k = 0; k < 255; ++k) {
        const double edge = (k + 0.5) / 255;
        const double linear
            = edge <= 0.04045 ? edge / 12.92 : std::pow((edge + 0.055) / 1.055, 2.4);
        values.push_back(float(linear * 0.99999));
        values.push_back(float(linear * 1.00001));
    }
    while (values.size() % 3)
        values.push_back(0);
    std::vector<unsigned char> codes(values.size());
    linear_to_srgb8(values.data(), values.size() / 3, 3, codes.data());
    for (size_t i = 0; i < values.size(); ++i) {
        const double x = std::isnan(values[i]) ? 0 : std::clamp(double(values[i]), 0.0, 1.0);
        const double exact = x <= 0.0031308 ? 12.92 * x : 1.055 * std::pow(x, 1 / 2.4) - 0.055;
        ASSERT_EQ(int(codes[i]), int(exact * 255 + 0.5)) << values[i];
    }
}

} // namespace
