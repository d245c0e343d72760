#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

/// \file
/// What a picture's light is like: how much lies above 1, how bright it is on the whole.

namespace klio::prep {

/// Sums over linear Rec.709 pixels. Parts measured by several threads are added in any order with
/// the same result: there are only counts and a maximum in it.
class Light {
public:
    void add(const float* rgb, size_t count, int channels);
    void add(const Light& other);

    double above_one() const;  ///< share of pixels with a channel above 1 (by more than 1/255)
    double below_zero() const; ///< share of pixels with a channel below -1/255
    float peak() const { return m_peak; }
    /// Stops that bring the log-average of the luminance to middle grey, 0.18 (Reinhard, Stark,
    /// Shirley and Ferwerda, "Photographic tone reproduction for digital images", 2002, equation 1
    /// and its key). The darkest and the brightest hundredth are left out, and so is black, so that
    /// neither hot pixels nor a matte decide. Rounded to hundredths; 0 for a black picture.
    double auto_exposure() const;

private:
    static constexpr int lowest = -20, highest = 20; ///< stops
    static constexpr int mantissa_bits = 5;          ///< that tell a stop's bins apart
    static constexpr int per_stop = 1 << mantissa_bits;
    static constexpr uint32_t first_bin = uint32_t(127 + lowest) << mantissa_bits;
    std::array<long long, size_t((highest - lowest) * per_stop)> m_bins {};
    long long m_count = 0, m_above = 0, m_below = 0;
    float m_peak = 0;
};

} // namespace klio::prep
