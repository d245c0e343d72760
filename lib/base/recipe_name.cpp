#include "base/recipe_name.h"

#include "base/encoding.h"

#include <string_view>

namespace klio::base {

bool names_recipe(const std::string& path)
{
    constexpr std::string_view ending = ".kling";
    const std::string file = lower(path.substr(0, path.find('?')));
    return file.size() >= ending.size()
        && file.compare(file.size() - ending.size(), ending.size(), ending) == 0;
}

} // namespace klio::base
