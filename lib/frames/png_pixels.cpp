#include "frames/png_pixels.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string_view>
#include <vector>

#include <libdeflate.h>

namespace klio::frames {

namespace {

typedef uint8_t Byte8 __attribute__((vector_size(8)));
typedef int16_t Short8 __attribute__((vector_size(16)));

// One pixel, a lane a byte. Of a pixel of fewer bytes the upper lanes have what comes after it, and
// mean nothing.
template <int Bytes> Short8 load(const uint8_t* pixel)
{
    constexpr size_t read = Bytes <= 4 ? 4 : 8;
    Byte8 bytes = {};
    std::memcpy(&bytes, pixel, read);
    return __builtin_convertvector(bytes, Short8);
}

template <int Bytes> void store(uint8_t* pixel, Short8 lanes)
{
    const Byte8 bytes = __builtin_convertvector(lanes, Byte8);
    std::memcpy(pixel, &bytes, Bytes);
}

Short8 select(Short8 mask, Short8 yes, Short8 no)
{
    return (mask & yes) | (~mask & no);
}

Short8 absolute(Short8 v)
{
    return select(v < 0, -v, v);
}

// The filters of the PNG specification (W3C PNG, 9.2). A row depends on the pixel to its left, so
// what can be done at once are a pixel's bytes. Rows may be read up to 7 bytes past their ends, and
// are written to their ends alone.

template <int Bytes> void undo_sub(uint8_t* row, int width)
{
    Short8 left = {};
    for (int x = 0; x < width; ++x, row += Bytes) {
        left = (left + load<Bytes>(row)) & 0xff;
        store<Bytes>(row, left);
    }
}

void undo_up(const uint8_t* above, uint8_t* row, size_t count)
{
    for (size_t i = 0; i < count; ++i)
        row[i] = uint8_t(row[i] + above[i]);
}

template <int Bytes> void undo_average(const uint8_t* above, uint8_t* row, int width)
{
    Short8 left = {};
    for (int x = 0; x < width; ++x, row += Bytes, above += Bytes) {
        left = (load<Bytes>(row) + ((left + load<Bytes>(above)) >> 1)) & 0xff;
        store<Bytes>(row, left);
    }
}

template <int Bytes> void undo_paeth(const uint8_t* above, uint8_t* row, int width)
{
    Short8 left = {}, corner = {};
    for (int x = 0; x < width; ++x, row += Bytes, above += Bytes) {
        const Short8 up = load<Bytes>(above);
        const Short8 to_left = up - corner;
        const Short8 to_up = left - corner;
        const Short8 far_left = absolute(to_left);
        const Short8 far_up = absolute(to_up);
        const Short8 far_corner = absolute(to_left + to_up);
        // Ties go to the left, then to above.
        const Short8 predicted = select((far_left <= far_up) & (far_left <= far_corner), left,
                                        select(far_up <= far_corner, up, corner));
        left = (load<Bytes>(row) + predicted) & 0xff;
        corner = up;
        store<Bytes>(row, left);
    }
}

// In place: each row stands behind its filter's number.
template <int Bytes> bool undo_filters(uint8_t* rows, int width, int height)
{
    const size_t row = size_t(width) * Bytes;
    const std::vector<uint8_t> nothing(row + 8);
    const uint8_t* above = nothing.data();
    for (int y = 0; y < height; ++y, rows += row + 1) {
        uint8_t* pixels = rows + 1;
        switch (rows[0]) {
        case 0:
            break;
        case 1:
            undo_sub<Bytes>(pixels, width);
            break;
        case 2:
            undo_up(above, pixels, row);
            break;
        case 3:
            undo_average<Bytes>(above, pixels, width);
            break;
        case 4:
            undo_paeth<Bytes>(above, pixels, width);
            break;
        default:
            return false;
        }
        // Where it is read past its end, there is the row that comes next.
        above = pixels;
    }
    return true;
}

uint32_t be32(const std::string& bytes, size_t at)
{
    uint32_t value = 0;
    for (size_t i = at; i < at + 4; ++i)
        value = value << 8 | static_cast<unsigned char>(bytes[i]);
    return value;
}

// The compressed pixels: where they stand, or, where they come in several chunks, put together in
// `joined`. Empty where the file is not of the common kind.
std::string_view pixel_data(const std::string& bytes, std::string& joined)
{
    const std::string_view all = bytes;
    std::vector<std::string_view> parts;
    size_t total = 0;
    bool over = false;
    for (size_t at = 8; at + 12 <= all.size();) {
        const size_t length = be32(bytes, at);
        if (length > all.size() - at - 12)
            return {};
        const std::string_view name = all.substr(at + 4, 4);
        if (name == "IEND")
            break;
        const bool critical = name[0] >= 'A' && name[0] <= 'Z';
        const bool first = at == 8;
        if (name == "tRNS" || (critical && name != "IDAT" && (name != "IHDR" || !first)))
            return {};
        if (name == "IDAT") {
            if (over)
                return {};
            parts.push_back(all.substr(at + 8, length));
            total += length;
        } else {
            over = !parts.empty();
        }
        at += 12 + length;
    }
    if (parts.size() == 1)
        return parts[0];
    joined.reserve(total);
    for (const std::string_view part : parts)
        joined += part;
    return joined;
}

bool undo_filters(uint8_t* rows, int pixel_bytes, int width, int height)
{
    switch (pixel_bytes) {
    case 3:
        return undo_filters<3>(rows, width, height);
    case 4:
        return undo_filters<4>(rows, width, height);
    case 6:
        return undo_filters<6>(rows, width, height);
    case 8:
        return undo_filters<8>(rows, width, height);
    default:
        return false;
    }
}

// From the file's big-endian order to the machine's.
void swap_samples(uint8_t* row, size_t samples)
{
    for (size_t i = 0; i < samples; ++i, row += 2) {
        const auto value = uint16_t(row[0] << 8 | row[1]);
        std::memcpy(row, &value, 2);
    }
}

} // namespace

bool read_png_pixels(const std::string& bytes, const PngLayout& layout, PngPixels& pixels)
{
    std::string joined;
    const std::string_view packed = pixel_data(bytes, joined);
    if (packed.empty())
        return false;
    const int pixel_bytes = layout.channels * layout.bit_depth / 8;
    const size_t stride = size_t(layout.width) * size_t(pixel_bytes) + 1;
    const size_t size = stride * size_t(layout.height);
    std::unique_ptr<uint8_t, PngPixels::Free> rows(static_cast<uint8_t*>(std::malloc(size + 8)));
    const std::unique_ptr<libdeflate_decompressor, decltype(&libdeflate_free_decompressor)>
        inflater(libdeflate_alloc_decompressor(), libdeflate_free_decompressor);
    // Short data fails here for want of output, long data for want of room.
    if (!rows || !inflater
        || libdeflate_zlib_decompress(inflater.get(), packed.data(), packed.size(), rows.get(),
                                      size, nullptr)
            != LIBDEFLATE_SUCCESS
        || !undo_filters(rows.get(), pixel_bytes, layout.width, layout.height))
        return false;
    if (layout.bit_depth == 16)
        for (int y = 0; y < layout.height; ++y)
            swap_samples(rows.get() + size_t(y) * stride + 1,
                         size_t(layout.width) * size_t(layout.channels));
    pixels.memory = std::move(rows);
    pixels.first = pixels.memory.get() + 1;
    pixels.stride = stride;
    return true;
}

} // namespace klio::frames
