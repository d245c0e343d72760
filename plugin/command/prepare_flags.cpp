#include "prepare_flags.h"

#include <klio/error.h>

#include <cstdlib>

namespace klio::command {

void add_prepare_flags(CLI::App& app, PrepareOptions& options)
{
    const char* group = "References";
    app.add_option(
           "--from", options.from,
           "colour space of the references (default: metadata, then the config's file rules)")
        ->group(group);
    app.add_option(
           "--policy", options.policy,
           "texture (sRGB, clips above 1), view (the config's view) or compress (invertible "
           "highlight curve); default: texture, or view where highlights would clip")
        ->group(group);
    app.add_option("--display", options.display, "display of the view policy")->group(group);
    app.add_option("--view", options.view, "view of the view policy")->group(group);
    app.add_option("--exposure", options.exposure, "stops, or auto (default 0)")->group(group);
    app.add_option("--gravity", options.gravity,
                   "what a crop keeps: center, top, bottom, left, right, attention, x,y or WxH+X+Y")
        ->group(group);
    app.add_option("--codec", options.codec, "jpeg or png (default: jpeg, png for flat graphics)")
        ->group(group);
    app.add_option("--quality", options.quality, "JPEG quality, 1 to 100 (default 95)")
        ->group(group);
    app.add_option("--matte", options.matte,
                   "r,g,b behind alpha, in the source's space (default 0,0,0), or unpremult")
        ->group(group);
    app.add_option("--image-view", options.image_view, "part or view of a multi-view file")
        ->group(group);
}

void take_recipe_options(const CLI::App& app, const std::map<std::string, std::string>& recipe,
                         PrepareOptions& options)
{
    struct Row {
        const char* name;
        const char* flag;
        std::string* value;
    };
    const Row rows[] = {
        {"from", "--from", &options.from},
        {"policy", "--policy", &options.policy},
        {"display", "--display", &options.display},
        {"view", "--view", &options.view},
        {"exposure", "--exposure", &options.exposure},
        {"gravity", "--gravity", &options.gravity},
        {"codec", "--codec", &options.codec},
        {"matte", "--matte", &options.matte},
        {"image_view", "--image-view", &options.image_view},
    };
    for (const Row& row : rows) {
        const auto found = recipe.find(row.name);
        if (found != recipe.end() && app.count(row.flag) == 0)
            *row.value = found->second;
    }
    const auto quality = recipe.find("quality");
    if (quality != recipe.end() && app.count("--quality") == 0)
        options.quality = std::atoi(quality->second.c_str());
}

bool is_reference_fit(const std::string& text)
{
    return text == "crop" || text == "pad" || text == "none";
}

} // namespace klio::command
