#pragma once

#include <OpenImageIO/imagebuf.h>

#include <cstdint>
#include <string>

/// \file
/// Foreign image bytes, looked at and decoded without trusting them.

namespace klio::frames {

/// What an image file's first bytes say; nothing is decoded.
struct ImageProbe {
    std::string media_type; ///< image/png, image/jpeg, image/webp; empty: none of them
    int width = 0;
    int height = 0;
    int channels = 0;
    int bit_depth = 8;
};

/// Never throws; media_type is empty where it is no image that klio decodes.
ImageProbe probe(const std::string& bytes);

/// Throws DamagedError unless `bytes` begin as a PNG, JPEG or WebP of sane dimensions (each side at
/// most 16384, at most 2^28 pixels) and end as one: a cheap structural check of the whole file
/// (PNG chunks with their CRCs to IEND, JPEG markers to EOI, RIFF size), made before a result
/// counts as stored.
ImageProbe check_image(const std::string& bytes, const std::string& what);

/// Decodes to 3 or 4 channels (grey and palette widened), upright, ICC profiles other than sRGB
/// converted to sRGB, as uint8 or uint16. Throws DamagedError for anything short of a whole
/// picture.
OIIO::ImageBuf decode(const std::string& bytes, const std::string& what);

} // namespace klio::frames
