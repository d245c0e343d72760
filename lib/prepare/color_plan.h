#pragma once

#include "color/icc.h"
#include "prepare/measure.h"
#include "prepare/options.h"
#include "prepare/reader.h"

#include <klio/record.h>

#include <optional>
#include <string>
#include <vector>

/// \file
/// What a picture's colours are, and what is to become of them.

namespace klio::prep {

struct ColorPlan {
    ColorRecord record;
    std::optional<color::IccTransform> icc;
    bool cmyk = false;
    bool open_ended = false; ///< values may lie above 1
    bool decided = false;    ///< policy, exposure and peak are known before pixels are seen
};

/// What can be known before pixels are. Throws ColorError.
ColorPlan plan_color(const Source& source, const PictureInfo& info, const Options& options,
                     std::vector<std::string>& warnings);

/// Chooses what was left open by what the picture is like: `shown` is its light with the record's
/// exposure applied.
void decide(const Light& shown, const Options& options, ColorRecord& record);

} // namespace klio::prep
