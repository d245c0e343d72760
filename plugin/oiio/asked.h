#pragma once

#include "name.h"

#include <klio/frame.h>
#include <klio/recipe.h>
#include <klio/session.h>
#include <klio/settings.h>

#include <OpenImageIO/imageio.h>

#include <map>
#include <string>

/// \file
/// What one open asks for: the recipe, and what the name, the host's hints and the settings lay
/// over it.

namespace klio::oiio {

/// What happens where the store has no frames.
enum class OnMiss { error, generate, preview };

struct Asked {
    std::string name;  ///< as the host opened it, for messages
    std::string file;  ///< the recipe's, without the query
    bool bare = false; ///< a query name without such a file
    Recipe recipe;
    GenerateOptions generate;
    FrameOptions frame;
    OnMiss on_miss = OnMiss::error;
    int only_frame = 0; ///< 1-based; 0: all
    bool sheet = false;
    bool local = false;  ///< the endpoint is the local gateway of this very process
    std::string price;   ///< of the frames, where they are not there: "at least 6 credits …"
    std::string command; ///< what a user runs to get the frames
    std::string key;     ///< all that decides what is bought, as one text: same key, same job
};

/// The names that a query ("?NAME=VALUE") or a hint ("klio:NAME") may have beside those of
/// recipe_options(), with one line of meaning each.
const std::map<std::string, std::string>& view_names();

/// Later wins: settings, recipe, hints of `config` ("klio:…"), query. Reads the recipe file. Throws
/// UsageError, RequestError, ReferenceError.
Asked understand(const std::string& name, const OIIO::ImageSpec& config, const Settings& settings);

} // namespace klio::oiio
