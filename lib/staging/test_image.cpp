#include "staging/test_image.h"

#include "base/sha256.h"

#include <cstdint>

namespace klio::staging {

namespace {

constexpr unsigned side = 32;

std::string big_endian(uint32_t value)
{
    return {char(value >> 24), char(value >> 16), char(value >> 8), char(value)};
}

// CRC-32 as PNG has it (PNG specification, annex D).
uint32_t crc32(const std::string& bytes)
{
    uint32_t crc = 0xFFFFFFFFu;
    for (unsigned char byte : bytes) {
        crc ^= byte;
        for (int bit = 0; bit < 8; ++bit)
            crc = (crc >> 1) ^ (crc & 1 ? 0xEDB88320u : 0);
    }
    return ~crc;
}

uint32_t adler32(const std::string& bytes)
{
    uint32_t a = 1, b = 0;
    for (unsigned char byte : bytes) {
        a = (a + byte) % 65521;
        b = (b + a) % 65521;
    }
    return (b << 16) | a;
}

std::string chunk(const std::string& type, const std::string& data)
{
    return big_endian(uint32_t(data.size())) + type + data + big_endian(crc32(type + data));
}

} // namespace

std::string test_image()
{
    const std::string noise = base::random_bytes(size_t(side) * side);
    std::string rows;
    for (unsigned y = 0; y < side; ++y)
        rows += std::string(1, '\0') + noise.substr(size_t(y) * side, side);
    // One stored block of deflate (RFC 1951, 3.2.4) in a zlib stream (RFC 1950): noise does not
    // compress.
    const auto size = uint16_t(rows.size());
    std::string stream = {'\x78', '\x01', '\x01'};
    stream += {char(size & 255), char(size >> 8), char(~size & 255), char((~size >> 8) & 255)};
    stream += rows + big_endian(adler32(rows));
    return "\x89PNG\r\n\x1a\n"
        + chunk("IHDR", big_endian(side) + big_endian(side) + std::string("\x08\0\0\0\0", 5))
        + chunk("IDAT", stream) + chunk("IEND", "");
}

} // namespace klio::staging
