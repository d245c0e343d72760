#pragma once

#include <OpenImageIO/imagebuf.h>

#include <string>

namespace klio::frames {

/// Brings interleaved uint8 or uint16 pixels of 3 or 4 channels (the fourth is left alone) from
/// an embedded profile to sRGB, relative colorimetric with black point compensation, by lcms2.
/// A profile that is sRGB itself, to within one 8-bit code value, changes nothing: there are many
/// of those, none two equal byte for byte. `grey` says that the file was grey, whose profile is one
/// of a single curve. Does nothing where the profile is not understood, since the pixels are whole.
void icc_to_srgb(OIIO::ImageBuf& image, const std::string& profile, bool grey);

} // namespace klio::frames
