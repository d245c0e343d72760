#include "frames/crc.h"
#include "frames/xmp.h"

#include <algorithm>
#include <cstdint>
#include <vector>

namespace klio::frames {

namespace {

constexpr char png_signature[] = "\x89PNG\r\n\x1A\n";
constexpr char png_keyword[] = "XML:com.adobe.xmp\0\0\0\0"; // with the last zero that C adds
constexpr char jpeg_keyword[] = "http://ns.adobe.com/xap/1.0/";
constexpr uint16_t tiff_xmp_tag = 700;

bool starts(const std::string& bytes, size_t at, const std::string& text)
{
    return at <= bytes.size() && bytes.compare(at, text.size(), text) == 0;
}

uint32_t read(const std::string& bytes, size_t at, int count, bool little)
{
    uint32_t value = 0;
    for (int i = 0; i < count; ++i) {
        const size_t from = at + size_t(little ? count - 1 - i : i);
        value = value << 8 | (from < bytes.size() ? static_cast<unsigned char>(bytes[from]) : 0U);
    }
    return value;
}

std::string pack(uint32_t value, int count, bool little)
{
    std::string bytes(size_t(count), '\0');
    for (int i = 0; i < count; ++i)
        bytes[size_t(little ? i : count - 1 - i)] = static_cast<char>(value >> (8 * i) & 255);
    return bytes;
}

// PNG specification, 11.3.3.4 (iTXt) and the XMP specification part 3, 1.1.5: before the pixels.
std::string into_png(const std::string& bytes, const std::string& packet)
{
    const std::string data = "iTXt" + std::string(png_keyword, sizeof png_keyword) + packet;
    const std::string chunk
        = pack(uint32_t(data.size() - 4), 4, false) + data + pack(crc32(data), 4, false);
    return bytes.substr(0, 33) + chunk + bytes.substr(33);
}

std::string from_png(const std::string& bytes)
{
    const std::string keyword(png_keyword, sizeof png_keyword);
    for (size_t at = 8; at + 12 <= bytes.size();) {
        const size_t length = read(bytes, at, 4, false);
        if (starts(bytes, at + 4, "iTXt") && starts(bytes, at + 8, keyword)
            && length >= keyword.size() && at + 8 + length <= bytes.size())
            return bytes.substr(at + 8 + keyword.size(), length - keyword.size());
        at += 12 + length;
    }
    return {};
}

// XMP specification part 3, 1.1.3: an APP1 segment, behind JFIF's APP0.
std::string into_jpeg(const std::string& bytes, const std::string& packet)
{
    const std::string data = std::string(jpeg_keyword, sizeof jpeg_keyword) + packet;
    if (data.size() > 65533)
        return bytes;
    size_t at = 2;
    if (starts(bytes, at, "\xFF\xE0"))
        at += 2 + read(bytes, at + 2, 2, false);
    return bytes.substr(0, at) + "\xFF\xE1" + pack(uint32_t(data.size() + 2), 2, false) + data
        + bytes.substr(at);
}

std::string from_jpeg(const std::string& bytes)
{
    const std::string keyword(jpeg_keyword, sizeof jpeg_keyword);
    for (size_t at = 2; at + 4 <= bytes.size() && starts(bytes, at, "\xFF");) {
        const size_t length = read(bytes, at + 2, 2, false);
        if (starts(bytes, at + 1, "\xDA") || length < 2)
            break;
        if (starts(bytes, at + 1, "\xE1") && starts(bytes, at + 4, keyword)
            && length >= 2 + keyword.size())
            return bytes.substr(at + 4 + keyword.size(), length - 2 - keyword.size());
        at += 2 + length;
    }
    return {};
}

// WebP container specification: metadata needs the extended header VP8X in front.
std::string into_webp(const std::string& bytes, const std::string& packet)
{
    std::string body = bytes.substr(12);
    if (!starts(body, 0, "VP8X")) {
        uint32_t width = 0, height = 0;
        bool alpha = false;
        if (starts(body, 0, "VP8L")) {
            const uint32_t bits = read(body, 9, 4, true);
            width = bits & 0x3FFF;
            height = bits >> 14 & 0x3FFF;
            alpha = bits >> 28 & 1;
        } else {
            width = (read(body, 14, 2, true) & 0x3FFF) - 1;
            height = (read(body, 16, 2, true) & 0x3FFF) - 1;
        }
        body = "VP8X" + pack(10, 4, true) + pack(alpha ? 0x10 : 0, 4, true) + pack(width, 3, true)
            + pack(height, 3, true) + body;
    }
    body[8] = static_cast<char>(body[8] | 0x04);
    body += "XMP " + pack(uint32_t(packet.size()), 4, true) + packet;
    if (packet.size() % 2)
        body += '\0';
    return "RIFF" + pack(uint32_t(body.size() + 4), 4, true) + "WEBP" + body;
}

std::string from_webp(const std::string& bytes)
{
    for (size_t at = 12; at + 8 <= bytes.size();) {
        const size_t length = read(bytes, at + 4, 4, true);
        if (starts(bytes, at, "XMP "))
            return bytes.substr(at + 8, length);
        at += 8 + length + (length & 1);
    }
    return {};
}

// TIFF 6.0, "Image File Directory". Each directory that gets a packet is written anew behind
// everything else, and what pointed at it is turned to the new place.
std::string into_tiff(const std::string& bytes, const std::vector<std::string>& packets)
{
    std::string out = bytes;
    const bool little = bytes[0] == 'I';
    size_t pointer = 4;
    size_t done = 0;
    for (; done < packets.size(); ++done) {
        const size_t directory = read(out, pointer, 4, little);
        const uint32_t count = read(out, directory, 2, little);
        const size_t size = 12 * size_t(count);
        if (directory == 0 || directory + 6 + size > out.size())
            break;
        std::vector<std::string> entries;
        for (uint32_t i = 0; i < count; ++i)
            entries.push_back(out.substr(directory + 2 + 12 * size_t(i), 12));
        const std::string next = out.substr(directory + 2 + size, 4);
        if (out.size() % 2)
            out += '\0';
        const std::string& packet = packets[done];
        const size_t at = out.size();
        out += packet;
        if (out.size() % 2)
            out += '\0';
        if (out.size() + size + 18 > 0xFFFFFFFFU)
            return bytes;
        entries.push_back(pack(tiff_xmp_tag, 2, little) + pack(1, 2, little)
                          + pack(uint32_t(packet.size()), 4, little)
                          + pack(uint32_t(at), 4, little));
        std::sort(entries.begin(), entries.end(), [&](const auto& a, const auto& b) {
            return read(a, 0, 2, little) < read(b, 0, 2, little);
        });
        const size_t anew = out.size();
        out += pack(count + 1, 2, little);
        for (const std::string& entry : entries)
            out += entry;
        out += next;
        out.replace(pointer, 4, pack(uint32_t(anew), 4, little));
        pointer = out.size() - 4;
    }
    return out;
}

std::vector<std::string> from_tiff(const std::string& bytes)
{
    std::vector<std::string> packets;
    const bool little = bytes[0] == 'I';
    size_t directory = read(bytes, 4, 4, little);
    // A file whose directories point in a circle would go on for ever.
    while (directory != 0 && directory + 6 <= bytes.size() && packets.size() < 1000) {
        packets.emplace_back();
        const uint32_t count = read(bytes, directory, 2, little);
        for (uint32_t i = 0; i < count; ++i) {
            const size_t entry = directory + 2 + 12 * size_t(i);
            const size_t length = read(bytes, entry + 4, 4, little);
            const size_t at = read(bytes, entry + 8, 4, little);
            if (read(bytes, entry, 2, little) == tiff_xmp_tag && at < bytes.size())
                packets.back() = bytes.substr(at, length);
        }
        directory = read(bytes, directory + 2 + 12 * size_t(count), 4, little);
    }
    return packets;
}

enum class Kind { png, jpeg, webp, tiff, other };

Kind kind_of(const std::string& bytes)
{
    if (starts(bytes, 0, png_signature) && bytes.size() > 33)
        return Kind::png;
    if (starts(bytes, 0, "\xFF\xD8\xFF"))
        return Kind::jpeg;
    if (starts(bytes, 0, "RIFF") && starts(bytes, 8, "WEBPVP8") && bytes.size() > 40)
        return Kind::webp;
    if (starts(bytes, 0, std::string("II*\0", 4)) || starts(bytes, 0, std::string("MM\0*", 4)))
        return Kind::tiff;
    return Kind::other;
}

} // namespace

bool carries_xmp(const std::string& bytes)
{
    return kind_of(bytes) != Kind::other;
}

std::string insert_xmp(const std::string& bytes, const std::vector<std::string>& packets)
{
    switch (packets.empty() ? Kind::other : kind_of(bytes)) {
    case Kind::png:
        return into_png(bytes, packets[0]);
    case Kind::jpeg:
        return into_jpeg(bytes, packets[0]);
    case Kind::webp:
        return into_webp(bytes, packets[0]);
    case Kind::tiff:
        return into_tiff(bytes, packets);
    case Kind::other:
        break;
    }
    return bytes;
}

std::vector<std::string> extract_xmp(const std::string& bytes)
{
    switch (kind_of(bytes)) {
    case Kind::png:
        return {from_png(bytes)};
    case Kind::jpeg:
        return {from_jpeg(bytes)};
    case Kind::webp:
        return {from_webp(bytes)};
    case Kind::tiff:
        return from_tiff(bytes);
    case Kind::other:
        break;
    }
    return {};
}

} // namespace klio::frames
