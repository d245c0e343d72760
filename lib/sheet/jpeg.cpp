#include "sheet/jpeg.h"

#include "sheet/layout.h"
#include "sheet/resample.h"

#include <klio/error.h>

#include <csetjmp>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <jpeglib.h>
#include <memory>

namespace klio::sheet {

namespace {

struct ErrorManager {
    jpeg_error_mgr base;
    std::jmp_buf jump;
    char message[JMSG_LENGTH_MAX];
};

[[noreturn]] void on_error(j_common_ptr info)
{
    auto* manager = reinterpret_cast<ErrorManager*>(info->err);
    info->err->format_message(info, manager->message);
    std::longjmp(manager->jump, 1);
}

// A warning means that data were missing or corrupt and grey was put in their place.
void on_message(j_common_ptr info, int level)
{
    if (level < 0)
        on_error(info);
}

int exif_orientation(const jpeg_saved_marker_ptr marker)
{
    const unsigned char* data = marker->data;
    const size_t size = marker->data_length;
    if (size < 14 || std::memcmp(data, "Exif\0\0", 6) != 0)
        return 1;
    const unsigned char* tiff = data + 6;
    const size_t length = size - 6;
    const bool little = tiff[0] == 'I';
    const auto u16 = [&](size_t at) -> unsigned {
        if (at + 2 > length)
            return 0;
        return little ? tiff[at] | tiff[at + 1] << 8 : tiff[at] << 8 | tiff[at + 1];
    };
    const auto u32 = [&](size_t at) -> size_t {
        return little ? u16(at) | size_t(u16(at + 2)) << 16 : size_t(u16(at)) << 16 | u16(at + 2);
    };
    const size_t directory = u32(4);
    const unsigned entries = u16(directory);
    for (unsigned i = 0; i < entries && directory + 14 + 12 * size_t(i) <= length; ++i)
        if (u16(directory + 2 + 12 * size_t(i)) == 0x0112) {
            const unsigned value = u16(directory + 2 + 12 * size_t(i) + 8);
            return value >= 1 && value <= 8 ? int(value) : 1;
        }
    return 1;
}

bool foreign_profile(const jpeg_saved_marker_ptr marker)
{
    if (marker->data_length < 14 || std::memcmp(marker->data, "ICC_PROFILE", 12) != 0)
        return false;
    // The description of every sRGB profile in use has the word in it, in ASCII or UTF-16.
    const std::string profile(reinterpret_cast<const char*>(marker->data), marker->data_length);
    return profile.find("sRGB") == std::string::npos
        && profile.find(std::string("s\0R\0G\0B", 7)) == std::string::npos;
}

} // namespace

bool load_jpeg(const std::string& bytes, const std::string& path, int box_width, int box_height,
               Picture& picture)
{
    jpeg_decompress_struct info;
    ErrorManager manager;
    info.err = jpeg_std_error(&manager.base);
    manager.base.error_exit = on_error;
    manager.base.emit_message = on_message;
    manager.message[0] = 0;
    // Made before setjmp(): what is made behind it would not be destroyed by a jump.
    std::unique_ptr<RowResampler> resampler;
    std::vector<uint8_t> row;
    bool taken = false;
    jpeg_create_decompress(&info);
    const auto ended = std::unique_ptr<jpeg_decompress_struct, void (*)(jpeg_decompress_struct*)>(
        &info, jpeg_destroy_decompress);
    if (setjmp(manager.jump))
        throw ReferenceError("can't read \"" + path + "\": the JPEG is broken or cut short ("
                             + manager.message + ")");

    jpeg_save_markers(&info, JPEG_APP0 + 1, 0xFFFF);
    jpeg_save_markers(&info, JPEG_APP0 + 2, 0xFFFF);
    jpeg_mem_src(&info, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
    jpeg_read_header(&info, TRUE);
    int orientation = 1;
    bool simple = info.jpeg_color_space == JCS_YCbCr || info.jpeg_color_space == JCS_GRAYSCALE
        || info.jpeg_color_space == JCS_RGB;
    for (jpeg_saved_marker_ptr marker = info.marker_list; marker; marker = marker->next) {
        if (marker->marker == JPEG_APP0 + 1 && orientation == 1)
            orientation = exif_orientation(marker);
        else if (marker->marker == JPEG_APP0 + 2)
            simple = simple && !foreign_profile(marker);
    }
    if (simple) {
        const bool turned = orientation >= 5;
        int width = 0, height = 0;
        fit_size(turned ? info.image_height : info.image_width,
                 turned ? info.image_width : info.image_height, box_width, box_height, width,
                 height);
        if (turned)
            std::swap(width, height);
        info.out_color_space = JCS_RGB;
        info.scale_denom = 8;
        // 1/8, 1/4, 1/2 have fast transforms of their own; those between cost more than the whole.
        for (const unsigned scale : {1u, 2u, 4u, 8u}) {
            info.scale_num = scale;
            jpeg_calc_output_dimensions(&info);
            if (int(info.output_width) >= width && int(info.output_height) >= height)
                break;
        }
        jpeg_start_decompress(&info);
        picture.width = width;
        picture.height = height;
        picture.pixels.resize(size_t(width) * size_t(height) * 3);
        row.resize(size_t(info.output_width) * 3);
        resampler = std::make_unique<RowResampler>(
            int(info.output_width), int(info.output_height), width, height, 3, Kernel::lanczos2,
            [&picture](int y, const float* values) {
                to_bytes(values, picture.width * 3,
                         &picture.pixels[size_t(y) * size_t(picture.width) * 3]);
            });
        while (info.output_scanline < info.output_height) {
            JSAMPROW pointer = row.data();
            jpeg_read_scanlines(&info, &pointer, 1);
            resampler->push(row.data());
        }
        jpeg_finish_decompress(&info);
        turn_upright(picture, orientation);
        taken = true;
    }
    return taken;
}

std::string encode_jpeg(const Picture& picture, int quality)
{
    jpeg_compress_struct info;
    ErrorManager manager;
    info.err = jpeg_std_error(&manager.base);
    manager.base.error_exit = on_error;
    manager.message[0] = 0;
    unsigned char* buffer = nullptr;
    unsigned long size = 0;
    jpeg_create_compress(&info);
    if (setjmp(manager.jump)) {
        const std::string reason = manager.message;
        jpeg_destroy_compress(&info);
        std::free(buffer);
        throw_error(ErrorKind::internal, "can't encode a preview: " + reason);
    }
    jpeg_mem_dest(&info, &buffer, &size);
    info.image_width = JDIMENSION(picture.width);
    info.image_height = JDIMENSION(picture.height);
    info.input_components = 3;
    info.in_color_space = JCS_RGB;
    jpeg_set_defaults(&info);
    info.optimize_coding = TRUE;
    jpeg_set_quality(&info, quality, TRUE);
    jpeg_start_compress(&info, TRUE);
    while (info.next_scanline < info.image_height) {
        // libjpeg's row pointers are not const, though it only reads them.
        JSAMPROW row = const_cast<JSAMPROW>(
            &picture.pixels[size_t(info.next_scanline) * size_t(picture.width) * 3]);
        jpeg_write_scanlines(&info, &row, 1);
    }
    jpeg_finish_compress(&info);
    std::string bytes(reinterpret_cast<const char*>(buffer), size);
    jpeg_destroy_compress(&info);
    std::free(buffer);
    return bytes;
}

} // namespace klio::sheet
