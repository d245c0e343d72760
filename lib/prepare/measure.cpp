#include "prepare/measure.h"

#include <algorithm>
#include <cmath>

namespace klio::prep {

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
        if (luminance > 1e-6f) {
            const int bin = int((std::log2(luminance) - lowest) * per_stop);
            ++m_bins[size_t(std::clamp(bin, 0, int(m_bins.size()) - 1))];
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
            sum += double(to - from) * (lowest + (double(i) + 0.5) / per_stop);
            weight += double(to - from);
        }
    }
    if (weight == 0)
        return 0;
    return std::round((std::log2(0.18) - sum / weight) * 100) / 100;
}

} // namespace klio::prep
