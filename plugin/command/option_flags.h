#pragma once

#include <CLI/CLI.hpp>

#include <map>
#include <string>
#include <vector>

/// \file
/// A recipe's options as flags: one table, recipe_options(), names both.

namespace klio::command {

/// Adds a flag for each of `names` (a recipe's "image_view" is --image-view); what is given lands
/// in `given`, under the recipe's name (option_name()). --fit may be given twice: for references,
/// and for frames.
void add_option_flags(CLI::App& app, std::map<std::string, std::string>& given,
                      const std::string& group, const std::vector<std::string>& names);

/// A number that CLI11 takes for what it looks like: it reads leading zeros, which names padded by
/// oiiotool have, as octal. For Option::transform().
std::string base_ten(std::string number);

/// The options that say how references are prepared, but "fit".
const std::vector<std::string>& prepare_option_names();

} // namespace klio::command
