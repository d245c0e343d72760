#include "frames/decode.h"

#include "frames/codec.h"
#include "frames/icc.h"
#include "frames/orientation.h"
#include "frames/png_pixels.h"

#include <klio/error.h>

#include <algorithm>
#include <new>

namespace klio::frames {

namespace {

template <typename T>
void widen(const OIIO::ImageBuf& stored, int orientation, OIIO::ImageBuf& image)
{
    const int width = stored.spec().width;
    const int height = stored.spec().height;
    const int from = stored.spec().nchannels;
    const int channels = image.spec().nchannels;
    for (int y = 0; y < height; ++y) {
        const T* in = static_cast<const T*>(stored.pixeladdr(0, y));
        for (int x = 0; x < width; ++x, in += from) {
            int to_x = 0, to_y = 0;
            to_upright(orientation, width, height, x, y, to_x, to_y);
            T* pixel = static_cast<T*>(image.pixeladdr(to_x, to_y));
            for (int c = 0; c < 3; ++c)
                pixel[c] = in[from <= 2 ? 0 : c];
            if (channels == 4)
                pixel[3] = in[from - 1];
        }
    }
}

// 3 or 4 channels, upright.
OIIO::ImageBuf make_upright(OIIO::ImageBuf&& stored, int orientation)
{
    const OIIO::ImageSpec& in = stored.spec();
    const int channels = in.nchannels == 2 || in.nchannels == 4 ? 4 : 3;
    OIIO::ImageBuf image;
    if (orientation <= 1 && channels == in.nchannels) {
        image = std::move(stored);
    } else {
        const bool swap = swaps_sides(orientation);
        const OIIO::ImageSpec spec(swap ? in.height : in.width, swap ? in.width : in.height,
                                   channels, in.format);
        image.reset(spec, OIIO::InitializePixels::No);
        if (!image.localpixels())
            throw std::bad_alloc();
        if (in.format == OIIO::TypeDesc::UINT16)
            widen<uint16_t>(stored, orientation, image);
        else
            widen<uint8_t>(stored, orientation, image);
    }
    if (channels == 4)
        image.specmod().attribute("oiio:UnassociatedAlpha", 1);
    return image;
}

} // namespace

Codes codes_of(OIIO::ImageBuf image)
{
    const auto owner = std::make_shared<OIIO::ImageBuf>(std::move(image));
    const OIIO::ImageSpec& spec = owner->spec();
    Codes codes;
    codes.owner = owner;
    codes.first = static_cast<const uint8_t*>(owner->localpixels());
    codes.stride = spec.scanline_bytes();
    codes.width = spec.width;
    codes.height = spec.height;
    codes.channels = spec.nchannels;
    codes.wide = spec.format == OIIO::TypeDesc::UINT16;
    return codes;
}

Codes decode_codes(const std::string& bytes, const std::string& what)
{
    const ImageProbe probed = check_image(bytes, what);
    PngPixels pixels;
    if (probed.media_type == "image/png" && probed.plain
        && read_png_pixels(bytes, {probed.width, probed.height, probed.channels, 8}, pixels)) {
        Codes codes;
        codes.first = pixels.first;
        codes.stride = pixels.stride;
        codes.width = probed.width;
        codes.height = probed.height;
        codes.channels = probed.channels;
        codes.owner = std::shared_ptr<const void>(std::move(pixels.memory));
        return codes;
    }
    return codes_of(decode(bytes, what));
}

OIIO::ImageBuf decode(const std::string& bytes, const std::string& what)
{
    const ImageProbe probed = check_image(bytes, what);
    Decoded decoded;
    std::string fault;
    const bool whole = probed.media_type == "image/jpeg" ? decode_jpeg(bytes, decoded, fault)
        : probed.media_type == "image/png"               ? decode_png(bytes, decoded, fault)
                                                         : decode_webp(bytes, decoded, fault);
    if (whole) {
        const OIIO::ImageSpec& spec = decoded.image.spec();
        const bool swap = swaps_sides(probed.orientation);
        if (spec.width != (swap ? probed.height : probed.width)
            || spec.height != (swap ? probed.width : probed.height) || spec.nchannels < 1
            || spec.nchannels > 4)
            fault = "its parts do not agree about its size";
    }
    if (!fault.empty()) {
        std::replace(fault.begin(), fault.end(), '\n', ' ');
        throw DamagedError(what + " is not a whole picture: " + fault + " ("
                           + std::to_string(bytes.size()) + " bytes)");
    }
    const bool grey = decoded.image.spec().nchannels <= 2;
    OIIO::ImageBuf image = make_upright(std::move(decoded.image), probed.orientation);
    if (!decoded.icc.empty())
        icc_to_srgb(image, decoded.icc, grey);
    return image;
}

} // namespace klio::frames
