#include "prepare/resample.h"

#include "prepare/simd.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace klio::prep {

namespace {

double lanczos3(double x)
{
    constexpr double pi = 3.14159265358979323846;
    x = std::fabs(x);
    if (x < 1e-9)
        return 1;
    if (x >= 3)
        return 0;
    const double px = pi * x;
    return 3 * std::sin(px) * std::sin(px / 3) / (px * px);
}

// out[i] = sum over taps of weights[t] * rows[t][i]
KLIO_CLONES void sum_rows(const float* const* rows, const float* weights, int taps, float* out,
                          int floats)
{
    for (int i = 0; i < floats; i += 16) {
        float sum[16] = {};
        for (int t = 0; t < taps; ++t) {
            const float* row = rows[t] + i;
            const float w = weights[t];
            for (int k = 0; k < 16; ++k)
                sum[k] += w * row[k];
        }
        std::memcpy(out + i, sum, sizeof sum);
    }
}

// The same held within its inputs, and the largest of them.
void hold_rows(const float* const* rows, const float* weights, int taps, float* held, float* high,
               int floats)
{
    for (int i = 0; i < floats; i += 4) {
        Float4 sum = {};
        Float4 least = load4(rows[0] + i), most = least;
        for (int t = 0; t < taps; ++t) {
            const Float4 value = load4(rows[t] + i);
            sum += weights[t] * value;
            least = min4(least, value);
            most = max4(most, value);
        }
        store4(held + i, max4(least, min4(most, sum)));
        store4(high + i, most);
    }
}

// out[x] = sum over taps of lanes * pixels, for a whole row; `taps` is even.
KLIO_CLONES void sum_columns(const Kernel& columns, const float* pixels, float* out)
{
    const int taps = columns.taps();
    for (int x = 0; x < columns.count(); ++x) {
        const float* in = pixels + 4 * (columns.first(x) - columns.begin());
        const float* lanes = columns.lanes(x);
        Float8 sum = {};
        for (int t = 0; t < taps; t += 2) {
            Float8 value, weight;
            std::memcpy(&value, in + 4 * t, sizeof value);
            std::memcpy(&weight, lanes + 4 * t, sizeof weight);
            sum += value * weight;
        }
        const Float4 low = {sum[0], sum[1], sum[2], sum[3]};
        const Float4 high = {sum[4], sum[5], sum[6], sum[7]};
        store4(out + 4 * x, low + high);
    }
}

} // namespace

Kernel::Kernel(int length, double offset, double span, int count)
{
    const double scale = span / count;
    const double widen = std::max(scale, 1.0);
    const double support = 3 * widen;
    // An even number, so that taps can be taken two by two; one beyond the input weighs nothing.
    const int window = std::min(length, int(std::ceil(2 * support)) + 1);
    m_taps = (window + 1) / 2 * 2;
    m_first.resize(size_t(count));
    m_weights.resize(size_t(count) * size_t(m_taps));
    m_begin = length;
    m_end = 0;
    std::vector<double> sums(static_cast<size_t>(m_taps));
    for (int i = 0; i < count; ++i) {
        double center = offset + (i + 0.5) * scale - 0.5;
        // A cut at whole pixels without a change of size copies them.
        if (scale == 1 && std::fabs(center - std::round(center)) < 1e-9)
            center = std::round(center);
        const int from = int(std::ceil(center - support)), to = int(std::floor(center + support));
        const int first = std::clamp(from, 0, length - window);
        std::fill(sums.begin(), sums.end(), 0.0);
        double total = 0;
        for (int j = from; j <= to; ++j) {
            const double weight = lanczos3((j - center) / widen);
            const int at = std::clamp(std::clamp(j, 0, length - 1) - first, 0, window - 1);
            sums[size_t(at)] += weight;
            total += weight;
        }
        m_first[size_t(i)] = first;
        for (int t = 0; t < m_taps; ++t) {
            const double weight = sums[size_t(t)] / total;
            // What sin() leaves of its zeros would let far pixels take part in held sums.
            m_weights[size_t(i) * size_t(m_taps) + size_t(t)]
                = std::fabs(weight) < 1e-9 ? 0.0f : float(weight);
        }
        m_begin = std::min(m_begin, first);
        m_end = std::max(m_end, first + window);
    }
    m_lanes.resize(m_weights.size() * 4);
    for (size_t i = 0; i < m_lanes.size(); ++i)
        m_lanes[i] = m_weights[i / 4];
}

void mark_hot(const float* pixels, int width, unsigned char* flags)
{
    for (int x = 0; x < width; x += Resampler::block) {
        const int end = std::min(width, x + Resampler::block);
        Float4 high = {};
        for (int i = x; i < end; ++i)
            high = max4(high, load4(pixels + 4 * i));
        flags[x / Resampler::block] = high[0] > 1 || high[1] > 1 || high[2] > 1;
    }
}

Resampler::Resampler(const Kernel& columns, const Kernel& rows)
    : m_columns(columns), m_rows(rows), m_width(columns.end() - columns.begin()),
      m_row_floats((4 * m_width + 15) / 16 * 16 + 16), m_blocks((m_width + block - 1) / block),
      m_first_row(rows.begin()), m_next_row(rows.begin())
{
}

float* Resampler::room(int count)
{
    // Rows above the first that an output still needs are dropped.
    const int needed = done() ? m_next_row : std::min(m_next_row, m_rows.first(m_next_output));
    const int held = m_next_row - needed;
    if (needed > m_first_row) {
        const size_t gap = size_t(needed - m_first_row);
        std::memmove(m_pixels.data(), m_pixels.data() + gap * size_t(m_row_floats),
                     size_t(held) * size_t(m_row_floats) * sizeof(float));
        std::memmove(m_hot.data(), m_hot.data() + gap * size_t(m_blocks),
                     size_t(held) * size_t(m_blocks));
        m_first_row = needed;
    }
    const size_t rows = size_t(held + count);
    if (m_pixels.size() < rows * size_t(m_row_floats)) {
        m_pixels.resize(rows * size_t(m_row_floats));
        m_hot.resize(rows * size_t(m_blocks));
    }
    return &m_pixels[size_t(held) * size_t(m_row_floats)];
}

unsigned char* Resampler::hot(int row_in_room)
{
    return &m_hot[size_t(m_next_row - m_first_row + row_in_room) * size_t(m_blocks)];
}

void Resampler::commit(int count)
{
    m_next_row += count;
}

void Resampler::ready(int& first, int& last) const
{
    first = last = m_next_output;
    while (last < m_rows.count()
           && std::min(m_rows.first(last) + m_rows.taps(), m_rows.end()) <= m_next_row)
        ++last;
}

void Resampler::compute(int y, float* out, std::vector<float>& scratch) const
{
    std::vector<const float*> rows;
    std::vector<float> weights;
    std::vector<unsigned char> hot(static_cast<size_t>(m_blocks), 0);
    for (int t = 0; t < m_rows.taps(); ++t) {
        const float weight = m_rows.weights(y)[t];
        if (weight == 0)
            continue;
        const size_t row = size_t(m_rows.first(y) + t - m_first_row);
        rows.push_back(&m_pixels[row * size_t(m_row_floats)]);
        weights.push_back(weight);
        const unsigned char* flags = &m_hot[row * size_t(m_blocks)];
        for (int b = 0; b < m_blocks; ++b)
            hot[size_t(b)] |= flags[b];
    }
    const int taps = int(rows.size());
    scratch.resize(size_t(m_row_floats) * 3);
    float* plain = scratch.data();
    sum_rows(rows.data(), weights.data(), taps, plain, m_row_floats / 16 * 16);
    sum_columns(m_columns, plain, out);

    // What was within 1 stays within 1; where it was not, the inputs are the limits.
    const Float4 one = {1, 1, 1, 1};
    const bool any_hot = std::find(hot.begin(), hot.end(), 1) != hot.end();
    if (any_hot)
        hold(rows, weights, hot, scratch);
    const float* held = plain + m_row_floats;
    const float* high = held + m_row_floats;
    const int columns = m_columns.taps();
    for (int x = 0; x < m_columns.count(); ++x) {
        const Float4 sum = load4(out + 4 * x);
        const int first = m_columns.first(x) - m_columns.begin();
        bool near_hot = false;
        for (int b = first / block; any_hot && b <= (first + columns - 1) / block && b < m_blocks;
             ++b)
            near_hot = near_hot || hot[size_t(b)] != 0;
        if (!near_hot) {
            store4(out + 4 * x, min4(sum, one));
            continue;
        }
        const float* w = m_columns.weights(x);
        Float4 held_sum = {}, least = {}, most = {}, highest = {};
        bool started = false;
        for (int t = 0; t < columns; ++t) {
            if (w[t] == 0)
                continue;
            const Float4 value = load4(held + 4 * (first + t));
            held_sum += w[t] * value;
            least = started ? min4(least, value) : value;
            most = started ? max4(most, value) : value;
            highest = max4(highest, load4(high + 4 * (first + t)));
            started = true;
        }
        store4(out + 4 * x,
               select(highest > one, max4(least, min4(most, held_sum)), min4(sum, one)));
    }
}

void Resampler::hold(const std::vector<const float*>& rows, const std::vector<float>& weights,
                     const std::vector<unsigned char>& hot, std::vector<float>& scratch) const
{
    float* plain = scratch.data();
    float* held = plain + m_row_floats;
    float* high = held + m_row_floats;
    // As far around as any output reaches that touches a flagged block.
    const int reach = m_columns.taps() / block + 1;
    std::vector<const float*> shifted(rows.size());
    for (int b = 0; b < m_blocks; ++b) {
        bool wanted = false;
        for (int k = std::max(0, b - reach); k <= std::min(m_blocks - 1, b + reach); ++k)
            wanted = wanted || hot[size_t(k)] != 0;
        if (!wanted)
            continue;
        const int at = b * block * 4;
        for (size_t i = 0; i < rows.size(); ++i)
            shifted[i] = rows[i] + at;
        hold_rows(shifted.data(), weights.data(), int(rows.size()), held + at, high + at,
                  std::min(block * 4, m_row_floats - at));
    }
}

} // namespace klio::prep
