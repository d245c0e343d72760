#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

/// \file
/// Rows in, fewer (or more) rows out: a separable resampler that holds a few rows and no picture.

namespace klio::sheet {

/// Kernels: Lanczos 2 is sharp, for display values; the tent never overshoots, for scene-linear
/// light, where a ring around a highlight would be black.
enum class Kernel { lanczos2, tent };

/// Rounds values of 0–255 to bytes, clipped.
void to_bytes(const float* values, int count, uint8_t* bytes);

/// Interleaved rows of `channels` float values. Push all rows from the top; `emit` gets each row of
/// the result with its number as soon as it is known. Not thread-safe.
class RowResampler {
public:
    using Emit = std::function<void(int y, const float* row)>;
    RowResampler(int width, int height, int out_width, int out_height, int channels, Kernel kernel,
                 Emit emit);
    void push(const float* row);
    void push(const uint8_t* row);

private:
    struct Axis {
        int count = 0; ///< taps of each output place
        std::vector<int> first;
        std::vector<float> weights;
    };
    static Axis make_axis(int in, int out, Kernel kernel);
    template <class T> void push_row(const T* row);
    void emit_ready();

    int m_height, m_out_width, m_out_height, m_channels;
    Axis m_x, m_y;
    int m_pushed = 0, m_emitted = 0;
    std::vector<float> m_ring; ///< the last rows, already resampled across
    std::vector<float> m_out;
    Emit m_emit;
};

} // namespace klio::sheet
