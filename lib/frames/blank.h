#pragma once

#include <OpenImageIO/imagebuf.h>

#include <new>

namespace klio::frames {

/// An image of that size whose pixels are yet to be written. Throws std::bad_alloc where there is
/// no memory for it: OpenImageIO itself gives an image without pixels then.
inline OIIO::ImageBuf blank_image(const OIIO::ImageSpec& spec)
{
    OIIO::ImageBuf image(spec, OIIO::InitializePixels::No);
    if (!image.localpixels())
        throw std::bad_alloc();
    return image;
}

} // namespace klio::frames
