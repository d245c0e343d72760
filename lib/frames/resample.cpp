#include "frames/resample.h"

#include "frames/blank.h"
#include "frames/rows.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace klio::frames {

namespace {

constexpr int lobes = 3;

double lanczos(double x)
{
    constexpr double pi = 3.14159265358979323846;
    if (std::abs(x) < 1e-9)
        return 1;
    if (std::abs(x) >= lobes)
        return 0;
    return lobes * std::sin(pi * x) * std::sin(pi * x / lobes) / (pi * pi * x * x);
}

// For one sample of the result: which samples of the source it takes, in what shares, and which of
// them are under the main lobe.
struct Tap {
    std::vector<int> index;
    std::vector<float> weight;
    size_t core_begin = 0;
    size_t core_end = 0;
};

// `size` source samples cover [start, start + length); the result's samples stand at the pixel
// centres of [begin, end).
std::vector<Tap> make_taps(int size, double start, double length, int begin, int end)
{
    const double step = size / length; // source samples a pixel of the result
    const double support = std::max(step, 1.0);
    std::vector<Tap> taps(size_t(end - begin));
    for (int i = begin; i < end; ++i) {
        Tap& tap = taps[size_t(i - begin)];
        const double center = (i + 0.5 - start) * step - 0.5; // in source sample centres
        const int first = int(std::ceil(center - lobes * support));
        const int last = int(std::floor(center + lobes * support));
        double sum = 0;
        std::vector<double> weights;
        for (int j = first; j <= last; ++j) {
            const double x = (j - center) / support;
            const double weight = lanczos(x);
            sum += weight;
            // Samples that stand exactly on the lobe's border weigh nothing, nor do they limit.
            if (std::abs(x) < 1 - 1e-6) {
                if (tap.core_end == 0)
                    tap.core_begin = tap.index.size();
                tap.core_end = tap.index.size() + 1;
            }
            tap.index.push_back(std::clamp(j, 0, size - 1));
            weights.push_back(weight);
        }
        for (const double weight : weights)
            tap.weight.push_back(float(weight / sum));
    }
    return taps;
}

// One pass over a row of pixels, or over rows: `stride` floats from one source sample to the next,
// `count` floats that are treated alike.
void accumulate(const Tap& tap, const float* source, size_t stride, size_t count, float* out,
                float* low, float* high)
{
    std::fill(out, out + count, 0.0F);
    for (size_t k = 0; k < tap.index.size(); ++k) {
        const float* in = source + size_t(tap.index[k]) * stride;
        const float weight = tap.weight[k];
        for (size_t i = 0; i < count; ++i)
            out[i] += weight * in[i];
        if (k < tap.core_begin || k >= tap.core_end)
            continue;
        if (k == tap.core_begin) {
            std::copy(in, in + count, low);
            std::copy(in, in + count, high);
            continue;
        }
        for (size_t i = 0; i < count; ++i) {
            low[i] = std::min(low[i], in[i]);
            high[i] = std::max(high[i], in[i]);
        }
    }
    for (size_t i = 0; i < count; ++i)
        out[i] = std::min(std::max(out[i], low[i]), high[i]);
}

// The horizontal pass's inner loop, with the number of channels known.
template <size_t Channels>
void resample_row(const std::vector<Tap>& taps, const float* in, float* out)
{
    for (const Tap& tap : taps) {
        float sum[Channels] = {};
        float low[Channels];
        float high[Channels];
        const float* core = in + size_t(tap.index[tap.core_begin]) * Channels;
        for (size_t c = 0; c < Channels; ++c)
            low[c] = high[c] = core[c];
        for (size_t k = 0; k < tap.index.size(); ++k) {
            const float* pixel = in + size_t(tap.index[k]) * Channels;
            for (size_t c = 0; c < Channels; ++c)
                sum[c] += tap.weight[k] * pixel[c];
        }
        for (size_t k = tap.core_begin + 1; k < tap.core_end; ++k) {
            const float* pixel = in + size_t(tap.index[k]) * Channels;
            for (size_t c = 0; c < Channels; ++c) {
                low[c] = std::min(low[c], pixel[c]);
                high[c] = std::max(high[c], pixel[c]);
            }
        }
        for (size_t c = 0; c < Channels; ++c)
            *out++ = std::min(std::max(sum[c], low[c]), high[c]);
    }
}

} // namespace

OIIO::ImageBuf resample(const OIIO::ImageBuf& image, const Rect& where, const OIIO::ROI& target,
                        int threads)
{
    const OIIO::ImageSpec& in = image.spec();
    const size_t channels = size_t(in.nchannels);
    OIIO::ImageSpec spec(target.width(), target.height(), in.nchannels, OIIO::TypeDesc::FLOAT);
    spec.x = target.xbegin;
    spec.y = target.ybegin;
    OIIO::ImageBuf result = blank_image(spec);

    const std::vector<Tap> across
        = make_taps(in.width, where.x, where.width, target.xbegin, target.xend);
    const std::vector<Tap> down
        = make_taps(in.height, where.y, where.height, target.ybegin, target.yend);
    const size_t row = size_t(target.width()) * channels;
    std::vector<float> middle(row * size_t(in.height));
    parallel_rows(in.height, threads, [&](int begin, int end) {
        for (int y = begin; y < end; ++y) {
            const auto* from = static_cast<const float*>(image.pixeladdr(in.x, in.y + y));
            float* to = middle.data() + row * size_t(y);
            if (channels == 4)
                resample_row<4>(across, from, to);
            else
                resample_row<3>(across, from, to);
        }
    });
    parallel_rows(target.height(), threads, [&](int begin, int end) {
        std::vector<float> low(row);
        std::vector<float> high(row);
        for (int y = begin; y < end; ++y)
            accumulate(down[size_t(y)], middle.data(), row, row,
                       static_cast<float*>(result.pixeladdr(target.xbegin, target.ybegin + y)),
                       low.data(), high.data());
    });
    return result;
}

} // namespace klio::frames
