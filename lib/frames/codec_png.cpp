#include "frames/codec.h"
#include "frames/decode.h"
#include "frames/png_pixels.h"

#include <png.h>

#include <algorithm>
#include <cstring>
#include <new>
#include <vector>

namespace klio::frames {

namespace {

// What must outlive libpng's longjmp stands here, outside of the function that sets it.
struct Reader {
    png_structp png = nullptr;
    png_infop info = nullptr;
    const std::string* bytes = nullptr;
    size_t at = 0;
    bool interlaced = false;
    bool truecolor = false; ///< of 8 or 16 bits, and nothing else
    std::string fault;
    ~Reader() { png_destroy_read_struct(&png, &info, nullptr); }
};

[[noreturn]] void stop(png_structp png, png_const_charp message)
{
    static_cast<Reader*>(png_get_error_ptr(png))->fault = message;
    png_longjmp(png, 1);
}

void read(png_structp png, png_bytep out, size_t count)
{
    auto* reader = static_cast<Reader*>(png_get_io_ptr(png));
    if (count > reader->bytes->size() - reader->at)
        png_error(png, "it ends early");
    std::memcpy(out, reader->bytes->data() + reader->at, count);
    reader->at += count;
}

bool read_header(Reader& reader)
{
    png_structp png = reader.png;
    if (setjmp(png_jmpbuf(png)))
        return false;
    png_set_read_fn(png, &reader, read);
    png_set_user_limits(png, max_side, max_side);
    // check_image() has compared every checksum.
    png_set_crc_action(png, PNG_CRC_QUIET_USE, PNG_CRC_QUIET_USE);
    png_read_info(png, reader.info);
    reader.truecolor
        = (png_get_color_type(png, reader.info) & ~PNG_COLOR_MASK_ALPHA) == PNG_COLOR_TYPE_RGB;
    png_set_expand(png); // palettes, fewer than 8 bits, transparent colours
    const uint16_t one = 1;
    if (*reinterpret_cast<const unsigned char*>(&one) == 1)
        png_set_swap(png);
    reader.interlaced = png_set_interlace_handling(png) > 1;
    png_read_update_info(png, reader.info);
    return true;
}

bool read_pixels(Reader& reader, png_bytepp rows, int height)
{
    if (setjmp(png_jmpbuf(reader.png)))
        return false;
    if (reader.interlaced)
        png_read_image(reader.png, rows);
    else
        for (int y = 0; y < height; ++y)
            png_read_row(reader.png, rows[y], nullptr);
    png_read_end(reader.png, nullptr);
    return true;
}

} // namespace

bool decode_png(const std::string& bytes, Decoded& decoded, std::string& fault)
{
    Reader reader;
    reader.bytes = &bytes;
    reader.png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &reader, stop,
                                        [](png_structp, png_const_charp) {});
    reader.info = reader.png ? png_create_info_struct(reader.png) : nullptr;
    if (!reader.info)
        throw std::bad_alloc();
    if (!read_header(reader)) {
        fault = reader.fault;
        return false;
    }
    const int width = int(png_get_image_width(reader.png, reader.info));
    const int height = int(png_get_image_height(reader.png, reader.info));
    const int channels = png_get_channels(reader.png, reader.info);
    const bool wide = png_get_bit_depth(reader.png, reader.info) == 16;
    const OIIO::ImageSpec spec(width, height, channels,
                               wide ? OIIO::TypeDesc::UINT16 : OIIO::TypeDesc::UINT8);
    decoded.image.reset(spec, OIIO::InitializePixels::No);
    if (!decoded.image.localpixels()
        || png_get_rowbytes(reader.png, reader.info) != spec.scanline_bytes())
        throw std::bad_alloc();
    png_charp name = nullptr;
    int method = 0;
    png_bytep profile = nullptr;
    png_uint_32 length = 0;
    if (png_get_iCCP(reader.png, reader.info, &name, &method, &profile, &length))
        decoded.icc.assign(reinterpret_cast<const char*>(profile), length);

    PngPixels pixels;
    if (reader.truecolor && !reader.interlaced
        && read_png_pixels(bytes, {width, height, channels, wide ? 16 : 8}, pixels)) {
        for (int y = 0; y < height; ++y)
            std::memcpy(decoded.image.pixeladdr(0, y), pixels.first + size_t(y) * pixels.stride,
                        spec.scanline_bytes());
        return true;
    }

    std::vector<png_bytep> rows;
    for (int y = 0; y < height; ++y)
        rows.push_back(static_cast<png_bytep>(decoded.image.pixeladdr(0, y)));
    if (!read_pixels(reader, rows.data(), height)) {
        fault = reader.fault;
        return false;
    }
    return true;
}

} // namespace klio::frames
