#include "frames/decode.h"

#include "frames/icc.h"
#include "frames/jpeg.h"
#include "frames/orientation.h"

#include <klio/error.h>

#include <OpenImageIO/filesystem.h>
#include <OpenImageIO/imageio.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <new>
#include <vector>

namespace klio::frames {

namespace {

// What a codec gave, before it is widened and turned upright.
struct Raw {
    int width = 0;
    int height = 0;
    int channels = 0;
    OIIO::TypeDesc format = OIIO::TypeDesc::UINT8;
    std::vector<unsigned char> data;
    std::string icc;
};

Raw decode_by_oiio(const std::string& bytes, const ImageProbe& image, std::string& fault)
{
    Raw raw;
    OIIO::Filesystem::IOMemReader reader(const_cast<char*>(bytes.data()), bytes.size());
    // Alpha stays as it is in the file: associating it in code values loses bits, and in the wrong
    // curve.
    OIIO::ImageSpec config;
    config.attribute("oiio:UnassociatedAlpha", 1);
    const char* name = image.media_type == "image/png" ? "frame.png" : "frame.webp";
    const std::unique_ptr<OIIO::ImageInput> input(OIIO::ImageInput::open(name, &config, &reader));
    if (!input) {
        fault = OIIO::geterror();
        return raw;
    }
    const OIIO::ImageSpec& spec = input->spec();
    const bool turned = swaps_sides(image.orientation);
    if (spec.width != (turned ? image.height : image.width)
        || spec.height != (turned ? image.width : image.height) || spec.nchannels < 1
        || spec.nchannels > 4 || spec.depth != 1) {
        fault = "its parts do not agree about its size";
        return raw;
    }
    raw.width = spec.width;
    raw.height = spec.height;
    raw.channels = spec.nchannels;
    raw.format = spec.format == OIIO::TypeDesc::UINT16 ? spec.format : OIIO::TypeDesc::UINT8;
    raw.data.resize(size_t(spec.width) * size_t(spec.height) * size_t(spec.nchannels)
                    * raw.format.size());
    if (const OIIO::ParamValue* icc = spec.find_attribute("ICCProfile"))
        raw.icc.assign(static_cast<const char*>(icc->data()), icc->type().size());
    if (!input->read_image(0, 0, 0, spec.nchannels, raw.format, raw.data.data()))
        fault = input->geterror().empty() ? "the codec failed" : input->geterror();
    else if (input->has_error())
        fault = input->geterror();
    return raw;
}

template <typename T> void widen(const Raw& raw, int orientation, OIIO::ImageBuf& image)
{
    const T* in = reinterpret_cast<const T*>(raw.data.data());
    T* const out = static_cast<T*>(image.localpixels());
    const int width = image.spec().width;
    const int channels = image.spec().nchannels;
    const bool grey = raw.channels <= 2;
    for (int y = 0; y < raw.height; ++y) {
        for (int x = 0; x < raw.width; ++x, in += raw.channels) {
            int to_x = 0, to_y = 0;
            to_upright(orientation, raw.width, raw.height, x, y, to_x, to_y);
            T* pixel = out + (size_t(to_y) * size_t(width) + size_t(to_x)) * size_t(channels);
            for (int c = 0; c < 3; ++c)
                pixel[c] = in[grey ? 0 : c];
            if (channels == 4)
                pixel[3] = in[raw.channels - 1];
        }
    }
}

OIIO::ImageBuf to_image(const Raw& raw, int orientation)
{
    const bool turned = swaps_sides(orientation);
    OIIO::ImageSpec spec(turned ? raw.height : raw.width, turned ? raw.width : raw.height,
                         raw.channels == 2 || raw.channels == 4 ? 4 : 3, raw.format);
    if (spec.nchannels == 4)
        spec.attribute("oiio:UnassociatedAlpha", 1);
    OIIO::ImageBuf image(spec, OIIO::InitializePixels::No);
    if (!image.localpixels())
        throw std::bad_alloc();
    if (orientation <= 1 && raw.channels == spec.nchannels)
        std::memcpy(image.localpixels(), raw.data.data(), raw.data.size());
    else if (raw.format == OIIO::TypeDesc::UINT16)
        widen<uint16_t>(raw, orientation, image);
    else
        widen<uint8_t>(raw, orientation, image);
    return image;
}

} // namespace

OIIO::ImageBuf decode(const std::string& bytes, const std::string& what)
{
    const ImageProbe probed = check_image(bytes, what);
    std::string fault;
    Raw raw;
    if (probed.media_type == "image/jpeg") {
        Samples samples;
        if (decode_jpeg(bytes, samples, fault)) {
            raw.width = samples.width;
            raw.height = samples.height;
            raw.channels = samples.channels;
            raw.data = std::move(samples.data);
            raw.icc = std::move(samples.icc);
        }
    } else {
        raw = decode_by_oiio(bytes, probed, fault);
    }
    if (!fault.empty()) {
        std::replace(fault.begin(), fault.end(), '\n', ' ');
        throw DamagedError(what + " is not a whole picture: " + fault + " ("
                           + std::to_string(bytes.size()) + " bytes)");
    }
    OIIO::ImageBuf image = to_image(raw, probed.orientation);
    if (!raw.icc.empty())
        icc_to_srgb(image, raw.icc, raw.channels <= 2);
    return image;
}

} // namespace klio::frames
