#include "option_flags.h"

#include <klio/recipe.h>

#include <algorithm>

namespace klio::command {

void add_option_flags(CLI::App& app, std::map<std::string, std::string>& given,
                      const std::string& group, const std::vector<std::string>& names)
{
    for (const std::string& name : names) {
        std::string flag = "--" + name;
        std::replace(flag.begin(), flag.end(), '_', '-');
        app.add_option_function<std::string>(
               flag, [&given, name](const std::string& value) { given[name] = value; },
               recipe_options().at(name))
            ->group(group);
    }
}

const std::vector<std::string>& prepare_option_names()
{
    static const std::vector<std::string> names
        = {"from",    "policy", "display", "view",  "exposure",  "peak",
           "gravity", "codec",  "quality", "matte", "image_view"};
    return names;
}

} // namespace klio::command
