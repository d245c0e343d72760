#pragma once

#include <OpenImageIO/imagebuf.h>

#include <cstdint>
#include <memory>
#include <string>

/// \file
/// Foreign image bytes, looked at and decoded without trusting them. All functions are
/// thread-safe.

namespace klio::frames {

/// Caps that hold before pixels are allocated.
constexpr int max_side = 16384;
constexpr int64_t max_pixels = int64_t(1) << 28;

/// What an image file's first bytes say; nothing is decoded.
struct ImageProbe {
    std::string media_type; ///< image/png, image/jpeg, image/webp; empty: none of them
    int width = 0;          ///< pixels, upright: with the EXIF orientation applied
    int height = 0;
    int channels = 0;    ///< as they are stored, palettes as the 3 or 4 that they stand for
    int bit_depth = 8;   ///< 8 or 16; fewer bits count as 8
    int orientation = 1; ///< the file's EXIF orientation, 1–8
    /// A PNG of 8-bit truecolour whose pixels need no more than to be unpacked: not interlaced, not
    /// turned, no transparent colour, no ICC profile. Known where the whole file was walked.
    bool plain = false;
    /// What decode() gives: 3, or 4 with alpha.
    int decoded_channels() const { return channels == 2 || channels == 4 ? 4 : 3; }
};

/// Never throws; media_type is empty where it is no image that klio decodes.
ImageProbe probe(const std::string& bytes);

/// Throws DamagedError unless `bytes` begin as a PNG, JPEG or WebP of sane dimensions (each side at
/// most 16384, at most 2^28 pixels) and end as one: a cheap structural check of the whole file
/// (PNG chunks with their CRCs to IEND, JPEG markers to EOI, RIFF size), made before a result
/// counts as stored. Bytes behind the end of the picture are no fault.
ImageProbe check_image(const std::string& bytes, const std::string& what);

/// Rows of code values, wherever a decoder left them. Cheap to copy.
struct Codes {
    std::shared_ptr<const void> owner;
    const uint8_t* first = nullptr; ///< the top row
    size_t stride = 0;              ///< bytes from row to row
    int width = 0, height = 0, channels = 0;
    bool wide = false; ///< uint16, aligned; else uint8
    const uint8_t* row(int y) const { return first + size_t(y) * stride; }
    size_t bytes() const { return stride * size_t(height); }
};

/// The pixels of an image without gaps between its rows; takes it over.
Codes codes_of(OIIO::ImageBuf image);

/// What decode() gives, for who reads it row by row: the common PNG stays where it was inflated.
/// Throws DamagedError.
Codes decode_codes(const std::string& bytes, const std::string& what);

/// Decodes to 3 or 4 channels (grey and palette widened), upright, ICC profiles other than sRGB
/// converted to sRGB, as uint8 or uint16. Alpha, where there is one, is unassociated, as it stands
/// in the file ("oiio:UnassociatedAlpha" is 1). The spec carries no other metadata. Throws
/// DamagedError for anything short of a whole picture: a truncated file, a checksum that does not
/// fit, and whatever the codec itself complains about.
OIIO::ImageBuf decode(const std::string& bytes, const std::string& what);

} // namespace klio::frames
