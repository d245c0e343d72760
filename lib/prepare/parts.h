#pragma once

#include "prepare/channels.h"

#include <OpenImageIO/imageio.h>

#include <string>

/// \file
/// Which part of a file, and which view of it, is the picture.

namespace klio::prep {

struct Part {
    int index = 0; ///< OpenImageIO's subimage
    Channels channels;
    std::string view; ///< its view, else its name; empty where the file has neither
    OIIO::ImageSpec spec;
};

/// The part that `wanted` says: by its number, its name, its view (the attribute view, or the first
/// of multiView), or the prefix of its channels. Empty: the first that has colours by name, else
/// the first that can be shown at all, else the first. A view's part with colours is taken before
/// those with its depth or its passes. Throws ReferenceError, with the names that there are.
Part choose_part(OIIO::ImageInput& input, const std::string& name, const std::string& wanted);

} // namespace klio::prep
