#include "images_support.h"

#include "base/file.h"
#include "base/sha256.h"
#include "frames/crc.h"
#include "frames/decode.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <stdlib.h>

namespace klio::test {

Folder::Folder()
{
    std::string name = (std::filesystem::temp_directory_path() / "klio-frames-XXXXXX").string();
    m_path = mkdtemp(name.data());
}

Folder::~Folder()
{
    std::error_code ignored;
    std::filesystem::remove_all(m_path, ignored);
}

void write_bytes(const std::string& path, const std::string& bytes)
{
    base::write_file_atomic(path, bytes);
}

std::string read_bytes(const std::string& path)
{
    return base::read_file(path);
}

OIIO::ImageBuf make_image(int width, int height, int channels, OIIO::TypeDesc format,
                          const std::function<double(int, int, int)>& value)
{
    OIIO::ImageBuf image(OIIO::ImageSpec(width, height, channels, format));
    std::vector<float> values(static_cast<size_t>(channels));
    for (int y = 0; y < height; ++y)
        for (int x = 0; x < width; ++x) {
            for (int c = 0; c < channels; ++c)
                values[size_t(c)] = float(value(x, y, c));
            image.setpixel(x, y, values.data());
        }
    return image;
}

std::string encode(const OIIO::ImageBuf& image, const std::string& ending)
{
    const Folder folder;
    const std::string path = folder / ("image." + ending);
    OIIO::ImageBuf copy = image;
    copy.specmod().attribute("oiio:UnassociatedAlpha", 1);
    copy.specmod().attribute("compression", ending == "jpg" ? "jpeg:95" : "lossless");
    EXPECT_TRUE(copy.write(path)) << copy.geterror();
    return read_bytes(path);
}

std::string sample(int width, int height, const std::string& ending, int channels)
{
    return encode(make_image(width, height, channels, OIIO::TypeDesc::UINT8,
                             [&](int x, int y, int c) {
                                 return 0.5 + 0.4 * std::sin(0.07 * x + 0.11 * y * (c + 1));
                             }),
                  ending);
}

namespace {

std::string be32(uint32_t value)
{
    return {char(value >> 24), char(value >> 16 & 255), char(value >> 8 & 255), char(value & 255)};
}

} // namespace

std::string png_chunk(const std::string& name, const std::string& data)
{
    return be32(uint32_t(data.size())) + name + data + be32(frames::crc32(name + data));
}

std::string make_png(int width, int height, int depth, int type, const std::string& rows,
                     const std::string& extra)
{
    const size_t row = rows.size() / size_t(height);
    std::string raw;
    for (int y = 0; y < height; ++y)
        raw += '\0' + rows.substr(row * size_t(y), row);
    return make_filtered_png(width, height, depth, type, raw, extra);
}

std::string make_filtered_png(int width, int height, int depth, int type, const std::string& raw,
                              const std::string& extra, size_t chunk)
{
    // RFC 1950 and 1951: stored blocks, and Adler's checksum.
    std::string zlib = "\x78\x01";
    for (size_t at = 0; at < raw.size(); at += 65535) {
        const size_t size = std::min<size_t>(65535, raw.size() - at);
        zlib += char(at + size == raw.size());
        for (const size_t value : {size, ~size})
            zlib += {char(value & 255), char(value >> 8 & 255)};
        zlib += raw.substr(at, size);
    }
    uint32_t a = 1, b = 0;
    for (const char c : raw) {
        a = (a + static_cast<unsigned char>(c)) % 65521;
        b = (b + a) % 65521;
    }
    zlib += be32(b << 16 | a);
    std::string header = be32(uint32_t(width)) + be32(uint32_t(height));
    header += {char(depth), char(type), 0, 0, 0};
    std::string png = "\x89PNG\r\n\x1A\n" + png_chunk("IHDR", header) + extra;
    for (size_t at = 0; at < zlib.size(); at += std::min(chunk, zlib.size()))
        png += png_chunk("IDAT", zlib.substr(at, chunk));
    return png + png_chunk("IEND", "");
}

std::string exif_orientation(int orientation)
{
    std::string exif("MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0", 19);
    exif += char(orientation);
    return exif + std::string(6, '\0');
}

std::string with_exif(const std::string& jpeg, int orientation)
{
    const std::string data = std::string("Exif\0\0", 6) + exif_orientation(orientation);
    const size_t length = data.size() + 2;
    return jpeg.substr(0, 2) + "\xFF\xE1" + char(length >> 8) + char(length & 255) + data
        + jpeg.substr(2);
}

StoredSet make_set(const Folder& folder, const std::vector<std::string>& files)
{
    StoredSet set;
    set.job = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    set.state = JobState::succeeded;
    set.endpoint = "https://apiin.one";
    set.task_id = "task-1";
    set.request.prompt = "a lighthouse at dusk";
    set.request.aspect_ratio = "16:9";
    set.request.num_images = int(files.size());
    set.request.take = 2;
    set.price_known = true;
    set.credits_at_least = 6;
    set.created_at = 1700000000;
    for (const std::string& bytes : files) {
        StoredFrame frame;
        frame.index = int(set.frames.size()) + 1;
        frame.path = folder / ("stored" + std::to_string(frame.index));
        frame.sha256 = base::sha256_hex(bytes);
        frame.bytes = bytes.size();
        const frames::ImageProbe probe = frames::probe(bytes);
        frame.media_type = probe.media_type;
        frame.width = probe.width;
        frame.height = probe.height;
        frame.channels = probe.channels;
        frame.bit_depth = probe.bit_depth;
        write_bytes(frame.path, bytes);
        set.frames.push_back(frame);
    }
    return set;
}

PrepareRecord make_record(int source_width, int source_height, double x, double y, double width,
                          double height, int prepared_width, int prepared_height)
{
    PrepareRecord record;
    record.color.source_space = "ACEScg";
    record.color.decided_by = "flag";
    record.source_width = source_width;
    record.source_height = source_height;
    record.crop_x = x;
    record.crop_y = y;
    record.crop_width = width;
    record.crop_height = height;
    record.width = prepared_width;
    record.height = prepared_height;
    return record;
}

float pixel(const OIIO::ImageBuf& image, int x, int y, int c)
{
    return image.getchannel(x, y, 0, c);
}

} // namespace klio::test
