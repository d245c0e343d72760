#include <klio/recipe_options.h>

#include <klio/error.h>
#include <klio/recipe.h>

namespace klio {

namespace {

using Problems = std::vector<Problem>;

void read_quality(const std::string& text, int& quality, Problems& problems)
{
    size_t end = 0;
    int value = 0;
    try {
        value = std::stoi(text, &end);
    } catch (const std::exception&) {
        end = 0;
    }
    if (end != text.size() || text.empty() || value < 1 || value > 100)
        problems.push_back({"quality", text, "must be 1 to 100"});
    else
        quality = value;
}

void read_truth(const std::string& name, const std::string& text, bool& truth, Problems& problems)
{
    if (text == "true" || text == "1")
        truth = true;
    else if (text == "false" || text == "0")
        truth = false;
    else
        problems.push_back({name, text, "must be true or false"});
}

} // namespace

void apply_options(const std::map<std::string, std::string>& options, GenerateOptions& generate,
                   FrameOptions& frame)
{
    Problems problems;
    apply_options(options, generate, frame, problems);
    if (!problems.empty())
        throw UsageError(RequestError(std::move(problems)).what());
}

void apply_options(const std::map<std::string, std::string>& options, GenerateOptions& generate,
                   FrameOptions& frame, Problems& problems)
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
        {"frame_fit", &frame.fit},
        {"match", &frame.match},
        {"endpoint", &generate.endpoint},
    };
    for (const auto& [name, value] : options) {
        // A script's empty variable must not turn a test into a purchase.
        if (name == "endpoint" && value.empty())
            problems.push_back({"endpoint is empty", "", "leave it out for the settings' own"});
        const auto text = texts.find(name);
        if (text != texts.end())
            *text->second = value;
        else if (name == "quality")
            read_quality(value, prepare.quality, problems);
        else if (name == "prepare_urls")
            read_truth(name, value, generate.prepare_urls, problems);
        else if (name == "fit")
            (option_name(name, value) == name ? prepare.fit : frame.fit) = value;
        else
            problems.push_back({"unknown option", name, "no option of a recipe has this name"});
    }
}

} // namespace klio
