#include <klio/recipe_options.h>

#include <klio/error.h>
#include <klio/recipe.h>

namespace klio {

namespace {

int quality_of(const std::string& text)
{
    size_t end = 0;
    int value = 0;
    try {
        value = std::stoi(text, &end);
    } catch (const std::exception&) {
        end = 0;
    }
    if (end != text.size() || text.empty() || value < 1 || value > 100)
        throw UsageError("quality '" + text + "': must be 1 to 100");
    return value;
}

bool truth_of(const std::string& name, const std::string& text)
{
    if (text == "true" || text == "1")
        return true;
    if (text == "false" || text == "0")
        return false;
    throw UsageError(name + " '" + text + "': must be true or false");
}

} // namespace

void apply_options(const std::map<std::string, std::string>& options, GenerateOptions& generate,
                   FrameOptions& frame)
{
    PrepareOptions& prepare = generate.prepare;
    const std::map<std::string, std::string*> texts = {
        {"from", &prepare.from},
        {"policy", &prepare.policy},
        {"display", &prepare.display},
        {"view", &prepare.view},
        {"exposure", &prepare.exposure},
        {"peak", &prepare.peak},
        {"gravity", &prepare.gravity},
        {"codec", &prepare.codec},
        {"matte", &prepare.matte},
        {"image_view", &prepare.image_view},
        {"to", &frame.to},
        {"conform", &frame.conform},
        {"match", &frame.match},
        {"endpoint", &generate.endpoint},
    };
    for (const auto& [name, value] : options) {
        // A script's empty variable must not turn a test into a purchase.
        if (name == "endpoint" && value.empty())
            throw UsageError("endpoint is empty; leave it out for the settings' own");
        const auto text = texts.find(name);
        if (text != texts.end())
            *text->second = value;
        else if (name == "quality")
            prepare.quality = quality_of(value);
        else if (name == "prepare_urls")
            generate.prepare_urls = truth_of(name, value);
        else if (name == "fit")
            (value == "crop" || value == "pad" || value == "none" ? prepare.fit : frame.fit)
                = value;
        else
            throw UsageError("unknown option '" + name + "'");
    }
}

} // namespace klio
