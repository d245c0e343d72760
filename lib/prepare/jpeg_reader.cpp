#include "prepare/exif.h"
#include "prepare/pixels.h"
#include "prepare/reader.h"

#include <klio/error.h>

#include <algorithm>
#include <cerrno>
#include <csetjmp>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include <jerror.h>
#include <jpeglib.h>

namespace klio::prep {

namespace {

struct Errors {
    jpeg_error_mgr manager;
    std::jmp_buf jump;
    char message[JMSG_LENGTH_MAX];
    bool damaged;
};

void fail(j_common_ptr info)
{
    auto* errors = reinterpret_cast<Errors*>(info->err);
    errors->manager.format_message(info, errors->message);
    std::longjmp(errors->jump, 1);
}

// libjpeg goes on after broken data and makes something up; some warnings are harmless, these say
// that pixels are missing.
void note(j_common_ptr info, int level)
{
    auto* errors = reinterpret_cast<Errors*>(info->err);
    if (level >= 0 || errors->damaged)
        return;
    switch (info->err->msg_code) {
    case JWRN_EXTRANEOUS_DATA:
    case JWRN_ADOBE_XFORM:
    case JWRN_BOGUS_ICC:
    case JWRN_JFIF_MAJOR:
        return;
    default:
        break;
    }
    errors->manager.format_message(info, errors->message);
    errors->damaged = true;
}

// A file whose every scan is a few bytes of progressive refinement can cost hours; no encoder makes
// more than a dozen or so.
constexpr int max_scans = 200;

struct ScanLimit {
    jpeg_progress_mgr manager;
};

void check_scans(j_common_ptr info)
{
    if (info->is_decompressor
        && reinterpret_cast<j_decompress_ptr>(info)->input_scan_number > max_scans) {
        auto* errors = reinterpret_cast<Errors*>(info->err);
        std::snprintf(errors->message, sizeof errors->message, "it has more than %d scans",
                      max_scans);
        std::longjmp(errors->jump, 1);
    }
}

// Owns what libjpeg and stdio must give back, since a constructor that throws runs no destructor.
struct Handle {
    jpeg_decompress_struct jpeg {};
    std::FILE* file = nullptr;
    ~Handle()
    {
        jpeg_destroy_decompress(&jpeg);
        if (file)
            std::fclose(file);
    }
};

class JpegReader : public Reader {
public:
    explicit JpegReader(const Source& source) : m_name(source.name)
    {
        m_info.format = "jpeg";
        jpeg_decompress_struct& info = m_jpeg;
        info.err = jpeg_std_error(&m_errors.manager);
        m_errors.manager.error_exit = fail;
        m_errors.manager.emit_message = note;
        m_errors.damaged = false;
        if (!source.bytes) {
            m_file = std::fopen(source.name.c_str(), "rbe");
            if (!m_file)
                throw ReferenceError(source.name + ": can't be opened (" + std::strerror(errno)
                                     + ")");
        }
        jpeg_create_decompress(&info);
        if (setjmp(m_errors.jump))
            broken();
        if (source.bytes)
            jpeg_mem_src(&info, reinterpret_cast<const unsigned char*>(source.bytes->data()),
                         source.bytes->size());
        else
            jpeg_stdio_src(&info, m_file);
        m_limit.manager.progress_monitor = check_scans;
        info.progress = &m_limit.manager;
        jpeg_save_markers(&info, JPEG_APP0 + 1, 0xFFFF);
        jpeg_save_markers(&info, JPEG_APP0 + 2, 0xFFFF);
        jpeg_read_header(&info, TRUE);
        const double size = byte_count(source);
        check(size);
        check_end(source, size_t(size));
        read_metadata();
        info.out_color_space = info.num_components == 4 ? JCS_CMYK
            : info.num_components == 1                  ? JCS_GRAYSCALE
                                                        : JCS_RGB;
        m_info.cmyk = info.num_components == 4;
        m_width = m_info.width;
        m_height = m_info.height;
    }

    double reduce(double shrink) override
    {
        if (setjmp(m_errors.jump))
            broken();
        // libjpeg's fast sizes; what is left for the resampler stays at least 1.5 times, so that
        // its filter, not the DCT's, gives the picture its sharpness.
        m_jpeg.scale_num = m_jpeg.scale_denom = 8;
        while (m_jpeg.scale_num > 1 && shrink * m_jpeg.scale_num / 16 >= 1.5)
            m_jpeg.scale_num /= 2;
        jpeg_calc_output_dimensions(&m_jpeg);
        m_width = int(m_jpeg.output_width);
        m_height = int(m_jpeg.output_height);
        return m_jpeg.scale_num / 8.0;
    }

    void begin(int x_begin, int x_end, int y_begin, int y_end, bool, int) override
    {
        (void)y_end;
        if (setjmp(m_errors.jump))
            broken();
        m_jpeg.dct_method = JDCT_ISLOW;
        jpeg_start_decompress(&m_jpeg);
        m_skip = x_begin;
        m_columns = x_end - x_begin;
        // Whole columns of blocks that no output needs are not transformed. The chroma at the new
        // edges has one neighbour less, so some more are kept.
        constexpr int margin = 32;
        JDIMENSION left = JDIMENSION(std::max(0, x_begin - margin));
        JDIMENSION width = JDIMENSION(std::min(m_width, x_end + margin)) - left;
        if (width < m_jpeg.output_width && !jpeg_has_multiple_scans(&m_jpeg)) {
            jpeg_crop_scanline(&m_jpeg, &left, &width);
            m_skip = x_begin - int(left);
        }
        m_y = 0;
        m_first = y_begin;
    }

    int chunk() const override { return 32; }

    void load(int count) override
    {
        if (setjmp(m_errors.jump))
            broken();
        if (m_y < m_first)
            m_y += int(jpeg_skip_scanlines(&m_jpeg, JDIMENSION(m_first - m_y)));
        m_rows.resize(row_bytes() * size_t(count) + 64);
        for (int i = 0; i < count; ++i) {
            JSAMPROW row = m_rows.data() + row_bytes() * size_t(i);
            if (jpeg_read_scanlines(&m_jpeg, &row, 1) != 1) {
                std::snprintf(m_errors.message, sizeof m_errors.message, "it ends too early");
                broken();
            }
        }
        m_y += count;
        if (m_errors.damaged)
            broken();
    }

    long long convert(int i, float* pixels) const override
    {
        PixelLayout layout;
        layout.channels = m_jpeg.output_components;
        layout.green = layout.channels == 1 ? 0 : 1;
        layout.blue = layout.channels == 1 ? 0 : 2;
        layout.alpha = layout.channels == 4 ? 3 : -1;
        convert_row(m_rows.data() + row_bytes() * size_t(i)
                        + size_t(m_skip) * size_t(layout.channels),
                    layout, pixels, m_columns);
        // Adobe's files hold what is left of the paper; lanes are ink.
        if (m_info.cmyk && m_inverted)
            for (int k = 0; k < 4 * m_columns; ++k)
                pixels[k] = 1 - pixels[k];
        return 0;
    }

private:
    size_t row_bytes() const
    {
        return size_t(m_jpeg.output_width) * size_t(m_jpeg.output_components);
    }

    [[noreturn]] void broken() const
    {
        throw ReferenceError(m_name + ": is damaged (" + m_errors.message + ")");
    }

    double byte_count(const Source& source) const
    {
        if (!m_file)
            return double(source.bytes->size());
        const long at = std::ftell(m_file);
        std::fseek(m_file, 0, SEEK_END);
        const double size = double(std::ftell(m_file));
        std::fseek(m_file, at, SEEK_SET);
        return size;
    }

    // Rows below the crop are never decoded, so a file that was cut off there would pass. Between
    // the first scan's header and the picture's end no code but its marker has these two bytes.
    // What stands behind it (a phone's film, zeros) is no harm.
    void check_end(const Source& source, size_t size) const
    {
        const size_t ahead = m_jpeg.src->bytes_in_buffer;
        const long here = m_file ? std::ftell(m_file) : 0;
        const size_t begin = (m_file ? size_t(here) : size) - ahead;
        constexpr size_t block = 1 << 16;
        std::string bytes;
        bool found = false;
        for (size_t to = size; !found && to > begin; to = to > begin + block ? to - block : begin) {
            const size_t from = to > begin + block ? to - block : begin;
            // One byte more, since the marker may lie across two blocks.
            bytes.resize(std::min(to + 1, size) - from);
            if (m_file) {
                std::fseek(m_file, long(from), SEEK_SET);
                bytes.resize(std::fread(&bytes[0], 1, bytes.size(), m_file));
            } else {
                bytes.assign(*source.bytes, from, bytes.size());
            }
            found = bytes.find("\xFF\xD9") != std::string::npos;
        }
        if (m_file)
            std::fseek(m_file, here, SEEK_SET);
        if (!found)
            throw ReferenceError(m_name
                                 + ": is damaged (it ends before its picture does; it may not "
                                   "have been copied whole)");
    }

    void check(double bytes)
    {
        check_size(m_name, m_jpeg.image_width, m_jpeg.image_height);
        m_info.width = int(m_jpeg.image_width);
        m_info.height = int(m_jpeg.image_height);
        // Each 8x8 block costs at least 2 bits for each component, or one where it is refined
        // progressively: a header that promises far more lies.
        const double pixels = double(m_info.width) * m_info.height;
        if (pixels > 1e6 + bytes * 2048)
            throw ReferenceError(m_name + ": is damaged (its header says "
                                 + std::to_string(m_info.width) + "x"
                                 + std::to_string(m_info.height) + " pixels, but it has only "
                                 + std::to_string(long(bytes)) + " bytes)");
        // All coefficients of a progressive file are held at once.
        if (jpeg_has_multiple_scans(&m_jpeg) && pixels * m_jpeg.num_components * 2 > 1.5e9)
            throw ReferenceError(m_name + ": is a progressive JPEG of "
                                 + std::to_string(m_info.width) + "x"
                                 + std::to_string(m_info.height)
                                 + " pixels, which takes too much memory; save it as baseline");
        if (m_jpeg.num_components == 2 || m_jpeg.num_components > 4)
            throw ReferenceError(m_name + ": is a JPEG of " + std::to_string(m_jpeg.num_components)
                                 + " components, which are no colours that klio knows");
    }

    void read_metadata()
    {
        m_inverted = m_jpeg.saw_Adobe_marker;
        m_info.colorspace = "sRGB";
        for (jpeg_saved_marker_ptr marker = m_jpeg.marker_list; marker; marker = marker->next)
            if (marker->marker == JPEG_APP0 + 1 && marker->data_length > 6
                && std::memcmp(marker->data, "Exif\0", 6) == 0)
                m_info.orientation = exif_orientation(marker->data + 6, marker->data_length - 6);
        JOCTET* icc = nullptr;
        unsigned int size = 0;
        if (jpeg_read_icc_profile(&m_jpeg, &icc, &size)) {
            m_info.icc.assign(reinterpret_cast<char*>(icc), size);
            std::free(icc);
        }
    }

    std::string m_name;
    Handle m_handle;
    jpeg_decompress_struct& m_jpeg = m_handle.jpeg;
    std::FILE*& m_file = m_handle.file;
    Errors m_errors {};
    ScanLimit m_limit {};
    bool m_inverted = false;
    std::vector<unsigned char> m_rows;
    int m_skip = 0, m_columns = 0, m_y = 0, m_first = 0;
};

} // namespace

std::unique_ptr<Reader> open_jpeg_reader(const Source& source)
{
    return std::make_unique<JpegReader>(source);
}

} // namespace klio::prep
