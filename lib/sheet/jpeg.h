#pragma once

#include "sheet/picture.h"

#include <string>

namespace klio::sheet {

/// The picture as a JPEG that is as small as it can be for its quality: 4:2:0, with tables of its
/// own, and without any metadata. What goes to the model is encoded by prep::encode_jpeg().
std::string preview_jpeg(const Picture& picture, int quality);

} // namespace klio::sheet
