#pragma once

#include <string>

namespace klio::command {

/// The folder that kling.imageio.so stands in, found from where this program stands: beside it in
/// a build tree, under the prefix's library folder when installed. Empty where it is in neither.
std::string plugin_folder();

} // namespace klio::command
