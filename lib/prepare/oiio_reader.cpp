#include "prepare/channels.h"
#include "prepare/exr_blocks.h"
#include "prepare/parts.h"
#include "prepare/pixels.h"
#include "prepare/reader.h"

#include <klio/error.h>

#include <OpenImageIO/filesystem.h>
#include <OpenImageIO/imageio.h>

#include <algorithm>
#include <cmath>
#include <cstring>

namespace klio::prep {

namespace {

std::string one_line(std::string text)
{
    for (char& c : text)
        if (static_cast<unsigned char>(c) < ' ')
            c = ' ';
    while (!text.empty() && (text.back() == ' ' || text.back() == '.'))
        text.pop_back();
    return text.size() > 300 ? text.substr(0, 300) + "…" : text;
}

// A name with the ending of what the bytes are, since OIIO chooses its reader by that first.
const char* name_by_content(const std::string& bytes)
{
    const auto starts = [&](const char* magic, size_t size, size_t at = 0) {
        return bytes.size() >= at + size && std::memcmp(bytes.data() + at, magic, size) == 0;
    };
    if (starts("\x76\x2f\x31\x01", 4))
        return "memory.exr";
    if (starts("\x89PNG", 4))
        return "memory.png";
    if (starts("II*\0", 4) || starts("MM\0*", 4))
        return "memory.tif";
    if (starts("RIFF", 4) && starts("WEBP", 4, 8))
        return "memory.webp";
    if (starts("GIF8", 4))
        return "memory.gif";
    if (starts("SDPX", 4) || starts("XPDS", 4))
        return "memory.dpx";
    if (starts("#?", 2))
        return "memory.hdr";
    if (starts("BM", 2))
        return "memory.bmp";
    if (starts("8BPS", 4))
        return "memory.psd";
    return nullptr;
}

class OiioReader : public Reader {
public:
    OiioReader(const Source& source, const Options& options) : m_source(source)
    {
        open(false);
        // OpenImageIO turns ink into RGB without looking at the profile that says what the ink is.
        const OIIO::ImageSpec spec = m_input->spec();
        if (spec.get_string_attribute("tiff:ColorSpace") == "CMYK"
            && spec.find_attribute("ICCProfile")) {
            open(true);
            m_info.cmyk = m_input->spec().nchannels >= 4;
        }
        take_part(options.image_view);
        read_info();
    }

    void begin(int x_begin, int x_end, int y_begin, int y_end, bool alpha, int threads) override
    {
        (void)y_end;
        m_x_begin = x_begin;
        m_x_end = x_end;
        m_y = y_begin;
        m_alpha = (alpha || m_info.cmyk) && m_channels.alpha >= 0;
        m_input->threads(threads);
        // A zip block of OpenEXR is 16 rows high: one for each thread, and no more in memory.
        if (m_spec.tile_height <= 0)
            m_chunk = std::clamp(16 * threads, 32, 256);
        int last = std::max({m_channels.red, m_channels.green, m_channels.blue});
        m_first_channel = std::min({m_channels.red, m_channels.green, m_channels.blue});
        // Some readers premultiply only where they see alpha; OpenEXR's is premultiplied already.
        if (m_alpha || (m_channels.alpha >= 0 && m_info.format != "openexr")) {
            last = std::max(last, m_channels.alpha);
            m_first_channel = std::min(m_first_channel, m_channels.alpha);
        }
        m_channel_count = last + 1 - m_first_channel;
        m_blocks = open_blocks();
        if (m_blocks) {
            // Two blocks for each thread even out what one takes longer than another.
            const int rows = m_blocks->block_rows();
            m_chunk = (std::clamp(32 * threads, 32, 256) + rows - 1) / rows * rows;
        }
        m_threads = threads;
    }

    int chunk() const override
    {
        // Up to the end of a block, so that none is inflated twice.
        const int into = m_y + m_info.display_y - m_spec.y;
        return m_blocks && into > 0 ? m_chunk - into % m_blocks->block_rows() : m_chunk;
    }

    void load(int count) override
    {
        m_loaded_y = m_y;
        m_y += count;
        // In the file's own coordinates, cut to what it has.
        const int from = std::max(m_loaded_y + m_info.display_y, m_spec.y);
        const int to = std::min(m_y + m_info.display_y, m_spec.y + m_spec.height);
        if (from >= to)
            return;
        if (m_blocks) {
            if (m_blocks->load(from, to, m_threads))
                return;
            // OpenImageIO may do better, or says what is wrong.
            m_blocks.reset();
        }
        // Tiles are read by whole rows of tiles.
        int first = from, last = to;
        if (m_spec.tile_height > 0) {
            const int tile = m_spec.tile_height;
            first = m_spec.y + (from - m_spec.y) / tile * tile;
            last = std::min(m_spec.y + m_spec.height,
                            m_spec.y + (to - m_spec.y + tile - 1) / tile * tile);
        }
        if (first >= m_held_first && last <= m_held_last)
            return;
        m_buffer.resize(row_bytes() * size_t(last - first));
        const int channel_end = m_first_channel + m_channel_count;
        const bool good = m_spec.tile_width > 0
            ? m_input->read_tiles(m_subimage, 0, m_spec.x, m_spec.x + m_spec.width, first, last,
                                  m_spec.z, m_spec.z + 1, m_first_channel, channel_end, m_type,
                                  m_buffer.data())
            : m_input->read_scanlines(m_subimage, 0, first, last, m_spec.z, m_first_channel,
                                      channel_end, m_type, m_buffer.data());
        if (!good)
            throw ReferenceError(m_source.name + ": is damaged (" + reason() + ")");
        m_held_first = first;
        m_held_last = last;
    }

    long long convert(int i, float* pixels) const override
    {
        const int y = m_loaded_y + i + m_info.display_y;
        const int width = m_x_end - m_x_begin;
        const int x_from = std::max(m_x_begin + m_info.display_x, m_spec.x);
        const int x_to = std::min(m_x_end + m_info.display_x, m_spec.x + m_spec.width);
        const bool inside = y >= m_spec.y && y < m_spec.y + m_spec.height && x_from < x_to;
        if (!inside || x_to - x_from < width)
            std::fill_n(pixels, size_t(width) * 4, 0.0f);
        if (!inside)
            return 0;
        float* const out = pixels + size_t(x_from - m_info.display_x - m_x_begin) * 4;
        if (m_blocks)
            return m_blocks->convert(y, x_from, x_to - x_from, out);
        PixelLayout layout;
        layout.channels = m_channel_count;
        layout.red = m_channels.red - m_first_channel;
        layout.green = m_channels.green - m_first_channel;
        layout.blue = m_channels.blue - m_first_channel;
        layout.alpha = m_alpha ? m_channels.alpha - m_first_channel : -1;
        layout.type = m_pixel_type;
        layout.luminance_chroma = m_channels.luminance_chroma;
        const unsigned char* in = m_buffer.data() + size_t(y - m_held_first) * row_bytes()
            + size_t(x_from - m_spec.x) * pixel_bytes();
        return convert_row(in, layout, out, x_to - x_from);
    }

private:
    size_t pixel_bytes() const { return size_t(m_channel_count) * m_type.size(); }
    size_t row_bytes() const { return size_t(m_spec.width) * pixel_bytes(); }

    // The fast way to what most plates are.
    std::unique_ptr<ExrBlocks> open_blocks() const
    {
        if (m_info.format != "openexr" || m_spec.tile_width > 0 || m_channels.luminance_chroma)
            return nullptr;
        const auto name = [&](int channel) { return m_spec.channelnames[size_t(channel)]; };
        ExrWanted wanted;
        wanted.part = m_subimage;
        wanted.x = m_spec.x;
        wanted.y = m_spec.y;
        wanted.width = m_spec.width;
        wanted.height = m_spec.height;
        wanted.red = name(m_channels.red);
        wanted.green = name(m_channels.green);
        wanted.blue = name(m_channels.blue);
        if (m_alpha)
            wanted.alpha = name(m_channels.alpha);
        return ExrBlocks::open(m_source, wanted);
    }

    std::string reason()
    {
        const std::string text = m_input ? m_input->geterror() : OIIO::geterror();
        return text.empty() ? "its reader gives no reason" : one_line(text);
    }

    void open(bool raw)
    {
        OIIO::ImageSpec config;
        if (raw)
            config.attribute("oiio:RawColor", 1);
        if (m_source.bytes) {
            m_memory = std::make_unique<OIIO::Filesystem::IOMemReader>(
                const_cast<char*>(m_source.bytes->data()), m_source.bytes->size());
            // The OpenEXR reader of OpenImageIO 2.4 looks for the proxy here alone.
            OIIO::Filesystem::IOProxy* proxy = m_memory.get();
            config.attribute("oiio:ioproxy", OIIO::TypeDesc::PTR, &proxy);
            const char* name = name_by_content(*m_source.bytes);
            m_input = OIIO::ImageInput::open(name ? name : m_source.name, &config, m_memory.get());
        } else {
            m_input = OIIO::ImageInput::open(m_source.name, &config);
        }
        if (!m_input) {
            const std::string why = reason();
            if (why.find("ubsampled channels") != std::string::npos)
                throw ReferenceError(m_source.name
                                     + ": has chroma at a lower resolution than its luminance, "
                                       "which OpenImageIO does not read; save it as RGB first");
            throw ReferenceError(m_source.name + ": can't be read as an image (" + why + ")");
        }
        m_info.format = m_input->format_name();
    }

    void take_part(const std::string& wanted)
    {
        const Part part = choose_part(*m_input, m_source.name, wanted);
        m_subimage = part.index;
        m_channels = part.channels;
        m_info.image_view = part.view;
        m_spec = part.spec;
        if (m_info.cmyk) {
            m_channels = Channels();
            m_channels.red = 0;
            m_channels.green = 1;
            m_channels.blue = 2;
            m_channels.alpha = 3;
        }
    }

    void read_info()
    {
        // spec(i) may lack what only the first subimage's header says.
        if (m_subimage == 0)
            m_spec = m_input->spec();
        else
            m_input->seek_subimage(m_subimage, 0);
        if (m_spec.deep)
            throw ReferenceError(m_source.name
                                 + ": is a deep image; flatten it first (oiiotool in.exr --flatten "
                                   "-o out.exr)");
        if (m_spec.depth > 1)
            throw ReferenceError(m_source.name + ": is a volume, not a picture");
        if (!m_channels.found()) {
            std::string names;
            for (const std::string& name : m_spec.channelnames)
                names += (names.empty() ? "" : ", ") + name;
            throw ReferenceError(m_source.name + ": has no channels that are colours (it has "
                                 + one_line(names) + ")");
        }
        const bool no_display = m_spec.full_width <= 0 || m_spec.full_height <= 0;
        m_info.width = no_display ? m_spec.width : m_spec.full_width;
        m_info.height = no_display ? m_spec.height : m_spec.full_height;
        m_info.display_x = no_display ? m_spec.x : m_spec.full_x;
        m_info.display_y = no_display ? m_spec.y : m_spec.full_y;
        check_size(m_source.name, m_info.width, m_info.height);
        check_size(m_source.name, m_spec.width, m_spec.height);
        m_info.shows_data = m_info.display_x < m_spec.x + m_spec.width
            && m_info.display_x + m_info.width > m_spec.x
            && m_info.display_y < m_spec.y + m_spec.height
            && m_info.display_y + m_info.height > m_spec.y;
        m_width = m_info.width;
        m_height = m_info.height;
        m_info.has_alpha = m_channels.alpha >= 0 && !m_info.cmyk;
        m_info.orientation = m_spec.get_int_attribute("Orientation", 1);
        if (m_info.orientation < 1 || m_info.orientation > 8)
            m_info.orientation = 1;
        m_info.pixel_aspect = m_spec.get_float_attribute("PixelAspectRatio", 1);
        if (!(m_info.pixel_aspect > 0.1 && m_info.pixel_aspect < 10))
            m_info.pixel_aspect = 1;

        // Pixels are read in the file's own type where a fast conversion is there for it.
        m_type = m_spec.format;
        if (m_type == OIIO::TypeUInt8)
            m_pixel_type = PixelType::uint8;
        else if (m_type == OIIO::TypeUInt16)
            m_pixel_type = PixelType::uint16;
        else if (m_type == OIIO::TypeHalf)
            m_pixel_type = PixelType::half;
        else {
            m_info.floating = m_type.is_floating_point();
            m_type = OIIO::TypeFloat;
            m_pixel_type = PixelType::float32;
        }
        m_info.floating = m_info.floating || m_type.is_floating_point();
        if (!m_spec.channelformats.empty()) {
            // Channels of different types come as floats.
            m_type = OIIO::TypeFloat;
            m_pixel_type = PixelType::float32;
        }
        m_chunk = m_spec.tile_height > 0 ? std::min(m_spec.tile_height, 256) : 32;
        const double tile = double(m_spec.tile_width) * m_spec.tile_height * m_spec.nchannels * 4;
        if (tile > 256e6 || double(m_spec.width) * m_spec.nchannels * 4 * 64 > 1e9)
            throw ReferenceError(
                m_source.name + ": its header says " + std::to_string(m_spec.nchannels)
                + " channels and tiles of " + std::to_string(m_spec.tile_width) + "x"
                + std::to_string(m_spec.tile_height) + " pixels, which is more than klio takes");
        m_info.colorspace = m_spec.get_string_attribute("oiio:ColorSpace");
        // OpenImageIO's OpenEXR reader says Linear of every file.
        m_info.reader_default
            = m_info.floating && (m_info.colorspace == "Linear" || m_info.colorspace == "linear");
        if (const OIIO::ParamValue* found = m_spec.find_attribute("chromaticities"))
            if (found->type().basetype == OIIO::TypeDesc::FLOAT
                && found->type().numelements() * found->type().aggregate == 8) {
                std::memcpy(m_info.chromaticities, found->data(), 8 * sizeof(float));
                m_info.has_chromaticities = true;
            }
        // ITU-T H.273. OpenImageIO 2.4 gives none; later ones do, where the file has it.
        if (const OIIO::ParamValue* found = m_spec.find_attribute("CICP"))
            if (found->type().basetype == OIIO::TypeDesc::INT
                && found->type().numelements() * found->type().aggregate >= 2) {
                m_info.cicp_primaries = found->get_int_indexed(0);
                m_info.cicp_transfer = found->get_int_indexed(1);
            }
        if (const OIIO::ParamValue* found = m_spec.find_attribute("ICCProfile"))
            m_info.icc.assign(static_cast<const char*>(found->data()), size_t(found->datasize()));
    }

    Source m_source;
    std::unique_ptr<OIIO::Filesystem::IOMemReader> m_memory;
    std::unique_ptr<OIIO::ImageInput> m_input;
    OIIO::ImageSpec m_spec;
    int m_subimage = 0;
    Channels m_channels;
    OIIO::TypeDesc m_type;
    PixelType m_pixel_type = PixelType::float32;
    int m_chunk = 64;
    int m_threads = 1;
    int m_x_begin = 0, m_x_end = 0, m_y = 0, m_loaded_y = 0;
    bool m_alpha = false;
    int m_first_channel = 0, m_channel_count = 0;
    std::unique_ptr<ExrBlocks> m_blocks; ///< null where OpenImageIO decodes
    std::vector<unsigned char> m_buffer;
    int m_held_first = 0, m_held_last = 0;
};

} // namespace

std::unique_ptr<Reader> open_oiio_reader(const Source& source, const Options& options)
{
    return std::make_unique<OiioReader>(source, options);
}

} // namespace klio::prep
