// What comes out against ImageBufAlgo::resize with lanczos3 in floats, on real images.

#include "pictures_support.h"
#include "resample_support.h"
#include "test_data.h"

#include <OpenImageIO/imagebufalgo.h>

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

using namespace klio;
using namespace pictures;

namespace {

// Display code values, since that is what is looked at.
double code(float x)
{
    x = std::clamp(x, 0.0f, 1.0f);
    return x <= 0.0031308f ? 12.92 * x : 1.055 * std::pow(x, 1 / 2.4) - 0.055;
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

// The picture and its mirror images side by side as one file of that size, so that small ones are
// shrunk, and no edge is there that the picture has not. Each has a name of its own: OpenImageIO's
// cache does not see that a file was written anew within a second.
std::string mosaic(const std::string& source, int width, int height, const std::string& name,
                   OIIO::TypeDesc type)
{
    const Plane in = load(source);
    OIIO::ImageSpec spec(width, height, 3, type);
    spec.attribute("Compression", type == OIIO::TypeUInt8 ? "jpeg:98" : "zip");
    const auto mirrored = [](int i, int n) { return i / n % 2 ? n - 1 - i % n : i % n; };
    return write(name, spec, [&](int x, int y, int c) {
        return in.at(mirrored(x, in.width), mirrored(y, in.height), c);
    });
}

double psnr(double squares, size_t count)
{
    return -10 * std::log10(squares / double(std::max<size_t>(1, count)) + 1e-20);
}

struct Measured {
    double all = 0;    ///< dB of display code values
    double calm = 0;   ///< of those into which no source value above 1 reaches
    double share = 0;  ///< of these in the picture
    double shrink = 0; ///< times
};

// The whole of prepare() but its codec: PNG has the very bytes. The reference is resized in the
// file's own values, then cut to 0-1, coded where they are linear, and never rounded. Next to
// values above 1 the reference itself is wrong (it rings, down to black), so its distance there
// says nothing, and the halo tests say what is right.
Measured whole_way(const std::string& file, bool linear)
{
    PrepareOptions options = exact("auto");
    options.fit = "none";
    options.policy = "texture";
    options.from = linear ? "Linear Rec.709 (sRGB)" : "sRGB";
    const Decoded out = decode(prepare(file, options));
    OIIO::ImageBuf source(file), expected;
    source.read(0, 0, 0, 3, true, OIIO::TypeFloat);
    const OIIO::ROI roi(0, out.width, 0, out.height, 0, 1, 0, 3);
    EXPECT_TRUE(OIIO::ImageBufAlgo::resize(expected, source, "lanczos3", 0, roi));
    std::vector<float> reference(out.rgb.size());
    expected.get_pixels(roi, OIIO::TypeFloat, reference.data());

    const Plane in = load(file);
    Measured measured;
    measured.shrink = double(in.width) / out.width;
    std::vector<bool> hot(size_t(out.width) * size_t(out.height));
    const int reach = int(std::ceil(3 * measured.shrink)) + 1;
    for (int y = 0; y < in.height; ++y)
        for (int x = 0; x < in.width; ++x)
            if (std::max({in.at(x, y, 0), in.at(x, y, 1), in.at(x, y, 2)}) > 1)
                for (int oy = std::max(0, int((y - reach) / measured.shrink));
                     oy <= std::min(out.height - 1, int((y + reach) / measured.shrink)); ++oy)
                    for (int ox = std::max(0, int((x - reach) / measured.shrink));
                         ox <= std::min(out.width - 1, int((x + reach) / measured.shrink)); ++ox)
                        hot[size_t(oy) * size_t(out.width) + size_t(ox)] = true;
    double squares = 0, calm = 0;
    size_t calm_count = 0;
    for (size_t i = 0; i < reference.size(); ++i) {
        const double value
            = linear ? code(reference[i]) : double(std::clamp(reference[i], 0.0f, 1.0f));
        const double difference = out.rgb[i] / 255.0 - value;
        squares += difference * difference;
        if (!hot[i / 3]) {
            calm += difference * difference;
            ++calm_count;
        }
    }
    measured.all = psnr(squares, reference.size());
    measured.calm = psnr(calm, calm_count);
    measured.share = double(calm_count) / double(reference.size());
    return measured;
}

void print(const std::string& name, const Measured& measured)
{
    std::printf("%s, %.2f times smaller: %.1f dB in display codes in the %.0f %% without "
                "highlights; %.1f dB in all\n",
                name.c_str(), measured.shrink, measured.calm, 100 * measured.share, measured.all);
}

class WholeWay : public testing::TestWithParam<const char*> { };

TEST_P(WholeWay, IsTheReferenceBeforeTheCodec)
{
    const std::string path = test_data(GetParam());
    if (path.empty())
        GTEST_SKIP() << "the folder of real images is missing";
    const bool jpeg = std::string(GetParam()).find(".jpg") != std::string::npos;
    const OIIO::ImageSpec spec = OIIO::ImageBuf(path).spec();
    const int times = int(std::ceil(1500.0 / spec.width));
    const Measured measured
        = whole_way(jpeg ? path
                         : mosaic(path, times * spec.width, times * spec.height,
                                  std::string("mosaic-") + GetParam(), OIIO::TypeHalf),
                    !jpeg);
    print(GetParam(), measured);
    EXPECT_GT(measured.shrink, 1.2);
    EXPECT_GT(measured.share, 0.3);
    EXPECT_GE(measured.calm, 55); // rounding to 8 bits alone is 59
}

INSTANTIATE_TEST_SUITE_P(RealImages, WholeWay,
                         testing::Values("StillLife.exr", "CandleGlass.exr", "Desk.exr",
                                         "WideColorGamut.exr", "display-window.exr",
                                         "tahoe-gps.jpg"));

// Large JPEGs are decoded at a half, a quarter or an eighth, by the DCT: a good filter, but not
// lanczos3, and the distance between two good filters is what is measured here. It is largest where
// the least is left to lanczos3, 1.5 times.
TEST(WholeWayOfJpeg, DecodedSmallIsNearTheReference)
{
    const std::string path = test_data("tahoe-gps.jpg");
    if (path.empty())
        GTEST_SKIP() << "the folder of real images is missing";
    const std::pair<int, double> cases[] = {{3504, 47}, {4088, 50}};
    for (const auto& [width, least] : cases) {
        const Measured measured
            = whole_way(mosaic(path, width, width * 880 / 1168,
                               "mosaic-" + std::to_string(width) + ".jpg", OIIO::TypeUInt8),
                        false);
        print("tahoe-gps.jpg in a mosaic", measured);
        EXPECT_GE(measured.shrink, 3);
        EXPECT_GE(measured.all, least);
    }
}

} // namespace
