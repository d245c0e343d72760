#include "frames/codec.h"

#include <csetjmp>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <new>

#include <jerror.h>
#include <jpeglib.h>

namespace klio::frames {

namespace {

struct ErrorManager {
    jpeg_error_mgr base;
    jmp_buf jump;
    bool in_pixels;
    char text[JMSG_LENGTH_MAX];
};

[[noreturn]] void stop(j_common_ptr info)
{
    auto* manager = reinterpret_cast<ErrorManager*>(info->err);
    (*info->err->format_message)(info, manager->text);
    longjmp(manager->jump, 1);
}

void message(j_common_ptr info, int level)
{
    // Bytes too many between header segments, and an Adobe marker that libjpeg does not know, harm
    // no pixel.
    const auto* manager = reinterpret_cast<ErrorManager*>(info->err);
    const int code = info->err->msg_code;
    const bool harmless
        = code == JWRN_ADOBE_XFORM || (code == JWRN_EXTRANEOUS_DATA && !manager->in_pixels);
    if (level < 0 && !harmless)
        stop(info);
}

// Adobe's CMYK is stored inverted, so that a sample is how much light is left.
void cmyk_to_rgb(const unsigned char* in, unsigned char* out, int width, bool inverted)
{
    for (int x = 0; x < width; ++x, in += 4, out += 3) {
        const int k = inverted ? in[3] : 255 - in[3];
        for (int c = 0; c < 3; ++c)
            out[c] = static_cast<unsigned char>(((inverted ? in[c] : 255 - in[c]) * k + 127) / 255);
    }
}

// What must outlive a longjmp stands here, outside of the function that sets it.
struct Reader {
    jpeg_decompress_struct info;
    ErrorManager errors;
    unsigned char* row = nullptr;
    JOCTET* icc = nullptr;
    ~Reader()
    {
        jpeg_destroy_decompress(&info);
        std::free(row);
        std::free(icc);
    }
};

bool read_header(Reader& reader, const std::string& bytes, unsigned& icc_length)
{
    if (setjmp(reader.errors.jump))
        return false;
    jpeg_decompress_struct& info = reader.info;
    jpeg_mem_src(&info, reinterpret_cast<const unsigned char*>(bytes.data()),
                 static_cast<unsigned long>(bytes.size()));
    jpeg_save_markers(&info, JPEG_APP0 + 2, 0xFFFF);
    jpeg_read_header(&info, TRUE);
    if (info.jpeg_color_space == JCS_CMYK || info.jpeg_color_space == JCS_YCCK)
        info.out_color_space = JCS_CMYK;
    else
        info.out_color_space = info.num_components == 1 ? JCS_GRAYSCALE : JCS_RGB;
    if (!jpeg_read_icc_profile(&info, &reader.icc, &icc_length))
        icc_length = 0;
    jpeg_calc_output_dimensions(&info);
    return true;
}

bool read_pixels(Reader& reader, unsigned char* pixels, size_t stride)
{
    if (setjmp(reader.errors.jump))
        return false;
    jpeg_decompress_struct& info = reader.info;
    jpeg_start_decompress(&info);
    reader.errors.in_pixels = true;
    while (info.output_scanline < info.output_height) {
        unsigned char* out = pixels + stride * info.output_scanline;
        JSAMPROW row = reader.row ? reader.row : out;
        if (jpeg_read_scanlines(&info, &row, 1) != 1)
            ERREXIT(&info, JERR_INPUT_EOF);
        if (reader.row)
            cmyk_to_rgb(reader.row, out, int(info.output_width), info.saw_Adobe_marker);
    }
    jpeg_finish_decompress(&info);
    return true;
}

} // namespace

bool decode_jpeg(const std::string& bytes, Decoded& decoded, std::string& fault)
{
    Reader reader {};
    reader.info.err = jpeg_std_error(&reader.errors.base);
    reader.errors.base.error_exit = stop;
    reader.errors.base.emit_message = message;
    reader.errors.base.output_message = [](j_common_ptr) {};
    if (setjmp(reader.errors.jump)) {
        fault = reader.errors.text;
        return false;
    }
    jpeg_create_decompress(&reader.info);

    unsigned icc_length = 0;
    if (!read_header(reader, bytes, icc_length)) {
        fault = reader.errors.text;
        return false;
    }
    const OIIO::ImageSpec spec(int(reader.info.output_width), int(reader.info.output_height),
                               reader.info.out_color_space == JCS_GRAYSCALE ? 1 : 3,
                               OIIO::TypeDesc::UINT8);
    decoded.image.reset(spec, OIIO::InitializePixels::No);
    if (!decoded.image.localpixels())
        throw std::bad_alloc();
    if (icc_length > 0)
        decoded.icc.assign(reinterpret_cast<const char*>(reader.icc), icc_length);
    if (reader.info.out_color_space == JCS_CMYK)
        reader.row = static_cast<unsigned char*>(std::malloc(size_t(spec.width) * 4));
    if (!read_pixels(reader, static_cast<unsigned char*>(decoded.image.localpixels()),
                     spec.scanline_bytes())) {
        fault = reader.errors.text;
        return false;
    }
    return true;
}

} // namespace klio::frames
