#include "color/curve.h"

#include <algorithm>
#include <cmath>

namespace klio::color {

HighlightCurve::HighlightCurve(double peak) : m_identity(!(peak > 1.0001))
{
    if (m_identity)
        return;
    // (1 - t) a - ln(1 + a (peak - t)) is below 0 just above a = 0, convex, and has one further
    // root, which lies above the point where its slope is 0.
    const double t = knee;
    const double range = peak - t;
    double low = 1 / (1 - t) - 1 / range;
    double high = std::max(1.0, 2 * low);
    while ((1 - t) * high < std::log1p(high * range))
        high *= 2;
    for (int i = 0; i < 200; ++i) {
        const double middle = (low + high) / 2;
        ((1 - t) * middle < std::log1p(middle * range) ? low : high) = middle;
    }
    m_a = (low + high) / 2;
    m_scale = (1 - t) / std::log1p(m_a * range);
}

float HighlightCurve::there(float x) const
{
    if (m_identity || !(x > knee))
        return x;
    return float(knee + m_scale * std::log1p(m_a * (double(x) - knee)));
}

float HighlightCurve::back(float y) const
{
    if (m_identity || !(y > knee))
        return y;
    return float(knee + std::expm1((double(y) - knee) / m_scale) / m_a);
}

void HighlightCurve::there(float* pixels, size_t count, int channels) const
{
    for (size_t i = 0; i < count; ++i, pixels += channels)
        for (int c = 0; c < 3; ++c)
            pixels[c] = there(pixels[c]);
}

void HighlightCurve::back(float* pixels, size_t count, int channels) const
{
    for (size_t i = 0; i < count; ++i, pixels += channels)
        for (int c = 0; c < 3; ++c)
            pixels[c] = back(pixels[c]);
}

} // namespace klio::color
