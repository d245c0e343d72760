#include "frames/decode.h"

#include "frames/crc.h"

#include <klio/error.h>

#include <algorithm>
#include <cstring>
#include <string_view>

namespace klio::frames {

namespace {

// Every access is checked: outside of the bytes it reads zeros.
class Bytes {
public:
    explicit Bytes(std::string_view bytes) : m_bytes(bytes) { }
    size_t size() const { return m_bytes.size(); }
    uint32_t u8(size_t at) const
    {
        return at < m_bytes.size() ? static_cast<unsigned char>(m_bytes[at]) : 0;
    }
    uint32_t be16(size_t at) const { return u8(at) << 8 | u8(at + 1); }
    uint32_t be32(size_t at) const { return be16(at) << 16 | be16(at + 2); }
    uint32_t le16(size_t at) const { return u8(at) | u8(at + 1) << 8; }
    uint32_t le24(size_t at) const { return le16(at) | u8(at + 2) << 16; }
    uint32_t le32(size_t at) const { return le16(at) | le16(at + 2) << 16; }
    bool has(size_t at, std::string_view text) const
    {
        return at <= m_bytes.size() && m_bytes.substr(at, text.size()) == text;
    }
    std::string_view part(size_t at, size_t count) const
    {
        return at <= m_bytes.size() ? m_bytes.substr(at, count) : std::string_view();
    }

private:
    std::string_view m_bytes;
};

// What a walk through a file found. `fault` is empty where its structure is whole.
struct Walk {
    ImageProbe image;
    std::string fault;
};

// Orientation of IFD0 in a TIFF structure, as EXIF carries it.
int exif_orientation(std::string_view exif)
{
    const Bytes b(exif);
    const bool little = b.has(0, "II");
    if (!little && !b.has(0, "MM"))
        return 1;
    const auto u16 = [&](size_t at) { return little ? b.le16(at) : b.be16(at); };
    const size_t ifd = little ? b.le32(4) : b.be32(4);
    const size_t count = ifd < b.size() ? u16(ifd) : 0;
    for (size_t i = 0; i < count && ifd + 14 + 12 * i <= b.size(); ++i) {
        const size_t entry = ifd + 2 + 12 * i;
        if (u16(entry) == 0x0112) {
            const uint32_t value = u16(entry + 8);
            return value >= 1 && value <= 8 ? int(value) : 1;
        }
    }
    return 1;
}

Walk walk_png(std::string_view bytes, bool whole)
{
    const Bytes b(bytes);
    Walk walk;
    const uint32_t depth = b.u8(24);
    const uint32_t type = b.u8(25);
    if (!b.has(12, "IHDR") || b.be32(8) != 13 || b.size() < 33) {
        walk.fault = "it has no PNG header";
        return walk;
    }
    walk.image.media_type = "image/png";
    walk.image.width = int(std::min<uint32_t>(b.be32(16), 0x7FFFFFFF));
    walk.image.height = int(std::min<uint32_t>(b.be32(20), 0x7FFFFFFF));
    walk.image.bit_depth = depth == 16 ? 16 : 8;
    walk.image.channels = type == 0 ? 1 : type == 4 ? 2 : type == 6 ? 4 : 3;
    uint64_t data = 0;
    bool plain
        = depth == 8 && (type == 2 || type == 6) && b.u8(26) == 0 && b.u8(27) == 0 && b.u8(28) == 0;
    for (size_t at = 8;;) {
        const uint64_t length = b.be32(at);
        if (at + 12 > b.size() || length > b.size() - at - 12) {
            walk.fault = "it ends in the middle of a PNG chunk";
            return walk;
        }
        const std::string_view name = b.part(at + 4, 4);
        if (whole && crc32(b.part(at + 4, size_t(length) + 4)) != b.be32(at + 8 + size_t(length))) {
            walk.fault = "the checksum of a PNG chunk is wrong";
            return walk;
        }
        plain = plain && name != "tRNS" && name != "iCCP" && name != "eXIf";
        if (name == "tRNS" && type != 4 && type != 6)
            walk.image.channels = type == 0 ? 2 : 4;
        else if (name == "eXIf")
            walk.image.orientation = exif_orientation(b.part(at + 8, size_t(length)));
        else if (name == "IDAT") {
            data += length;
            if (!whole)
                return walk;
        } else if (name == "IEND")
            break;
        at += 12 + size_t(length);
    }
    walk.image.plain = plain;
    if (data == 0) {
        walk.fault = "it has no pixels";
        return walk;
    }
    // Deflate shrinks by at most 1032, so a small file that claims a vast picture is known to be
    // false before memory is taken for it.
    const uint64_t samples = type == 2 ? 3 : type == 4 ? 2 : type == 6 ? 4 : 1;
    const uint64_t row = (uint64_t(walk.image.width) * samples * depth + 7) / 8;
    if (row * uint64_t(walk.image.height) > (data + 64) * 1032)
        walk.fault = "it is too short for the picture that its header promises";
    return walk;
}

bool is_start_of_frame(uint32_t marker)
{
    return marker >= 0xC0 && marker <= 0xCF && marker != 0xC4 && marker != 0xC8 && marker != 0xCC;
}

Walk walk_jpeg(std::string_view bytes, bool whole)
{
    const Bytes b(bytes);
    Walk walk;
    int scans = 0;
    size_t at = 2;
    uint32_t frame = 0;
    bool exif = false;
    while (true) {
        if (at + 2 > b.size()) {
            walk.fault = "it ends before the JPEG's end marker";
            return walk;
        }
        if (b.u8(at) != 0xFF) {
            walk.fault = "there is no JPEG marker where one is due";
            return walk;
        }
        const uint32_t marker = b.u8(at + 1);
        if (marker == 0xFF) {
            ++at;
            continue;
        }
        if (marker == 0xD9)
            break;
        if (marker == 0x01 || (marker >= 0xD0 && marker <= 0xD8)) {
            at += 2;
            continue;
        }
        const size_t length = b.be16(at + 2);
        if (length < 2 || at + 2 + length > b.size()) {
            walk.fault = "it ends in the middle of a JPEG segment";
            return walk;
        }
        if (is_start_of_frame(marker)) {
            if (frame != 0) {
                walk.fault = "it has two JPEG frames";
                return walk;
            }
            frame = marker;
            walk.image.media_type = "image/jpeg";
            walk.image.height = int(b.be16(at + 5));
            walk.image.width = int(b.be16(at + 7));
            walk.image.channels = b.u8(at + 9) == 1 ? 1 : 3;
        } else if (marker == 0xE1 && !exif && b.has(at + 4, std::string_view("Exif\0\0", 6))) {
            exif = true;
            walk.image.orientation = exif_orientation(b.part(at + 10, length - 8));
        }
        at += 2 + length;
        if (marker != 0xDA)
            continue;
        if (frame == 0) {
            walk.fault = "it has JPEG pixels before their header";
            return walk;
        }
        if (!whole)
            return walk;
        // A progressive file of very many scans costs minutes for a few kilobytes.
        if (++scans > 200) {
            walk.fault = "it has more than 200 JPEG scans";
            return walk;
        }
        while (at + 1 < b.size()) {
            const void* next = std::memchr(bytes.data() + at, 0xFF, bytes.size() - at);
            at = next ? size_t(static_cast<const char*>(next) - bytes.data()) : bytes.size();
            const uint32_t code = b.u8(at + 1);
            if (code != 0 && (code < 0xD0 || code > 0xD7))
                break;
            at += 2;
        }
    }
    if (scans == 0 && whole) {
        walk.fault = "it has no pixels";
        return walk;
    }
    // A Huffman-coded block of 64 pixels takes a bit at least (arithmetic coding, from SOF9 on,
    // may take less).
    if (whole && frame < 0xC9
        && uint64_t(walk.image.width) * uint64_t(walk.image.height) > uint64_t(b.size()) * 512)
        walk.fault = "it is too short for the picture that its header promises";
    return walk;
}

Walk walk_webp(std::string_view bytes)
{
    const Bytes b(bytes);
    Walk walk;
    const uint64_t end = uint64_t(b.le32(4)) + 8;
    const auto size = [&](uint32_t width, uint32_t height) {
        if (walk.image.media_type.empty()) {
            walk.image.media_type = "image/webp";
            walk.image.width = int(width);
            walk.image.height = int(height);
        }
    };
    bool pixels = false;
    walk.image.channels = 3;
    for (size_t at = 12; at + 8 <= b.size() && at + 8 <= end;) {
        const std::string_view name = b.part(at, 4);
        const uint64_t length = b.le32(at + 4);
        const size_t data = at + 8;
        if (name == "VP8X") {
            size(b.le24(data + 4) + 1, b.le24(data + 7) + 1);
            if (b.u8(data) & 0x02) {
                walk.fault = "it is an animation, not a still";
                return walk;
            }
            if (b.u8(data) & 0x10)
                walk.image.channels = 4;
        } else if (name == "VP8 " && b.has(data + 3, "\x9D\x01\x2A")) {
            size(b.le16(data + 6) & 0x3FFF, b.le16(data + 8) & 0x3FFF);
            pixels = true;
        } else if (name == "VP8L" && b.u8(data) == 0x2F) {
            const uint32_t bits = b.le32(data + 1);
            size((bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1);
            if (bits >> 28 & 1)
                walk.image.channels = 4;
            pixels = true;
        } else if (name == "EXIF") {
            const size_t skip = b.has(data, std::string_view("Exif\0\0", 6)) ? 6 : 0;
            walk.image.orientation = exif_orientation(b.part(data + skip, size_t(length)));
        }
        at = data + size_t(length + (length & 1));
    }
    if (end > b.size())
        walk.fault = "it is shorter than its RIFF header says";
    else if (!pixels)
        walk.fault = "it has no pixels";
    return walk;
}

Walk walk_any(const std::string& bytes, bool whole)
{
    const Bytes b(bytes);
    Walk walk;
    if (b.has(0, "\x89PNG\r\n\x1A\n"))
        walk = walk_png(bytes, whole);
    else if (b.has(0, "\xFF\xD8\xFF"))
        walk = walk_jpeg(bytes, whole);
    else if (b.has(0, "RIFF") && b.has(8, "WEBP"))
        walk = walk_webp(bytes);
    else
        walk.fault = bytes.empty() ? "it is empty" : "it is no PNG, JPEG or WebP";
    // Orientations from 5 on swap the sides.
    if (walk.image.orientation >= 5)
        std::swap(walk.image.width, walk.image.height);
    return walk;
}

} // namespace

ImageProbe probe(const std::string& bytes)
{
    return walk_any(bytes, false).image;
}

ImageProbe check_image(const std::string& bytes, const std::string& what)
{
    const Bytes b(bytes);
    const auto damaged = [&](const std::string& why) {
        throw DamagedError(what + " is not a whole picture: " + why + " ("
                           + std::to_string(bytes.size()) + " bytes)");
    };
    Walk walk = walk_any(bytes, true);
    const ImageProbe& image = walk.image;
    if (!image.media_type.empty()) {
        const std::string size = std::to_string(image.width) + "x" + std::to_string(image.height);
        if (image.width < 1 || image.height < 1)
            damaged("its size is " + size);
        if (image.width > max_side || image.height > max_side
            || int64_t(image.width) * image.height > max_pixels)
            damaged("its size of " + size + " is over the limit of " + std::to_string(max_side)
                    + " a side and 2^28 pixels");
    }
    if (!walk.fault.empty())
        damaged(walk.fault);
    return image;
}

} // namespace klio::frames
