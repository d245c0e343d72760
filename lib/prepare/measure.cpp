#include "prepare/measure.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>

namespace klio::prep {

namespace {

constexpr float darkest = 0x1p-20f;

} // namespace

void Light::add(const float* rgb, size_t count, int channels)
{
    constexpr float tolerance = 1.0f / 255;
    for (size_t i = 0; i < count; ++i, rgb += channels) {
        const float high = std::max({rgb[0], rgb[1], rgb[2]});
        const float low = std::min({rgb[0], rgb[1], rgb[2]});
        m_above += high > 1 + tolerance;
        m_below += low < -tolerance;
        m_peak = std::max(m_peak, high);
        const float luminance = 0.2126f * rgb[0] + 0.7152f * rgb[1] + 0.0722f * rgb[2];
        if (luminance >= darkest) {
            // The exponent and the first bits of the mantissa are the bin: no logarithm a pixel.
            uint32_t bits;
            std::memcpy(&bits, &luminance, sizeof bits);
            const uint32_t bin = (bits >> (23 - mantissa_bits)) - first_bin;
            ++m_bins[std::min<size_t>(bin, m_bins.size() - 1)];
        }
    }
    m_count += (long long)(count);
}

void Light::add(const Light& other)
{
    for (size_t i = 0; i < m_bins.size(); ++i)
        m_bins[i] += other.m_bins[i];
    m_count += other.m_count;
    m_above += other.m_above;
    m_below += other.m_below;
    m_peak = std::max(m_peak, other.m_peak);
}

double Light::above_one() const
{
    return m_count ? double(m_above) / double(m_count) : 0;
}

double Light::below_zero() const
{
    return m_count ? double(m_below) / double(m_count) : 0;
}

double Light::auto_exposure() const
{
    long long total = 0;
    for (long long bin : m_bins)
        total += bin;
    const long long cut = total / 100;
    double sum = 0, weight = 0;
    long long before = 0;
    for (size_t i = 0; i < m_bins.size(); ++i) {
        const long long from = std::max(before, cut);
        before += m_bins[i];
        const long long to = std::min(before, total - cut);
        if (to > from) {
            const size_t in_stop = i % per_stop;
            const double middle = 1 + (double(in_stop) + 0.5) / per_stop;
            sum += double(to - from) * (lowest + double(i / per_stop) + std::log2(middle));
            weight += double(to - from);
        }
    }
    if (weight == 0)
        return 0;
    return std::round((std::log2(0.18) - sum / weight) * 100) / 100;
}

} // namespace klio::prep
