#pragma once

#include <cstddef>

/// \file
/// The invertible highlight curve of the policy "compress".

namespace klio::color {

/// Brings linear values up to `peak` into 0–1, invertibly, one channel at a time:
///
///     y = x                                            for x <= t
///     y = t + (1 - t) ln(1 + a (x - t)) / ln(1 + a (peak - t))   for x > t
///
/// with t = 0.5, and a such that the slope at t is 1: (1 - t) a = ln(1 + a (peak - t)). What lies
/// below t, middle grey and skin among it, is as the policy texture would show it; each stop above
/// gets about the same share of what is left. It is the construction of the hybrid log-gamma
/// camera curve, a toe that meets a logarithm with the same value and slope (ITU-R BT.2100-2,
/// table 5; Borer and Cotton, "A display-independent high dynamic range television system", SMPTE
/// Motion Imaging Journal 125(4), 2016), with a straight line as its toe. What is above `peak`
/// goes on along the curve, beyond 1. With peak <= 1 it is the identity.
class HighlightCurve {
public:
    explicit HighlightCurve(double peak);
    float there(float x) const;
    float back(float y) const;
    /// Interleaved pixels in place; a fourth channel is left alone.
    void there(float* pixels, size_t count, int channels) const;
    void back(float* pixels, size_t count, int channels) const;

    static constexpr float knee = 0.5f;

private:
    bool m_identity;
    double m_a = 0;
    double m_scale = 0; ///< (1 - t) / ln(1 + a (peak - t))
};

} // namespace klio::color
