#pragma once

#include "sheet/picture.h"

#include <string>

namespace klio::sheet {

/// Fills `picture`, whose size says how small it is to be, from a JPEG file of any RGB or grey
/// kind: libjpeg scales while it decodes, by the power of two that leaves at least that size, and a
/// quick resampler does the rest. False, with the pixels undefined, where libjpeg had anything to
/// complain about: the general way then finds out whether that matters.
bool quick_jpeg(const std::string& path, Picture& picture);

/// The picture as a JPEG that is as small as it can be for its quality: 4:2:0, with tables of its
/// own, and without any metadata. What goes to the model is encoded by prep::encode_jpeg().
std::string preview_jpeg(const Picture& picture, int quality);

} // namespace klio::sheet
