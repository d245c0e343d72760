#include "prepare/encode.h"

#include <klio/error.h>

#include <algorithm>
#include <csetjmp>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include <jpeglib.h>
#include <png.h>

namespace klio::prep {

namespace {

struct JpegFailure {
    jpeg_error_mgr manager;
    std::jmp_buf jump;
    char message[JMSG_LENGTH_MAX];
};

void fail_jpeg(j_common_ptr info)
{
    auto* failure = reinterpret_cast<JpegFailure*>(info->err);
    failure->manager.format_message(info, failure->message);
    std::longjmp(failure->jump, 1);
}

} // namespace

std::string encode_jpeg(const Picture& picture, int quality)
{
    jpeg_compress_struct info {};
    JpegFailure failure {};
    info.err = jpeg_std_error(&failure.manager);
    failure.manager.error_exit = fail_jpeg;
    unsigned char* buffer = nullptr;
    unsigned long size = 0;
    if (setjmp(failure.jump)) {
        jpeg_destroy_compress(&info);
        std::free(buffer);
        throw Error(ErrorKind::internal, std::string("a JPEG can't be made: ") + failure.message);
    }
    jpeg_create_compress(&info);
    jpeg_mem_dest(&info, &buffer, &size);
    info.image_width = unsigned(picture.width);
    info.image_height = unsigned(picture.height);
    info.input_components = 3;
    info.in_color_space = JCS_RGB;
    jpeg_set_defaults(&info);
    jpeg_set_quality(&info, quality, TRUE);
    info.comp_info[0].h_samp_factor = info.comp_info[0].v_samp_factor = 1;
    jpeg_start_compress(&info, TRUE);
    while (info.next_scanline < info.image_height) {
        JSAMPROW row = const_cast<JSAMPROW>(picture.row(int(info.next_scanline)));
        jpeg_write_scanlines(&info, &row, 1);
    }
    jpeg_finish_compress(&info);
    jpeg_destroy_compress(&info);
    std::string bytes(reinterpret_cast<char*>(buffer), size);
    std::free(buffer);
    return bytes;
}

namespace {

void append_png(png_structp png, png_bytep data, png_size_t size)
{
    static_cast<std::string*>(png_get_io_ptr(png))->append(reinterpret_cast<char*>(data), size);
}

void flush_png(png_structp)
{
}

void quiet_png(png_structp, png_const_charp)
{
}

} // namespace

std::string encode_png(const Picture& picture)
{
    std::string bytes;
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, nullptr, nullptr, quiet_png);
    png_infop info = png ? png_create_info_struct(png) : nullptr;
    if (!info || setjmp(png_jmpbuf(png))) {
        png_destroy_write_struct(&png, &info);
        throw Error(ErrorKind::internal, "a PNG can't be made");
    }
    png_set_write_fn(png, &bytes, append_png, flush_png);
    png_set_IHDR(png, info, png_uint_32(picture.width), png_uint_32(picture.height), 8,
                 PNG_COLOR_TYPE_RGB, PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT,
                 PNG_FILTER_TYPE_DEFAULT);
    png_set_compression_level(png, 6);
    png_write_info(png, info);
    for (int y = 0; y < picture.height; ++y)
        png_write_row(png, picture.row(y));
    png_write_end(png, nullptr);
    png_destroy_write_struct(&png, &info);
    return bytes;
}

bool is_flat_graphics(const Picture& picture)
{
    // Photographs have tens of thousands of colours, grey ones few but no even areas.
    constexpr size_t most_colors = 4096;
    constexpr double even_share = 0.6;
    std::vector<bool> seen(size_t(1) << 24, false);
    size_t colors = 0, even = 0, pairs = 0;
    const int step = std::max(1, picture.height / 512);
    for (int y = 0; y < picture.height; y += step) {
        const unsigned char* pixel = picture.row(y);
        unsigned before = ~0u;
        for (int x = 0; x < picture.width; ++x, pixel += 3) {
            const unsigned color = unsigned(pixel[0]) << 16 | unsigned(pixel[1]) << 8 | pixel[2];
            if (x > 0) {
                ++pairs;
                even += color == before;
            }
            if (color != before && !seen[color]) {
                seen[color] = true;
                if (++colors > most_colors)
                    return false;
            }
            before = color;
        }
    }
    return pairs > 0 && double(even) >= even_share * double(pairs);
}

Encoded encode(const Picture& picture, const std::string& codec, int quality, size_t max_bytes)
{
    Encoded out;
    if (codec == "png" || (codec.empty() && is_flat_graphics(picture))) {
        out.bytes = encode_png(picture);
        out.codec = "png";
        if (out.bytes.size() <= max_bytes)
            return out;
        out.warning = "a PNG of it would have " + std::to_string(out.bytes.size())
            + " bytes, more than the model takes, so it is a JPEG";
    }
    out.codec = "jpeg";
    for (out.quality = quality;; out.quality = std::max(1, out.quality - 5)) {
        out.bytes = encode_jpeg(picture, out.quality);
        if (out.bytes.size() <= max_bytes)
            break;
        if (out.quality == 1)
            throw ReferenceError("a JPEG of it stays above " + std::to_string(max_bytes)
                                 + " bytes at every quality; ask for 1k");
    }
    if (out.quality != quality)
        out.warning += (out.warning.empty() ? "" : "; ") + std::string("JPEG quality lowered to ")
            + std::to_string(out.quality) + " to keep within the model's "
            + std::to_string(max_bytes) + " bytes";
    return out;
}

} // namespace klio::prep
