#include "sheet/resample.h"

#include <algorithm>
#include <cmath>

namespace klio::sheet {

namespace {

double sinc(double x)
{
    const double p = 3.14159265358979323846 * x;
    return std::abs(x) < 1e-9 ? 1 : std::sin(p) / p;
}

double weight(Kernel kernel, double x)
{
    x = std::abs(x);
    if (kernel == Kernel::tent)
        return x < 1 ? 1 - x : 0;
    return x < 2 ? sinc(x) * sinc(x / 2) : 0;
}

// Constant counts of channels and taps let the compiler unroll and vectorize.
template <int channels, class T>
void across(const T* row, float* out, int out_width, int count, const int* first,
            const float* weights)
{
    for (int x = 0; x < out_width; ++x, weights += count) {
        const T* pixel = row + size_t(first[x]) * channels;
        float sum[channels] = {};
        for (int k = 0; k < count; ++k, pixel += channels)
            for (int c = 0; c < channels; ++c)
                sum[c] += weights[k] * float(pixel[c]);
        for (int c = 0; c < channels; ++c)
            *out++ = sum[c];
    }
}

} // namespace

void to_bytes(const float* values, int count, uint8_t* bytes)
{
    for (int i = 0; i < count; ++i)
        bytes[i] = uint8_t(std::min(std::max(values[i] + 0.5f, 0.0f), 255.0f));
}

RowResampler::Axis RowResampler::make_axis(int in, int out, Kernel kernel)
{
    const double step = double(in) / out;
    const double stretch = std::max(step, 1.0);
    const double reach = (kernel == Kernel::tent ? 1 : 2) * stretch;
    Axis axis;
    axis.count = std::min(in, int(std::ceil(reach)) * 2 + 1);
    axis.first.resize(size_t(out));
    axis.weights.resize(size_t(out) * size_t(axis.count));
    for (int i = 0; i < out; ++i) {
        const double center = (i + 0.5) * step;
        const int first = std::clamp(int(std::floor(center - reach + 0.5)), 0, in - axis.count);
        float* w = &axis.weights[size_t(i) * size_t(axis.count)];
        double sum = 0;
        for (int k = 0; k < axis.count; ++k) {
            w[k] = float(weight(kernel, (first + k + 0.5 - center) / stretch));
            sum += w[k];
        }
        for (int k = 0; k < axis.count; ++k)
            w[k] = float(w[k] / sum);
        axis.first[size_t(i)] = first;
    }
    return axis;
}

RowResampler::RowResampler(int width, int height, int out_width, int out_height, int channels,
                           Kernel kernel, Emit emit)
    : m_height(height), m_out_width(out_width), m_out_height(out_height), m_channels(channels),
      m_x(make_axis(width, out_width, kernel)), m_y(make_axis(height, out_height, kernel)),
      m_ring(size_t(m_y.count) * size_t(out_width) * size_t(channels)),
      m_out(size_t(out_width) * size_t(channels)), m_emit(std::move(emit))
{
}

void RowResampler::push(const float* row)
{
    push_row(row);
}

void RowResampler::push(const uint8_t* row)
{
    push_row(row);
}

template <class T> void RowResampler::push_row(const T* row)
{
    float* slot = &m_ring[size_t(m_pushed % m_y.count) * m_out.size()];
    const int* first = m_x.first.data();
    const float* weights = m_x.weights.data();
    switch (m_channels) {
    case 1:
        across<1>(row, slot, m_out_width, m_x.count, first, weights);
        break;
    case 3:
        across<3>(row, slot, m_out_width, m_x.count, first, weights);
        break;
    default:
        across<4>(row, slot, m_out_width, m_x.count, first, weights);
    }
    ++m_pushed;
    emit_ready();
}

void RowResampler::emit_ready()
{
    const size_t row = m_out.size();
    while (m_emitted < m_out_height && m_y.first[size_t(m_emitted)] + m_y.count <= m_pushed) {
        const float* weights = &m_y.weights[size_t(m_emitted) * size_t(m_y.count)];
        std::fill(m_out.begin(), m_out.end(), 0.0f);
        for (int k = 0; k < m_y.count; ++k) {
            const float w = weights[k];
            const float* in = &m_ring[size_t((m_y.first[size_t(m_emitted)] + k) % m_y.count) * row];
            float* out = m_out.data();
            if (w != 0)
                for (size_t i = 0; i < row; ++i)
                    out[i] += w * in[i];
        }
        m_emit(m_emitted++, m_out.data());
    }
}

} // namespace klio::sheet
