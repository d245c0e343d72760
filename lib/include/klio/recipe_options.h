#pragma once

#include <klio/error.h>
#include <klio/export.h>
#include <klio/frame.h>
#include <klio/session.h>

#include <map>
#include <string>
#include <vector>

namespace klio {

/// Lays the options that a recipe has under "klio" (see recipe_options()) over `generate` and
/// `frame`; what is not named stays as it is. "fit" goes by its value, see option_name(): crop,
/// pad and none say how a reference is brought to the ratio, WxH how a frame is brought to a size.
/// Throws UsageError for
/// an unknown name or a value that can't be.
KLIO_API void apply_options(const std::map<std::string, std::string>& options,
                            GenerateOptions& generate, FrameOptions& frame);
/// The same, but what is wrong is added to `problems`, and the rest is laid over.
KLIO_API void apply_options(const std::map<std::string, std::string>& options,
                            GenerateOptions& generate, FrameOptions& frame,
                            std::vector<Problem>& problems);

} // namespace klio
