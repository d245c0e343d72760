#include "local/damage.h"

#include "local/fault.h"

#include <algorithm>
#include <cstdint>

namespace klio::local {

namespace {

uint32_t png_crc(const std::string& bytes, size_t from, size_t size)
{
    uint32_t crc = 0xffffffffu;
    for (size_t i = from; i < from + size; ++i) {
        crc ^= static_cast<unsigned char>(bytes[i]);
        for (int bit = 0; bit < 8; ++bit)
            crc = crc & 1 ? crc >> 1 ^ 0xedb88320u : crc >> 1;
    }
    return ~crc;
}

void put_big_endian(std::string& bytes, size_t at, uint32_t value)
{
    for (size_t i = 0; i < 4; ++i)
        bytes[at + i] = char(value >> (24 - 8 * i) & 0xff);
}

uint32_t big_endian(const std::string& bytes, size_t at, size_t size)
{
    uint32_t value = 0;
    for (size_t i = 0; i < size; ++i)
        value = value << 8 | static_cast<unsigned char>(bytes[at + i]);
    return value;
}

void break_png(std::string& bytes, size_t from)
{
    // Each chunk: length, name, data, CRC of name and data.
    for (size_t at = 8; at + 12 <= bytes.size();) {
        const size_t size = big_endian(bytes, at, 4);
        if (size > bytes.size() - at - 12)
            return;
        const size_t end = at + 8 + size;
        if (bytes.compare(at + 4, 4, "IDAT") == 0 && end > from) {
            for (size_t i = std::max(at + 8, from); i < end; ++i)
                bytes[i] = char(bytes[i] ^ 0x5a);
            put_big_endian(bytes, end, png_crc(bytes, at + 4, size + 4));
        }
        at = end + 4;
    }
}

void break_jpeg(std::string& bytes, size_t from)
{
    // Ones without end (0xff, stuffed) are no code of any Huffman table.
    const std::string ones("\xff\0", 2);
    constexpr size_t count = 64;
    size_t at = 2;
    while (at + 4 <= bytes.size() && bytes[at + 1] != '\xda')
        at += 2 + big_endian(bytes, at + 2, 2);
    if (at + 4 > bytes.size())
        return;
    const size_t scan = at + 2 + big_endian(bytes, at + 2, 2);
    if (scan + 2 > bytes.size())
        return;
    at = std::max(scan + (bytes.size() - scan) / 2, from);
    if (bytes[at - 1] == '\xff')
        ++at;
    for (size_t i = 0; i < count && at + ones.size() + 2 <= bytes.size(); ++i, at += ones.size())
        bytes.replace(at, ones.size(), ones);
}

} // namespace

std::string html_page(const std::string& title)
{
    return "<!DOCTYPE html>\n<html><head><title>" + title + "</title></head>\n<body><h1>" + title
        + "</h1><p>nginx</p></body></html>\n";
}

std::string spoilt_image(const std::vector<std::string>& fate, std::string bytes)
{
    if (has_fate(fate, "not-an-image"))
        return html_page("Something went wrong");
    if (has_fate(fate, "wrong-format"))
        return std::string("GIF89a\x01\x00\x01\x00\x80\x00\x00\xff\xff\xff\x00\x00\x00,\x00\x00"
                           "\x00\x00\x01\x00\x01\x00\x00\x02\x02"
                           "D\x01\x00;",
                           35);
    if (has_fate(fate, "cut-image"))
        bytes.resize(bytes.size() / 2);
    if (has_fate(fate, "corrupt-image"))
        for (size_t at = bytes.size() / 2; at < bytes.size() / 2 + 512 && at < bytes.size(); ++at)
            bytes[at] = char(bytes[at] ^ 0x5a);
    if (has_fate(fate, "huge-image") && bytes.size() > 33) {
        // IHDR stands behind the 8 bytes of the signature: length, name, width, height … CRC.
        put_big_endian(bytes, 16, 50'000);
        put_big_endian(bytes, 20, 50'000);
        put_big_endian(bytes, 29, png_crc(bytes, 12, 17));
    }
    return bytes;
}

std::string with_broken_pixels(std::string bytes, size_t from)
{
    if (bytes.compare(0, 3, "\xff\xd8\xff") == 0)
        break_jpeg(bytes, from);
    else if (bytes.compare(0, 4, "\x89PNG") == 0)
        break_png(bytes, from);
    return bytes;
}

} // namespace klio::local
