#pragma once

#include <string>

namespace klio::base {

/// True where `path` names a recipe: by its ending alone, in any case, before a query, as
/// OpenImageIO finds the reader. In a host that has klio's plugin such a file opens as an image.
bool names_recipe(const std::string& path);

} // namespace klio::base
