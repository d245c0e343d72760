#include "prepare/painter.h"

#include "prepare/srgb8.h"

#include <algorithm>
#include <vector>

namespace klio::prep {

void to_bytes(const float* rgb, size_t count, int channels, unsigned char* out)
{
    for (size_t i = 0; i < count; ++i, rgb += channels, out += 3)
        for (int c = 0; c < 3; ++c) {
            // Written so that NaN, which a config's LUT may give, becomes 0.
            const float value = rgb[c] > 0 ? (rgb[c] < 1 ? rgb[c] : 1) : 0;
            out[c] = static_cast<unsigned char>(value * 255 + 0.5f);
        }
}

Painter::Painter(const ColorRecord& record, bool measures)
    : m_curve(record.policy == "texture" && color::is_linear_way(record)),
      m_counts(record.policy != "view"), m_measures(measures),
      m_processor(m_curve ? color::to_linear(record) : color::there(record))
{
    if (m_measures && !m_curve)
        m_linear = color::to_linear(record);
}

void Painter::paint(float* rgb, size_t count, int channels, unsigned char* out)
{
    if (m_linear) {
        std::vector<float> row(rgb, rgb + count * size_t(channels));
        m_linear->apply(row.data(), count, channels);
        measure(row.data(), count, channels);
    }
    m_processor.apply(rgb, count, channels);
    if (m_measures && !m_linear)
        measure(rgb, count, channels);
    if (m_counts)
        tally(rgb, count, channels);
    if (m_curve)
        linear_to_srgb8(rgb, count, channels, out);
    else
        to_bytes(rgb, count, channels, out);
}

void Painter::tally(const float* rgb, size_t pixels, int channels)
{
    constexpr float tolerance = 1.0f / 255;
    long long high = 0, low = 0;
    for (size_t i = 0; i < pixels; ++i, rgb += channels) {
        high += std::max({rgb[0], rgb[1], rgb[2]}) > 1 + tolerance;
        low += std::min({rgb[0], rgb[1], rgb[2]}) < -tolerance;
    }
    m_above += high;
    m_below += low;
}

void Painter::measure(const float* rgb, size_t pixels, int channels)
{
    Light row;
    row.add(rgb, pixels, channels);
    const std::lock_guard<std::mutex> lock(m_mutex);
    m_light.add(row);
}

} // namespace klio::prep
