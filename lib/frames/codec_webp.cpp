#include "frames/codec.h"

#include <OpenImageIO/filesystem.h>
#include <OpenImageIO/imageio.h>

#include <algorithm>
#include <memory>
#include <new>

namespace klio::frames {

namespace {

// OIIO's reader (2.4) associates alpha whatever it is told; for opaque pixels nothing changes.
void unassociate(OIIO::ImageBuf& image)
{
    auto* pixel = static_cast<unsigned char*>(image.localpixels());
    for (OIIO::imagesize_t i = 0; i < image.spec().image_pixels(); ++i, pixel += 4)
        if (const int alpha = pixel[3]; alpha > 0 && alpha < 255)
            for (int c = 0; c < 3; ++c)
                pixel[c] = static_cast<unsigned char>(
                    std::min(255, (pixel[c] * 255 + alpha / 2) / alpha));
}

} // namespace

bool decode_webp(const std::string& bytes, Decoded& decoded, std::string& fault)
{
    OIIO::Filesystem::IOMemReader reader(const_cast<char*>(bytes.data()), bytes.size());
    OIIO::ImageSpec config;
    void* proxy = &reader;
    config.attribute("oiio:ioproxy", OIIO::TypeDesc::PTR, &proxy);
    const std::unique_ptr<OIIO::ImageInput> input(
        OIIO::ImageInput::open("frame.webp", &config, &reader));
    if (!input) {
        fault = OIIO::geterror();
        return false;
    }
    OIIO::ImageSpec spec(input->spec().width, input->spec().height, input->spec().nchannels,
                         OIIO::TypeDesc::UINT8);
    if (const OIIO::ParamValue* icc = input->spec().find_attribute("ICCProfile"))
        decoded.icc.assign(static_cast<const char*>(icc->data()), icc->type().size());
    decoded.image.reset(spec, OIIO::InitializePixels::No);
    if (!decoded.image.localpixels())
        throw std::bad_alloc();
    const bool read
        = input->read_image(0, 0, 0, spec.nchannels, spec.format, decoded.image.localpixels());
    fault = input->geterror();
    if (!read && fault.empty())
        fault = "its pixels can't be decoded";
    if (fault.empty() && spec.nchannels == 4)
        unassociate(decoded.image);
    return fault.empty();
}

} // namespace klio::frames
