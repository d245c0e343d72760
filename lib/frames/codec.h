#pragma once

#include <OpenImageIO/imagebuf.h>

#include <string>

namespace klio::frames {

/// Pixels as a codec gave them.
struct Decoded {
    /// As they are stored: 1 to 4 channels, uint8 or uint16, not turned, alpha unassociated.
    OIIO::ImageBuf image;
    std::string icc; ///< the embedded profile; empty for none
};

/// By libjpeg and libpng themselves and not by OIIO, whose readers (2.4) give black or grey for
/// the pixels that a truncated or corrupt file lacks, and report nothing. Here every warning that
/// libjpeg has while it decodes is an error, and so is every error of libpng. False with `fault`
/// filled where it is no whole picture. Sizes are taken from the file: check_image() comes first.
///
/// Grey stays grey; every other JPEG becomes RGB, palettes become RGB or RGBA.
bool decode_jpeg(const std::string& bytes, Decoded& decoded, std::string& fault);
bool decode_png(const std::string& bytes, Decoded& decoded, std::string& fault);

/// By OIIO: libwebp decodes whole pictures or nothing.
bool decode_webp(const std::string& bytes, Decoded& decoded, std::string& fault);

} // namespace klio::frames
