#pragma once

#include "color/transform.h"
#include "frames/decode.h"

#include <cstdint>
#include <vector>

namespace klio::frames {

/// The colours that an 8-bit picture has, each transformed once: a tenth of its pixels in a
/// photograph of 4 million, so a transform that costs much (the inverse of a view) is worth the
/// look-up. Results are the transform's own, bit for bit. Immutable, thread-safe.
class ColorMemo {
public:
    ColorMemo(const Codes& codes, const color::Processor& processor, int threads);
    /// Three floats for three code values of the picture.
    const float* find(const uint8_t* code) const
    {
        const uint32_t key = key_of(code);
        const uint64_t below = m_seen[key >> 6] & ((uint64_t(1) << (key & 63)) - 1);
        return &m_values[3 * (m_rank[key >> 6] + size_t(__builtin_popcountll(below)))];
    }

    /// Memory that it takes.
    size_t bytes() const
    {
        return m_seen.size() * sizeof m_seen[0] + m_rank.size() * sizeof m_rank[0]
            + m_values.size() * sizeof m_values[0];
    }

private:
    static uint32_t key_of(const uint8_t* code)
    {
        return uint32_t(code[0]) << 16 | uint32_t(code[1]) << 8 | code[2];
    }
    std::vector<uint64_t> m_seen; ///< a bit for each of the 2^24 colours
    std::vector<uint32_t> m_rank; ///< how many colours stand before each word of m_seen
    std::vector<float> m_values;
};

} // namespace klio::frames
