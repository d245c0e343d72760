#pragma once

#include <OpenImageIO/imageio.h>

#include <map>
#include <string>

/// \file
/// XMP packets in the files that OIIO writes: its writers carry no attributes of a namespace of
/// one's own into JPEG, TIFF and WebP, and into PNG as plain text keys only.

namespace klio::frames {

/// A packet with all `klio:` attributes of `spec` and its digital source type.
std::string make_xmp(const OIIO::ImageSpec& spec);

/// The properties of a packet that make_xmp() made, "klio:model" and the like, and
/// "Iptc4xmpExt:DigitalSourceType" of anyone's. Reads what it knows and skips the rest.
std::map<std::string, std::string> parse_xmp(const std::string& packet);

/// True where insert_xmp() knows the format that `bytes` are in.
bool carries_xmp(const std::string& bytes);

/// A whole PNG, JPEG, WebP or classic TIFF file with `packets` put in, one for each subimage of a
/// TIFF, else the first. Bytes come back as they are where there is no room for it (a JPEG segment
/// holds 65,502 bytes).
std::string insert_xmp(const std::string& bytes, const std::vector<std::string>& packets);

/// The packets of a PNG, JPEG, WebP or classic TIFF file, one for each subimage; empty for none.
std::vector<std::string> extract_xmp(const std::string& bytes);

} // namespace klio::frames
