#include "command.h"
#include "plugin_path.h"

#include "base/file.h"
#include "base/json.h"
#include "base/secret.h"
#include "base/sha256.h"

#include <klio/staging.h>
#include <klio/version.h>

#include <OpenImageIO/imageio.h>

#include <dlfcn.h>
#include <unistd.h>

#include <cctype>
#include <cstdio>
#include <cstdlib>
#include <memory>

namespace klio::command {

namespace {

/// One finding: good, or what is wrong and what to do. Advice is what a user may well leave so.
struct Finding {
    std::string name;
    bool good = true;
    std::string text;
    bool advice = false;
};

Finding check_data_folder(const Settings& settings)
{
    const std::string folder = settings.data_folder();
    try {
        base::make_folders(folder, 0700);
        const std::string probe = base::join_path(folder, ".doctor");
        base::write_file_atomic(probe, "klio", 0600);
        ::unlink(probe.c_str());
        return {"data folder", true, folder};
    } catch (const Error& error) {
        return {"data folder", false,
                std::string(error.what()) + "; set KLIO_HOME to a folder that can be written"};
    }
}

Finding check_key(const Settings& settings)
{
    try {
        const std::string key = settings.api_key();
        if (key.empty())
            return {"API key", false,
                    "not set; set KLIO_API_KEY or KLIO_KEY_FILE (--local needs none)", true};
        return {"API key", true, base::Secret(key).hint() + " from " + settings.api_key_origin()};
    } catch (const Error& error) {
        return {"API key", false, error.what()};
    }
}

// What `ldd -r` misses for a library, in a process that has nothing loaded yet, as a host has not;
// here libklio itself is long there. Empty where nothing is missing, or there is no ldd.
std::string missing_libraries(const std::string& path)
{
    std::string quoted;
    for (const char c : path)
        quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
    std::string missing;
    FILE* pipe = ::popen(("ldd -r '" + quoted + "' 2>&1").c_str(), "r");
    if (!pipe)
        return missing;
    char line[4096];
    while (std::fgets(line, sizeof line, pipe)) {
        std::string text = line;
        const bool absent = text.find("not found") != std::string::npos;
        if (!absent && text.find("undefined symbol") == std::string::npos)
            continue;
        text.erase(0, text.find_first_not_of(" \t"));
        while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back())))
            text.pop_back();
        if (missing.size() < 400)
            missing += (missing.empty() ? "" : "; ") + text;
    }
    ::pclose(pipe);
    return missing;
}

// OpenImageIO is silent about a plugin that does not load, so it is loaded here by hand.
Finding check_plugin_file(const std::string& path)
{
    const std::string again = "; install klio again, built for the OpenImageIO of this machine";
    const std::string missing = missing_libraries(path);
    if (!missing.empty())
        return {"plugin", false, path + " does not load: " + missing + again};
    void* handle = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (!handle)
        return {"plugin", false, path + " does not load: " + ::dlerror() + again};
    const auto* version = static_cast<const int*>(::dlsym(handle, "kling_imageio_version"));
    if (!version)
        return {"plugin", false, path + ": has no kling_imageio_version" + again};
    if (*version == -1)
        return {"plugin", false,
                path + ": is built for another OpenImageIO than version " OIIO_VERSION_STRING
                    + again};
    if (*version != OIIO_PLUGIN_VERSION)
        return {"plugin", false,
                path + ": was built for plugin version " + std::to_string(*version)
                    + ", this OpenImageIO wants " + std::to_string(OIIO_PLUGIN_VERSION) + again};
    return {"plugin", true, path};
}

Finding check_plugin()
{
    const std::string folder = plugin_folder();
    if (folder.empty())
        return {"plugin", false, "kling.imageio.so is not beside this klio; install it again"};
    return check_plugin_file(base::join_path(folder, "kling.imageio.so"));
}

// Through OpenImageIO itself: a recipe must reach our reader. One that the store can't have gives
// our own error, which proves as much as frames would.
Finding check_reader(const Settings& settings)
{
    const char* name = "recipe through OpenImageIO";
    const std::string folder = plugin_folder();
    const std::string recipe = base::join_path(settings.data_folder(),
                                               ".doctor-" + std::to_string(::getpid()) + ".kling");
    try {
        base::write_file_atomic(recipe,
                                "{\"model\": \"kling-image-o1\", \"prompt\": \"klio doctor "
                                    + base::random_hex(8) + "\"}\n");
    } catch (const Error& error) {
        return {name, false, error.what()};
    }
    // "plugin_searchpath" is process-wide, and this process is ours.
    OIIO::attribute("plugin_searchpath", folder);
    const auto input = OIIO::ImageInput::create(recipe);
    const bool ours = input && std::string(input->format_name()) == "kling";
    std::string message = input ? std::string() : OIIO::geterror();
    if (ours) {
        // Settings may say that a miss buys.
        OIIO::ImageSpec spec, config;
        config.attribute("klio:on_miss", "error");
        input->open(recipe, spec, config);
        message = input->geterror();
    }
    ::unlink(recipe.c_str());
    if (!ours)
        return {name, false, "OpenImageIO does not reach the plugin: " + message};
    if (message.find("not generated yet") == std::string::npos)
        return {name, false, "kling.imageio.so does not say what it should: " + message};
    return {name, true,
            "kling.imageio.so answers in OpenImageIO " + std::string(OIIO_VERSION_STRING)};
}

// The plugin that hosts find is the first on their path, which may be another klio's.
Finding check_search_path()
{
    const char* variable = OIIO_VERSION >= 30000 ? "OPENIMAGEIO_PLUGIN_PATH" : "OIIO_LIBRARY_PATH";
    const char* value = std::getenv(variable);
    const std::string path = value ? value : "";
    for (size_t at = 0; at < path.size();) {
        const size_t end = std::min(path.find(':', at), path.size());
        const std::string folder = path.substr(at, end - at);
        const std::string file = base::join_path(folder, "kling.imageio.so");
        at = end + 1;
        if (folder.empty() || !base::exists(file))
            continue;
        if (base::absolute_path(folder) == plugin_folder())
            return {"search path", true, variable};
        Finding found = check_plugin_file(file);
        if (!found.good)
            return {"search path", false, std::string(variable) + ": " + found.text};
        return {"search path", false,
                std::string(variable) + " names another klio's plugin first: " + file, true};
    }
    return {"search path", false,
            std::string(variable) + " does not name the plugin's folder; run: eval \"$(klio env)\"",
            true};
}

void print_settings(const Context& context)
{
    base::OrderedJson json = {{"event", "settings"}};
    for (const Setting& setting : context.settings.all()) {
        std::string name = setting.name;
        name.resize(std::max<size_t>(name.size(), 16), ' ');
        print_line(context,
                   name + " " + (setting.value.empty() ? "-" : setting.value) + "  ("
                       + setting.origin + "; " + setting.environment + "; " + setting.meaning
                       + ")");
        json["settings"].push_back(
            {{"name", setting.name}, {"value", setting.value}, {"origin", setting.origin}});
    }
    print_json(context, base::to_text(json));
}

void print(const Context& context, const Finding& finding)
{
    const char* mark = finding.good ? "ok    " : finding.advice ? "note  " : "FAULT ";
    print_line(context, mark + finding.name + ": " + finding.text);
    print_json(context,
               base::to_text(base::OrderedJson {{"event", "check"},
                                                {"name", finding.name},
                                                {"ok", finding.good},
                                                {"advice", finding.advice},
                                                {"text", base::mask(finding.text)}}));
}

void check_installation(const Context& context)
{
    const char* ocio = std::getenv("OCIO");
    const Finding findings[] = {
        {"klio", true, std::string(version()) + ", built for OpenImageIO " OIIO_VERSION_STRING},
        {"OpenImageIO", true, "library " + std::to_string(OIIO::openimageio_version())},
        {"OCIO", true, ocio ? std::string(ocio) : "not set; klio's own small config is used"},
        check_data_folder(context.settings),
        check_key(context.settings),
        check_plugin(),
        check_search_path(),
        check_reader(context.settings),
    };
    bool good = true;
    for (const Finding& finding : findings) {
        print(context, finding);
        good = good && (finding.good || finding.advice);
    }
    print_line(context, "");
    print_settings(context);
    if (!good)
        throw Error(ErrorKind::internal, "this installation has faults; they are marked above");
}

void check_staging(const Context& context, const std::string& setting)
{
    bool good = true;
    check_stage(context.settings, setting, context.cancel, [&](const StageStep& step) {
        good = good && step.ok;
        print(context, {"stage " + step.name, step.ok, step.result});
    });
    if (!good)
        throw StagingError("the stage does not work as klio needs it; see above");
}

void add_doctor(CLI::App& app, Context& context)
{
    struct Flags {
        bool stage = false;
        std::string setting;
    };
    auto flags = std::make_shared<Flags>();
    CLI::App* sub = app.add_subcommand(
        "doctor", "check this installation, and print every setting with its origin");
    sub->add_flag("--stage", flags->stage,
                  "check instead how references get a URL, from outside, with a test image");
    sub->add_option("setting", flags->setting, "the stage to check (default: KLIO_STAGE)");
    sub->callback([&context, flags] {
        if (flags->stage)
            check_staging(context, flags->setting);
        else
            check_installation(context);
    });
}

const RegisterCommand registered {85, add_doctor};

} // namespace

} // namespace klio::command
