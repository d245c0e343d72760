#pragma once

#include <string>
#include <vector>

/// \file
/// Which channels of a file are its colours.

namespace klio::prep {

/// Indices of channels; -1 where there is none. A grey picture has red = green = blue.
struct Channels {
    int red = -1, green = -1, blue = -1, alpha = -1;
    bool by_name = false;          ///< not by their order or their number alone
    bool luminance_chroma = false; ///< red, green, blue are Y, RY, BY
    std::string layer;             ///< the prefix that was chosen, without its dot
    bool found() const { return red >= 0; }
};

/// Finds R, G, B and A (in any case), by plain name first, then within the layer or view `wanted`
/// ("left" for "left.R"), then within the first layer that has them; then Y (with RY and BY); then
/// a single channel of any name. Two channels are grey and alpha.
Channels find_channels(const std::vector<std::string>& names, const std::string& wanted);

/// The layers' prefixes ("left", "diffuse" …) that hold R, G, B or Y.
std::vector<std::string> layers(const std::vector<std::string>& names);

} // namespace klio::prep
