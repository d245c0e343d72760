#include "frames/crc.h"

#include <array>

namespace klio::frames {

uint32_t crc32(std::string_view bytes)
{
    using Table = std::array<std::array<uint32_t, 256>, 8>;
    static const Table table = [] {
        Table t {};
        for (uint32_t n = 0; n < 256; ++n) {
            uint32_t c = n;
            for (int k = 0; k < 8; ++k)
                c = c & 1 ? 0xEDB88320U ^ (c >> 1) : c >> 1;
            t[0][n] = c;
        }
        for (size_t s = 1; s < 8; ++s)
            for (size_t n = 0; n < 256; ++n)
                t[s][n] = t[0][t[s - 1][n] & 255] ^ (t[s - 1][n] >> 8);
        return t;
    }();
    uint32_t c = 0xFFFFFFFFU;
    const auto* p = reinterpret_cast<const unsigned char*>(bytes.data());
    size_t left = bytes.size();
    for (; left >= 8; left -= 8, p += 8) {
        const uint32_t low = c
            ^ (uint32_t(p[0]) | uint32_t(p[1]) << 8 | uint32_t(p[2]) << 16 | uint32_t(p[3]) << 24);
        c = table[7][low & 255] ^ table[6][(low >> 8) & 255] ^ table[5][(low >> 16) & 255]
            ^ table[4][low >> 24] ^ table[3][p[4]] ^ table[2][p[5]] ^ table[1][p[6]]
            ^ table[0][p[7]];
    }
    for (; left > 0; --left, ++p)
        c = table[0][(c ^ *p) & 255] ^ (c >> 8);
    return ~c;
}

} // namespace klio::frames
