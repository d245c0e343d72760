#include "sheet/jpeg.h"

#include "sheet/quick_resample.h"

#include <klio/error.h>

#include <csetjmp>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <jpeglib.h>
#include <memory>
#include <vector>

namespace klio::sheet {

namespace {

struct ErrorManager {
    jpeg_error_mgr base;
    std::jmp_buf jump;
    char message[JMSG_LENGTH_MAX];
};

void on_error(j_common_ptr info)
{
    auto* manager = reinterpret_cast<ErrorManager*>(info->err);
    info->err->format_message(info, manager->message);
    std::longjmp(manager->jump, 1);
}

// A warning means that data were missing, and grey was put in their place.
void on_message(j_common_ptr info, int level)
{
    if (level < 0)
        on_error(info);
}

using File = std::unique_ptr<std::FILE, int (*)(std::FILE*)>;

} // namespace

bool quick_jpeg(const std::string& path, Picture& picture)
{
    jpeg_decompress_struct info;
    ErrorManager manager;
    info.err = jpeg_std_error(&manager.base);
    manager.base.error_exit = on_error;
    manager.base.emit_message = on_message;
    const File file(std::fopen(path.c_str(), "rbe"), std::fclose);
    if (!file)
        return false;
    // All that allocates is made before setjmp(), since a jump destroys nothing made behind it.
    std::unique_ptr<QuickResampler> resampler;
    std::vector<JSAMPLE> row;
    jpeg_create_decompress(&info);
    const std::unique_ptr<jpeg_decompress_struct, void (*)(jpeg_decompress_struct*)> ended(
        &info, jpeg_destroy_decompress);
    if (setjmp(manager.jump))
        return false;
    jpeg_stdio_src(&info, file.get());
    jpeg_read_header(&info, TRUE);
    info.out_color_space = JCS_EXT_RGBX;
    info.scale_denom = 8;
    // 1/8, 1/4 and 1/2 have fast transforms of their own; those between cost more than the whole.
    for (const unsigned scale : {1u, 2u, 4u, 8u}) {
        info.scale_num = scale;
        jpeg_calc_output_dimensions(&info);
        if (int(info.output_width) >= picture.width && int(info.output_height) >= picture.height)
            break;
    }
    jpeg_start_decompress(&info);
    row.resize(size_t(info.output_width) * 4);
    resampler = std::make_unique<QuickResampler>(
        int(info.output_width), int(info.output_height), picture.width, picture.height,
        [&picture](int y, const uint8_t* rgb) {
            std::memcpy(picture.row(y), rgb, size_t(picture.width) * 3);
        });
    while (info.output_scanline < info.output_height) {
        JSAMPROW pointer = row.data();
        jpeg_read_scanlines(&info, &pointer, 1);
        resampler->push(row.data());
    }
    jpeg_finish_decompress(&info);
    return true;
}

std::string preview_jpeg(const Picture& picture, int quality)
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
        JSAMPROW row = const_cast<JSAMPROW>(picture.row(int(info.next_scanline)));
        jpeg_write_scanlines(&info, &row, 1);
    }
    jpeg_finish_compress(&info);
    std::string bytes(reinterpret_cast<const char*>(buffer), size);
    jpeg_destroy_compress(&info);
    std::free(buffer);
    return bytes;
}

} // namespace klio::sheet
