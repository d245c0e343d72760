#include "pictures_support.h"
#include "prepare/resample.h"
#include "prepare/srgb8.h"
#include "test_data.h"

#include <OpenImageIO/imagebufalgo.h>

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

using namespace klio::prep;

namespace {

struct Plane {
    int width = 0, height = 0;
    std::vector<float> rgbx;
    float at(int x, int y, int c) const
    {
        return rgbx[4 * (size_t(y) * size_t(width) + size_t(x)) + size_t(c)];
    }
};

Plane resample(const Plane& in, double x, double y, double w, double h, int width, int height,
               int rows_at_once)
{
    const Kernel columns(in.width, x, w, width), rows(in.height, y, h, height);
    Resampler resampler(columns, rows);
    Plane out;
    out.width = width;
    out.height = height;
    out.rgbx.resize(size_t(width) * size_t(height) * 4);
    std::vector<float> scratch;
    while (!resampler.done()) {
        const int count = std::min(rows_at_once, rows.end() - resampler.next_row());
        float* room = resampler.room(count);
        for (int i = 0; i < count; ++i) {
            float* row = room + size_t(i) * size_t(resampler.row_floats());
            std::fill_n(row, resampler.row_floats(), 0.0f);
            const int from = resampler.next_row() + i;
            std::copy_n(&in.rgbx[4 * (size_t(from) * size_t(in.width) + size_t(columns.begin()))],
                        4 * (columns.end() - columns.begin()), row);
            mark_hot(row, columns.end() - columns.begin(), resampler.hot(i));
        }
        resampler.commit(count);
        int first = 0, last = 0;
        resampler.ready(first, last);
        for (int i = first; i < last; ++i)
            resampler.compute(i, &out.rgbx[4 * size_t(i) * size_t(width)], scratch);
        resampler.release(last);
    }
    return out;
}

Plane load(const std::string& path)
{
    OIIO::ImageBuf image(path);
    image.read(0, 0, 0, std::min(3, image.nchannels()), true, OIIO::TypeFloat);
    Plane out;
    out.width = image.spec().width;
    out.height = image.spec().height;
    out.rgbx.resize(size_t(out.width) * size_t(out.height) * 4);
    std::vector<float> rgb(size_t(out.width) * size_t(out.height) * 3);
    image.get_pixels(image.roi(), OIIO::TypeFloat, rgb.data());
    for (size_t i = 0; i < rgb.size() / 3; ++i)
        std::copy_n(&rgb[3 * i], 3, &out.rgbx[4 * i]);
    return out;
}

Plane noise(int width, int height)
{
    std::mt19937 random(3);
    Plane out;
    out.width = width;
    out.height = height;
    for (int i = 0; i < width * height * 4; ++i)
        out.rgbx.push_back(float(random() % 1000) / 1000);
    return out;
}

// Display code values, since that is what is looked at.
double code(float x)
{
    x = std::clamp(x, 0.0f, 1.0f);
    return x <= 0.0031308f ? 12.92 * x : 1.055 * std::pow(x, 1 / 2.4) - 0.055;
}

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

class AgainstOiio : public testing::TestWithParam<const char*> { };

TEST_P(AgainstOiio, IsLanczos3)
{
    const std::string path = test_data(GetParam());
    if (path.empty())
        GTEST_SKIP() << "the folder of real images is missing";
    const Plane in = load(path);
    const int width = in.width * 5 / 8, height = in.height * 5 / 8;
    const Plane out = resample(in, 0, 0, in.width, in.height, width, height, 32);
    OIIO::ImageBuf source(path);
    source.read(0, 0, 0, 3, true, OIIO::TypeFloat);
    OIIO::ImageBuf expected;
    OIIO::ROI roi(0, width, 0, height, 0, 1, 0, 3);
    // The display window is what is resized, so that has to be the data window here.
    source.specmod().full_x = source.spec().x;
    source.specmod().full_y = source.spec().y;
    source.specmod().full_width = source.spec().width;
    source.specmod().full_height = source.spec().height;
    ASSERT_TRUE(OIIO::ImageBufAlgo::resize(expected, source, "lanczos3", 0, roi));
    std::vector<float> reference(size_t(width) * size_t(height) * 3);
    expected.get_pixels(roi, OIIO::TypeFloat, reference.data());
    // In floats, over the picture's own range. Where highlights are, the reference rings and this
    // one must not (see the halo tests); what lies away from them is compared by itself.
    const float peak = std::max(1.0f, *std::max_element(reference.begin(), reference.end()));
    const double reach = 3 * 1.6 + 1;
    double squares = 0, calm = 0;
    size_t calm_count = 0;
    for (int y = 0; y < height; ++y)
        for (int x = 0; x < width; ++x) {
            const double cx = (x + 0.5) * in.width / width, cy = (y + 0.5) * in.height / height;
            float high = 0;
            for (int j = std::max(0, int(cy - reach));
                 j <= std::min(in.height - 1, int(cy + reach)); ++j)
                for (int i = std::max(0, int(cx - reach));
                     i <= std::min(in.width - 1, int(cx + reach)); ++i)
                    for (int c = 0; c < 3; ++c)
                        high = std::max(high, in.at(i, j, c));
            for (int c = 0; c < 3; ++c) {
                const float b = reference[3 * (size_t(y) * size_t(width) + size_t(x)) + size_t(c)];
                double difference
                    = double(out.at(x, y, c)) - double(high > 1 ? b : std::min(b, 1.0f));
                squares += difference * difference;
                if (high <= 1) {
                    calm += difference * difference;
                    ++calm_count;
                }
            }
        }
    const double psnr
        = -10 * std::log10(squares / double(reference.size()) / (double(peak) * peak) + 1e-20);
    const double calm_psnr
        = -10 * std::log10(calm / double(std::max<size_t>(1, calm_count)) + 1e-20);
    std::printf("%s: %.1f dB against ImageBufAlgo::resize, %.1f dB in the %.0f %% without "
                "highlights\n",
                GetParam(), psnr, calm_psnr, 100.0 * double(calm_count) / double(reference.size()));
    EXPECT_GE(psnr, 50);
    EXPECT_GE(calm_psnr, 80);
}

INSTANTIATE_TEST_SUITE_P(RealImages, AgainstOiio,
                         testing::Values("StillLife.exr", "CandleGlass.exr", "Desk.exr",
                                         "WideColorGamut.exr", "display-window.exr",
                                         "tahoe-gps.jpg"));

class Halo : public testing::TestWithParam<const char*> { };

TEST_P(Halo, NoPixelNextToAHighlightFallsBelowTheSource)
{
    const std::string path = test_data(GetParam());
    if (path.empty())
        GTEST_SKIP() << "the folder of real images is missing";
    const Plane in = load(path);
    const double scale = 1.6;
    const int width = int(in.width / scale), height = int(in.height / scale);
    const Plane out = resample(in, 0, 0, width * scale, height * scale, width, height, 32);
    int checked = 0;
    for (int y = 0; y < height; ++y)
        for (int x = 0; x < width; ++x)
            for (int c = 0; c < 3; ++c) {
                // The source pixels that a filter three output pixels wide sees.
                const double cx = (x + 0.5) * scale - 0.5, cy = (y + 0.5) * scale - 0.5;
                const double reach = 3 * scale - 1e-3;
                float low = HUGE_VALF, high = 0;
                for (int j = std::max(0, int(std::ceil(cy - reach)));
                     j <= std::min(in.height - 1, int(cy + reach)); ++j)
                    for (int i = std::max(0, int(std::ceil(cx - reach)));
                         i <= std::min(in.width - 1, int(cx + reach)); ++i) {
                        low = std::min(low, in.at(i, j, c));
                        high = std::max(high, in.at(i, j, c));
                    }
                if (high <= 1)
                    continue;
                ++checked;
                ASSERT_GE(code(out.at(x, y, c)), code(low) - 2.0 / 255)
                    << x << "," << y << " channel " << c;
            }
    EXPECT_GT(checked, 1000);
}

INSTANTIATE_TEST_SUITE_P(RealImages, Halo, testing::Values("StillLife.exr", "CandleGlass.exr"));

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
