#include "sheet/quick_resample.h"

#include "prepare/simd.h"

#include <algorithm>
#include <cmath>

namespace klio::sheet {

namespace {

using prep::Float4;
using prep::load4;
using prep::store4;

double sinc(double x)
{
    const double p = 3.14159265358979323846 * x;
    return std::abs(x) < 1e-9 ? 1 : std::sin(p) / p;
}

double lanczos2(double x)
{
    return std::abs(x) < 2 ? sinc(x) * sinc(x / 2) : 0;
}

KLIO_CLONES void across(const uint8_t* rgbx, std::vector<float>& row, const std::vector<int>& first,
                        const float* weights, int taps, float* out)
{
    float* values = row.data();
    const size_t count = row.size();
    for (size_t i = 0; i < count; ++i)
        values[i] = float(rgbx[i]);
    const size_t width = first.size();
    for (size_t x = 0; x < width; ++x, weights += taps, out += 4) {
        const float* pixel = values + size_t(first[x]) * 4;
        Float4 sum = load4(pixel) * weights[0];
        for (int k = 1; k < taps; ++k)
            sum += load4(pixel + 4 * k) * weights[k];
        store4(out, sum);
    }
}

KLIO_CLONES void down(const std::vector<float>& ring, int first, const float* weights, int taps,
                      std::vector<float>& sums, uint8_t* out)
{
    float* sum = sums.data();
    const size_t count = sums.size();
    for (int k = 0; k < taps; ++k) {
        const float* in = &ring[size_t((first + k) % taps) * count];
        const float w = weights[k];
        if (k == 0)
            for (size_t i = 0; i < count; ++i)
                sum[i] = w * in[i] + 0.5f;
        else
            for (size_t i = 0; i < count; ++i)
                sum[i] += w * in[i];
    }
    for (size_t i = 0; i < count; ++i)
        sum[i] = std::min(std::max(sum[i], 0.0f), 255.0f);
    for (size_t i = 0; i < count; i += 4, out += 3) {
        out[0] = uint8_t(int(sum[i]));
        out[1] = uint8_t(int(sum[i + 1]));
        out[2] = uint8_t(int(sum[i + 2]));
    }
}

} // namespace

QuickResampler::Axis QuickResampler::make_axis(int in, int out)
{
    const double step = double(in) / out;
    const double stretch = std::max(step, 1.0);
    const double reach = 2 * stretch;
    Axis axis;
    axis.taps = std::min(in, int(std::ceil(2 * reach)));
    axis.first.resize(size_t(out));
    axis.weights.resize(size_t(out) * size_t(axis.taps));
    for (int i = 0; i < out; ++i) {
        const double center = (i + 0.5) * step;
        const int first = std::clamp(int(std::ceil(center - reach - 0.5)), 0, in - axis.taps);
        float* w = &axis.weights[size_t(i) * size_t(axis.taps)];
        double sum = 0;
        for (int k = 0; k < axis.taps; ++k) {
            w[k] = float(lanczos2((first + k + 0.5 - center) / stretch));
            sum += w[k];
        }
        for (int k = 0; k < axis.taps; ++k)
            w[k] = float(w[k] / sum);
        axis.first[size_t(i)] = first;
    }
    return axis;
}

QuickResampler::QuickResampler(int width, int height, int out_width, int out_height, Emit emit)
    : m_out_height(out_height), m_x(make_axis(width, out_width)),
      m_y(make_axis(height, out_height)), m_row(size_t(width) * 4),
      m_ring(size_t(m_y.taps) * size_t(out_width) * 4), m_sum(size_t(out_width) * 4),
      m_out(size_t(out_width) * 3), m_emit(std::move(emit))
{
}

void QuickResampler::push(const uint8_t* rgbx)
{
    across(rgbx, m_row, m_x.first, m_x.weights.data(), m_x.taps,
           &m_ring[size_t(m_pushed % m_y.taps) * m_sum.size()]);
    ++m_pushed;
    while (m_emitted < m_out_height && m_y.first[size_t(m_emitted)] + m_y.taps <= m_pushed) {
        down(m_ring, m_y.first[size_t(m_emitted)],
             &m_y.weights[size_t(m_emitted) * size_t(m_y.taps)], m_y.taps, m_sum, m_out.data());
        m_emit(m_emitted++, m_out.data());
    }
}

} // namespace klio::sheet
