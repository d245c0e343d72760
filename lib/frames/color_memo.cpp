#include "frames/color_memo.h"

#include "frames/rows.h"

namespace klio::frames {

ColorMemo::ColorMemo(const Codes& codes, const color::Processor& processor, int threads)
    : m_seen(size_t(1) << 18), m_rank(m_seen.size())
{
    for (int y = 0; y < codes.height; ++y) {
        const uint8_t* code = codes.row(y);
        for (int x = 0; x < codes.width; ++x, code += codes.channels)
            m_seen[key_of(code) >> 6] |= uint64_t(1) << (key_of(code) & 63);
    }
    uint32_t count = 0;
    for (size_t word = 0; word < m_seen.size(); ++word) {
        m_rank[word] = count;
        count += uint32_t(__builtin_popcountll(m_seen[word]));
    }
    m_values.resize(size_t(count) * 3);
    parallel_rows(int(m_seen.size()), threads, [&](int begin, int end) {
        if (begin == end)
            return;
        float* const first = &m_values[0] + size_t(m_rank[size_t(begin)]) * 3;
        float* value = first;
        for (auto word = uint32_t(begin); word < uint32_t(end); ++word)
            for (uint64_t bits = m_seen[word]; bits != 0; bits &= bits - 1) {
                const uint32_t key = word << 6 | uint32_t(__builtin_ctzll(bits));
                for (const int shift : {16, 8, 0})
                    *value++ = float(key >> shift & 255) / 255.0F;
            }
        processor.apply(first, size_t(value - first) / 3, 3);
    });
}

} // namespace klio::frames
