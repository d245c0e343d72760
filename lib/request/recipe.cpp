#include <klio/recipe.h>

#include "base/encoding.h"
#include "base/file.h"
#include "base/json.h"
#include "request/model.h"

#include <algorithm>
#include <cctype>
#include <cmath>

namespace klio {

using base::Json;

const std::map<std::string, std::string>& recipe_options()
{
    static const std::map<std::string, std::string> options = {
        {"from",
         "colour space of the references (default: metadata, then the config's file rules)"},
        {"policy",
         "texture (sRGB, clips above 1), view (the config's view) or compress (invertible "
         "highlight "
         "curve); default: texture, or view where highlights would clip"},
        {"display", "display of the view policy"},
        {"view", "view of the view policy"},
        {"peak", "policy compress: the value that becomes white (default: the brightest)"},
        {"exposure", "stops, or auto: the picture's log-average to middle grey (default 0)"},
        {"fit", "references: crop (default), pad, none; frames: WxH, WxH:letterbox|width|height"},
        {"frame_fit", "frames: WxH, WxH:letterbox|width|height, beside a fit of the references"},
        {"gravity",
         "what a crop keeps: center (default), top, bottom, left, right, attention (the subject), "
         "a point x,y or a rectangle WxH+X+Y in pixels of the source"},
        {"codec", "jpeg or png (default: jpeg, png for flat graphics)"},
        {"quality", "JPEG quality, 1 to 100 (default 95)"},
        {"matte",
         "behind alpha: r,g,b in the source's space, black (default), white, or unpremult"},
        {"image_view", "part or view of a multi-part or multi-view file, by name or number"},
        {"to", "colour space of the frames (default: the first reference's; srgb: as they came)"},
        {"conform", "a plate that the frames are put back on"},
        {"match", "color: bring each frame's low frequencies to the reference's"},
        {"endpoint", "the service's address, or local"},
        {"prepare_urls", "true: URL references are fetched, prepared and staged too"},
    };
    return options;
}

std::string option_name(const std::string& name, const std::string& value)
{
    const bool of_references = value == "crop" || value == "pad" || value == "none";
    return name == "fit" && !of_references ? "frame_fit" : name;
}

namespace {

std::string type_name(const Json& value)
{
    return value.is_number() ? "a number"
        : value.is_string()  ? "text"
        : value.is_array()   ? "a list"
        : value.is_object()  ? "an object"
        : value.is_boolean() ? "true/false"
                             : "null";
}

std::string shown(const Json& value)
{
    const std::string text = base::to_text(value);
    return text.size() <= 60 ? text : text.substr(0, 57) + "...";
}

class Reader {
public:
    Reader(Recipe& recipe, std::vector<Problem>& problems) : m_recipe(recipe), m_problems(problems)
    {
    }

    void read(const Json& json)
    {
        Request& request = m_recipe.request;
        text(json, "model", request.model);
        const bool own = request.model == default_model;
        for (const auto& [name, value] : json.items()) {
            if (name == "model")
                continue;
            if (name == "prompt")
                text(json, name, request.prompt);
            else if (name == "type")
                text(json, name, request.type);
            else if (name == "aspect_ratio")
                text(json, name, request.aspect_ratio);
            else if (name == "resolution")
                text(json, name, request.resolution);
            else if (name == "num_images")
                integer(value, name, request.num_images);
            else if (name == "images")
                images(value);
            else if (name == "klio")
                klio_options(value);
            else if (own)
                unknown(name, value, kling::fields(), "klio");
            else
                request.params[name] = base::to_text(value);
        }
    }

private:
    void wrong(const std::string& field, const Json& value, const std::string& wanted)
    {
        m_problems.push_back(
            {field, shown(value), "must be " + wanted + ", not " + type_name(value)});
    }

    void text(const Json& json, const std::string& name, std::string& out)
    {
        const auto found = json.find(name);
        if (found == json.end())
            return;
        if (found->is_string())
            out = found->get<std::string>();
        else
            wrong(name, *found, "text");
    }

    void integer(const Json& value, const std::string& name, int& out)
    {
        const double number = value.is_number() ? value.get<double>() : NAN;
        if (number == std::floor(number) && std::fabs(number) < 1e9)
            out = static_cast<int>(number);
        else
            m_problems.push_back({name, shown(value), "must be a whole number"});
    }

    void images(const Json& value)
    {
        if (!value.is_array()) {
            wrong("images", value, "a list of files or URLs");
            return;
        }
        for (const Json& image : value) {
            if (!image.is_string()) {
                wrong("images", image, "a file or a URL");
                continue;
            }
            m_recipe.request.images.push_back(absolute(image.get<std::string>()));
        }
    }

    std::string absolute(const std::string& image) const
    {
        if (m_recipe.path.empty() || image.empty() || image[0] == '/'
            || image.find("://") != std::string::npos || image.compare(0, 5, "data:") == 0)
            return image;
        return base::absolute_path(base::join_path(base::parent_folder(m_recipe.path), image));
    }

    void klio_options(const Json& value)
    {
        if (!value.is_object()) {
            wrong("klio", value, "an object");
            return;
        }
        std::vector<std::string> names {"take"};
        for (const auto& [name, meaning] : recipe_options())
            names.push_back(name);
        for (const auto& [name, option] : value.items()) {
            if (name == "take")
                integer(option, "klio.take", m_recipe.request.take);
            else if (std::find(names.begin(), names.end(), name) == names.end())
                unknown(name, option, names, {}, "klio.");
            else if (option.is_string())
                keep(name,
                     name == "conform" ? absolute(option.get<std::string>())
                                       : option.get<std::string>());
            else if (name == "conform")
                wrong("klio.conform", option, "a file");
            else if (option.is_number() || option.is_boolean())
                keep(name, base::to_text(option));
            else
                wrong("klio." + name, option, "text or a number");
        }
    }

    void keep(const std::string& name, const std::string& value)
    {
        m_recipe.options[option_name(name, value)] = value;
    }

    void unknown(const std::string& name, const Json& value, std::vector<std::string> known,
                 const std::string& also = {}, const std::string& prefix = {})
    {
        if (!also.empty())
            known.push_back(also);
        const std::string near = base::nearest(name, known);
        std::string rule = "unknown key";
        if (!near.empty())
            rule += "; did you mean '" + prefix + near + "'?";
        else if (prefix.empty() && recipe_options().count(name))
            rule += "; it stands under \"klio\"";
        m_problems.push_back({prefix + name, shown(value), rule});
    }

    Recipe& m_recipe;
    std::vector<Problem>& m_problems;
};

} // namespace

namespace {

// The service's documentation shows whole curl commands, and people save what they see. The body
// is what stands behind --data-raw, in the shell's quotes; everything else of the command, a key
// above all, is left alone. False where `text` is no such command.
bool body_of_curl_command(const std::string& text, std::string& body)
{
    const size_t first = text.find_first_not_of(" \t\r\n$");
    if (first == std::string::npos || text.compare(first, 5, "curl ") != 0)
        return false;
    size_t at = std::string::npos;
    for (const char* flag : {" --data-raw ", " --data-binary ", " --data ", " -d "}) {
        const size_t found = text.find(flag);
        if (found != std::string::npos)
            at = std::min(at, text.find_first_not_of(' ', found + std::string(flag).size()));
    }
    if (at == std::string::npos)
        return false;
    body.clear();
    // Adjacent quoted pieces are one word, as in 'It'\''s'.
    while (at < text.size() && !std::isspace(static_cast<unsigned char>(text[at]))) {
        const char quote = text[at];
        if (quote == '\'') {
            const size_t end = text.find('\'', at + 1);
            if (end == std::string::npos)
                return false;
            body.append(text, at + 1, end - at - 1);
            at = end + 1;
        } else if (quote == '"') {
            for (++at; at < text.size() && text[at] != '"'; ++at) {
                if (text[at] == '\\' && at + 1 < text.size()
                    && std::string("\"\\$`").find(text[at + 1]) != std::string::npos)
                    ++at;
                body += text[at];
            }
            ++at;
        } else {
            if (quote == '\\' && at + 1 < text.size())
                ++at;
            body += text[at++];
        }
    }
    return true;
}

} // namespace

Recipe parse_recipe(const std::string& text, const std::string& path)
{
    const std::string name = path.empty() ? "recipe" : path;
    std::string body;
    Json json;
    base::JsonError error;
    if (!base::parse_json(body_of_curl_command(text, body) ? body : text, json, error))
        throw UsageError(
            name
            + (error.line ? ":" + std::to_string(error.line) + ":" + std::to_string(error.column)
                          : std::string())
            + ": " + error.message);
    if (!json.is_object())
        throw UsageError(name
                         + ": a recipe is a JSON object, the body of the service's create call");
    Recipe recipe;
    recipe.path = path;
    std::vector<Problem> problems;
    Reader(recipe, problems).read(json);
    if (!problems.empty()) {
        if (!path.empty())
            problems.front().field = path + ": " + problems.front().field;
        throw RequestError(std::move(problems));
    }
    return recipe;
}

Recipe read_recipe(const std::string& path)
{
    return parse_recipe(base::read_file(path, 1 << 20), path);
}

std::string write_recipe(const Recipe& recipe)
{
    base::OrderedJson json
        = base::OrderedJson::parse(request_body(recipe.request, recipe.request.images));
    if (recipe.request.take != 1)
        json["klio"]["take"] = recipe.request.take;
    for (const auto& [name, value] : recipe.options)
        json["klio"][name] = value;
    return base::to_text(json, 2) + "\n";
}

} // namespace klio
