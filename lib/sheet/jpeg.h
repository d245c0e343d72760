#pragma once

#include "sheet/picture.h"

#include <string>

namespace klio::sheet {

/// Decodes a JPEG at the smallest of libjpeg's scales that is no smaller than the box asks for, and
/// resamples the rest: a quarter of the work of decoding it whole. False, with nothing done, where
/// the file needs more than that (CMYK, or an ICC profile other than sRGB): the general way takes
/// it. Throws ReferenceError for a broken or truncated file.
bool load_jpeg(const std::string& bytes, const std::string& path, int box_width, int box_height,
               Picture& picture);

/// The picture as a JPEG file (4:2:0), without any metadata. Throws Error(internal) where libjpeg
/// fails.
std::string encode_jpeg(const Picture& picture, int quality);

} // namespace klio::sheet
