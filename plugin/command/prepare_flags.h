#pragma once

#include <klio/prepare.h>

#include <CLI/CLI.hpp>

#include <map>
#include <string>

/// \file
/// The flags that say how references are prepared: the same for every subcommand that does so.

namespace klio::command {

/// Adds --from, --policy, --display, --view, --exposure, --gravity, --codec, --quality, --matte,
/// --image-view. `--fit` is left to the subcommand: on frames it has a second meaning.
void add_prepare_flags(CLI::App& app, PrepareOptions& options);

/// Takes what a recipe says under "klio" wherever no flag was given. Throws UsageError.
void take_recipe_options(const CLI::App& app, const std::map<std::string, std::string>& recipe,
                         PrepareOptions& options);

/// True where `text` is crop, pad or none: how a reference is brought to the ratio, as opposed to
/// WxH, how a frame is brought to a size.
bool is_reference_fit(const std::string& text);

} // namespace klio::command
