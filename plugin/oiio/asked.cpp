#include "asked.h"

#include "one_line.h"

#include "base/encoding.h"
#include "base/file.h"

#include <klio/local_session.h>
#include <klio/recipe_options.h>

#include <algorithm>
#include <cstdio>

namespace klio::oiio {

namespace {

// Options that say what is made of the frames once they are there.
constexpr const char* of_views[] = {"to", "conform", "match", "frame_fit"};

constexpr const char* hint_prefix = "klio:";

int whole_number(const std::string& name, const std::string& value, int least)
{
    size_t end = 0;
    int number = 0;
    try {
        number = std::stoi(value, &end);
    } catch (const std::exception&) {
        end = 0;
    }
    if (value.empty() || end != value.size() || number < least)
        throw UsageError(name + " '" + value + "': must be a whole number, " + std::to_string(least)
                         + " or more");
    return number;
}

bool truth(const std::string& name, const std::string& value)
{
    if (value == "1" || value == "true")
        return true;
    if (value == "0" || value == "false")
        return false;
    throw UsageError(name + " '" + value + "': must be 1 or 0");
}

OnMiss on_miss_from(const std::string& value)
{
    if (value == "error")
        return OnMiss::error;
    if (value == "generate")
        return OnMiss::generate;
    if (value == "preview")
        return OnMiss::preview;
    throw UsageError("on_miss '" + value + "': must be error, generate or preview");
}

// One word of a shell, on one line: what a prompt has of control characters is spelled out, as
// bash, zsh and ksh read it.
std::string shell_word(const std::string& text)
{
    if (one_line(text) == text)
        return base::shell_quoted(text);
    std::string word = "$'";
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        char spelled[8];
        if (c == '\'' || c == '\\')
            std::snprintf(spelled, sizeof spelled, "\\%c", c);
        else if (byte >= 0x20 && byte < 0x7f)
            std::snprintf(spelled, sizeof spelled, "%c", c);
        else
            std::snprintf(spelled, sizeof spelled, "\\%03o", unsigned(byte));
        word += spelled;
    }
    return word + "'";
}

// Hosts pass hints on with whatever type they have; OIIO's own ("oiio:…") are none of ours.
Wishes hints_of(const OIIO::ImageSpec& config)
{
    const std::string prefix = hint_prefix;
    Wishes wishes;
    for (const OIIO::ParamValue& hint : config.extra_attribs) {
        const std::string name = hint.name().string();
        if (name.compare(0, prefix.size(), prefix) == 0)
            wishes.emplace_back(name.substr(prefix.size()), hint.get_string());
    }
    return wishes;
}

[[noreturn]] void unknown(const std::string& name)
{
    std::vector<std::string> known;
    for (const auto& [view, meaning] : view_names())
        known.push_back(view);
    for (const auto& [option, meaning] : recipe_options())
        known.push_back(option);
    const std::string near = base::nearest(name, known);
    throw UsageError("unknown name '" + name + "'"
                     + (near.empty() ? std::string() : "; did you mean '" + near + "'?"));
}

/// Lays wishes over what the recipe says, and notes the flags that the command needs for the same.
class Overlay {
public:
    Overlay(Asked& asked, std::map<std::string, std::string>& options)
        : m_asked(asked), m_options(options)
    {
    }

    void apply(const Wishes& wishes)
    {
        bool images = false;
        for (const auto& [name, value] : wishes) {
            if (name == "image" && !images) {
                images = true;
                m_asked.recipe.request.images.clear();
                m_flags.erase("image");
            }
            wish(name, value);
        }
    }

    void check() const
    {
        if (m_asked.sheet && !m_of_frames.empty())
            throw UsageError("sheet=1 shows all frames as they came; it goes without '"
                             + m_of_frames + "'");
    }

    std::string flags() const
    {
        std::string text;
        for (const auto& [name, values] : m_flags)
            for (const std::string& value : values) {
                const bool bare = name.rfind("prepare-urls", 0) == 0;
                text += " --" + (name == "frame-fit" ? std::string("fit") : name)
                    + (bare ? std::string() : " " + shell_word(value));
            }
        return text;
    }

private:
    void wish(const std::string& name, const std::string& value)
    {
        Request& request = m_asked.recipe.request;
        if (name == "frame")
            m_of_frames = name, m_asked.only_frame = whole_number(name, value, 1);
        else if (name == "sheet")
            m_asked.sheet = truth(name, value);
        else if (name == "on_miss")
            m_asked.on_miss = on_miss_from(value);
        else if (name == "take")
            request.take = whole_number(name, value, 1), flag(name, std::to_string(request.take));
        else if (name == "num_images")
            request.num_images = whole_number(name, value, 1),
            flag(name, std::to_string(request.num_images));
        else if (name == "prompt")
            flag(name, value), request.prompt = value;
        else if (name == "type")
            flag(name, value), request.type = value;
        else if (name == "model")
            flag(name, value), request.model = value;
        else if (name == "aspect_ratio")
            flag(name, value), request.aspect_ratio = value;
        else if (name == "resolution")
            flag(name, value), request.resolution = value;
        else if (name == "image") {
            request.images.push_back(absolute(value));
            m_flags["image"].push_back(request.images.back());
        } else if (recipe_options().count(name)) {
            const std::string kept = option_name(name, value);
            m_options[kept] = name == "conform" ? absolute(value) : value;
            if (std::find(std::begin(of_views), std::end(of_views), kept) != std::end(of_views))
                m_of_frames = name;
            if (kept == "prepare_urls")
                prepare_urls_flag(truth(name, value));
            else
                flag(kept, m_options[kept]);
        } else {
            unknown(name);
        }
    }

    void flag(std::string name, const std::string& value)
    {
        std::replace(name.begin(), name.end(), '_', '-');
        m_flags[name] = {value};
    }

    // Of --prepare-urls; "no" needs saying where the recipe says "yes".
    void prepare_urls_flag(bool wanted)
    {
        m_flags.erase("prepare-urls");
        m_flags.erase("prepare-urls=false");
        const auto in_recipe = m_asked.recipe.options.find("prepare_urls");
        if (wanted)
            m_flags["prepare-urls"] = {""};
        else if (in_recipe != m_asked.recipe.options.end())
            m_flags["prepare-urls=false"] = {""};
    }

    // As in a recipe: relative to where the recipe is, or would be.
    std::string absolute(const std::string& path) const
    {
        if (path.empty() || path[0] == '/' || path.find("://") != std::string::npos)
            return path;
        return base::absolute_path(base::join_path(base::parent_folder(m_asked.file), path));
    }

    Asked& m_asked;
    std::map<std::string, std::string>& m_options;
    std::map<std::string, std::vector<std::string>> m_flags;
    std::string m_of_frames; ///< a wish that a sheet, which shows them all, can't heed
};

bool has_prompt(const Wishes& wishes)
{
    return std::any_of(wishes.begin(), wishes.end(),
                       [](const auto& wish) { return wish.first == "prompt"; });
}

} // namespace

const std::map<std::string, std::string>& view_names()
{
    static const std::map<std::string, std::string> names = {
        {"frame", "one frame alone, 1 to 9 (default: all, as subimages)"},
        {"sheet", "1: the contact sheet instead of the frames"},
        {"take", "another take than the recipe's"},
        {"on_miss", "without frames in the store: error (default), generate, preview"},
        {"prompt", "the prompt, in place of the recipe's or without a recipe file"},
        {"image", "a reference, relative to the recipe; may be repeated"},
        {"type", "image-to-image or ai-multi-shot"},
        {"aspect_ratio", "1:1 16:9 9:16 4:3 3:4 3:2 2:3 21:9 auto"},
        {"resolution", "1k or 2k"},
        {"num_images", "1 to 9"},
        {"model", "another model of the same endpoint"},
    };
    return names;
}

Asked understand(const std::string& name, const OIIO::ImageSpec& config, const Settings& settings)
{
    const Name parsed = parse_name(name);
    const Wishes hints = hints_of(config);
    Asked asked;
    asked.name = name;
    asked.file = parsed.file;
    asked.on_miss = on_miss_from(settings.get("on_miss"));
    asked.bare = !base::exists(parsed.file);
    if (!asked.bare)
        asked.recipe = parse_recipe(base::read_file(parsed.file, 1 << 20, base::FileKind::regular),
                                    parsed.file);
    else if (!has_prompt(parsed.wishes) && !has_prompt(hints))
        throw ReferenceError(parsed.file + ": there is no such recipe");

    std::map<std::string, std::string> options = asked.recipe.options;
    Overlay overlay(asked, options);
    try {
        overlay.apply(hints);
        overlay.apply(parsed.wishes);
        overlay.check();
        apply_options(options, asked.generate, asked.frame);
    } catch (const UsageError& error) {
        throw UsageError(name + ": " + error.what());
    }
    asked.frame.threads = int(settings.number("threads", 0));
    asked.generate.prepare.threads = asked.frame.threads;
    asked.recipe.options = options;
    const std::string endpoint
        = asked.generate.endpoint.empty() ? settings.get("endpoint") : asked.generate.endpoint;
    asked.local = names_local_gateway(settings, asked.generate);
    // Names stand in scripts and scenes of other people; who spends says so himself.
    const bool by_name
        = std::any_of(parsed.wishes.begin(), parsed.wishes.end(), [](const auto& wish) {
              return wish.first == "on_miss" && wish.second == "generate";
          });
    if (by_name && !asked.local && normalized_endpoint(endpoint).rfind("http://", 0) != 0)
        throw UsageError(name
                         + ": a name can't buy; set KLIO_ON_MISS=generate, or give the hint "
                           "klio:on_miss=generate");
    const Price cost = price(asked.recipe.request);
    asked.price = asked.local ? std::string("nothing (the local gateway's previews)")
        : cost.known          ? cost.text()
                              : "an unknown number of credits";
    asked.command = "klio generate" + (asked.bare ? std::string() : " " + shell_word(parsed.file))
        + overlay.flags();
    // What a view makes of the frames is not what is bought.
    Recipe bought = asked.recipe;
    for (const char* name_of_view : of_views)
        bought.options.erase(name_of_view);
    asked.key
        = settings.data_folder() + "\n" + settings.get("endpoint") + "\n" + write_recipe(bought);
    return asked;
}

} // namespace klio::oiio
