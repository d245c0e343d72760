#pragma once

#include <cstdint>
#include <functional>
#include <vector>

/// \file
/// 8-bit rows in, fewer (or more) 8-bit rows out. prep::Resampler, which takes care of highlights,
/// needs three times as long: too long for what libjpeg decodes in 20 ms.

namespace klio::sheet {

/// Separable Lanczos-2 (Duchon 1979, widened by the scale where the picture shrinks) that holds a
/// few rows and no picture. Push all rows from the top; `emit` gets each row of the result as soon
/// as it is known. Not thread-safe.
class QuickResampler {
public:
    using Emit = std::function<void(int y, const uint8_t* rgb)>;
    QuickResampler(int width, int height, int out_width, int out_height, Emit emit);
    /// `width` pixels of red, green, blue and a byte that does not matter.
    void push(const uint8_t* rgbx);

private:
    struct Axis {
        int taps = 0;
        std::vector<int> first;
        std::vector<float> weights;
    };
    static Axis make_axis(int in, int out);

    int m_out_height;
    Axis m_x, m_y;
    int m_pushed = 0, m_emitted = 0;
    std::vector<float> m_row;  ///< the pushed one
    std::vector<float> m_ring; ///< the last ones, resampled across
    std::vector<float> m_sum;
    std::vector<uint8_t> m_out;
    Emit m_emit;
};

} // namespace klio::sheet
