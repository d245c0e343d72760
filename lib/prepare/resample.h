#pragma once

#include <cstddef>
#include <vector>

/// \file
/// Streaming, separable Lanczos-3 resampling of RGBX float rows.

namespace klio::prep {

/// The weights of one axis: output i is the sum of taps() weights times inputs from first(i) on.
class Kernel {
public:
    /// `length`: of the input axis, beyond which its outermost pixel is repeated; `offset`, `span`:
    /// the part of it that becomes `count` outputs. The filter is Lanczos-3, sinc(x) sinc(x/3)
    /// (Duchon, "Lanczos filtering in one and two dimensions", 1979), widened by the scale where
    /// the picture shrinks; weights sum to 1.
    Kernel(int length, double offset, double span, int count);
    int count() const { return int(m_first.size()); }
    int taps() const { return m_taps; }
    int first(int i) const { return m_first[size_t(i)]; }
    const float* weights(int i) const { return &m_weights[size_t(i) * size_t(m_taps)]; }
    /// The same, each four times over, for RGBX pixels: two taps fill eight lanes.
    const float* lanes(int i) const { return &m_lanes[size_t(i) * size_t(m_taps) * 4]; }
    int begin() const { return m_begin; } ///< the first input that any output needs
    int end() const { return m_end; }     ///< one beyond the last

private:
    int m_taps = 0;
    int m_begin = 0, m_end = 0;
    std::vector<int> m_first;
    std::vector<float> m_weights;
    std::vector<float> m_lanes;
};

/// Four floats a pixel: red, green, blue, and alpha or nothing. Input rows are pushed from top to
/// bottom; output rows come as soon as their inputs are there, from many threads, each row exactly
/// as one thread would compute it.
///
/// Lanczos rings: next to a highlight of 400 a plain filter gives a black halo, far below anything
/// that the picture has. So wherever a value above 1 takes part in a sum, the sum is kept within
/// the smallest and the largest of its inputs. Elsewhere the filter is left as it is, save that
/// what was within 1 stays within 1: ringing must not look like a highlight.
class Resampler {
public:
    /// Rows that are pushed hold the pixels from columns.begin() to columns.end(). Both kernels
    /// must outlive this.
    Resampler(const Kernel& columns, const Kernel& rows);

    int row_floats() const { return m_row_floats; } ///< of a pushed row, padding for SIMD included
    int next_row() const { return m_next_row; }     ///< the input row that is to be pushed next
    bool done() const { return m_next_output == m_rows.count(); }

    /// Room for `count` input rows (row_floats() apart); fill it, then call commit(count). Rows
    /// that no output needs any longer are dropped. Clears nothing.
    float* room(int count);
    /// Where one row's flags stand: 1 for each 16 pixels that hold a value above 1.
    unsigned char* hot(int row_in_room);
    void commit(int count);

    /// Output rows that can be computed now: [first, last).
    void ready(int& first, int& last) const;
    /// Computes output row y into `out`, columns.count() RGBX pixels; `scratch` is a thread's own.
    /// Thread-safe for rows that are ready.
    void compute(int y, float* out, std::vector<float>& scratch) const;
    /// Says that all rows below `last` were computed.
    void release(int last) { m_next_output = last; }

    static constexpr int block = 16; ///< pixels that share a flag

private:
    void hold(const std::vector<const float*>& rows, const std::vector<float>& weights,
              const std::vector<unsigned char>& hot, std::vector<float>& scratch) const;

    const Kernel& m_columns;
    const Kernel& m_rows;
    int m_width;
    int m_row_floats;
    int m_blocks;
    int m_first_row; ///< of the input rows that are held
    int m_next_row;
    int m_next_output = 0;
    std::vector<float> m_pixels;
    std::vector<unsigned char> m_hot;
};

/// Sets the flags of one row of `width` RGBX pixels.
void mark_hot(const float* pixels, int width, unsigned char* flags);

} // namespace klio::prep
