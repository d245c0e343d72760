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
        const std::string& meaning = recipe_options().at(name);
        if (name == "fit")
            app.add_option_function<std::vector<std::string>>(
                   flag,
                   [&given](const std::vector<std::string>& values) {
                       for (const std::string& value : values)
                           given[option_name("fit", value)] = value;
                   },
                   meaning)
                ->expected(1, 2)
                ->allow_extra_args(false)
                ->group(group);
        else
            app.add_option_function<std::string>(
                   flag, [&given, name](const std::string& value) { given[name] = value; }, meaning)
                ->group(group);
    }
}

std::string base_ten(std::string number)
{
    if (number.find_first_not_of("0123456789") == std::string::npos)
        number.erase(0, std::min(number.find_first_not_of('0'), number.size() - 1));
    return number;
}

const std::vector<std::string>& prepare_option_names()
{
    static const std::vector<std::string> names
        = {"from",    "policy", "display", "view",  "exposure",  "peak",
           "gravity", "codec",  "quality", "matte", "image_view"};
    return names;
}

} // namespace klio::command
