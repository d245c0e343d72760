#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// \file
/// Names as hosts open them: "shot.kling", "shot.kling?frame=3", "x.kling?prompt=a red fox".

namespace klio::oiio {

/// What is asked for beside the recipe, in the order given: name and value, decoded.
using Wishes = std::vector<std::pair<std::string, std::string>>;

struct Name {
    std::string file; ///< before the first '?'
    Wishes wishes;    ///< behind it
};

/// True where `name` is a recipe's, by its ending alone (.kling in any case, before the first '?').
/// Touches nothing and never throws.
bool is_recipe_name(std::string_view name) noexcept;

/// Splits at the first '?', then at each '&', then at the first '='. In a value, "%XX" and "~XX"
/// (two hexadecimal digits, from 20 on) stand for a byte, the second because oiiotool takes every
/// '%' for a sequence; a name with "64" behind it has a base64url value ("prompt64=…"). Throws
/// UsageError.
Name parse_name(const std::string& name);

} // namespace klio::oiio
