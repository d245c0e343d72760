#include "command.h"
#include "plugin_path.h"

#include "base/file.h"
#include "base/json.h"
#include "base/secret.h"

#include <klio/version.h>

#include <OpenImageIO/imageio.h>

#include <dlfcn.h>
#include <unistd.h>

#include <cstdlib>
#include <functional>

namespace klio::command {

namespace {

/// One finding: good, or what is wrong and what to do.
struct Finding {
    std::string name;
    bool good = true;
    std::string text;
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
                    "not set; set KLIO_API_KEY or KLIO_KEY_FILE (--local needs none)"};
        return {"API key", true, base::Secret(key).hint() + " from " + settings.api_key_origin()};
    } catch (const Error& error) {
        return {"API key", false, error.what()};
    }
}

// OpenImageIO is silent about a plugin that does not load, so it is loaded here by hand first.
Finding check_plugin()
{
    const std::string folder = plugin_folder();
    if (folder.empty())
        return {"plugin", false, "kling.imageio.so is not beside this klio; install it again"};
    const std::string path = base::join_path(folder, "kling.imageio.so");
    void* handle = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (!handle)
        return {"plugin", false, "does not load: " + std::string(::dlerror())};
    const auto* version = static_cast<const int*>(::dlsym(handle, "kling_imageio_version"));
    if (!version)
        return {"plugin", false, path + ": has no kling_imageio_version"};
    if (*version != OIIO_PLUGIN_VERSION)
        return {"plugin", false,
                path + ": was built for plugin version " + std::to_string(*version)
                    + ", this OpenImageIO wants " + std::to_string(OIIO_PLUGIN_VERSION)};
    return {"plugin", true, path};
}

// Through OpenImageIO itself: a recipe must reach our reader. One that the store does not have
// gives our own error, which proves as much as frames would.
Finding check_reader(const Settings& settings)
{
    const std::string folder = plugin_folder();
    const std::string recipe = base::join_path(settings.data_folder(),
                                               ".doctor-" + std::to_string(::getpid()) + ".kling");
    try {
        base::write_file_atomic(recipe,
                                "{\"model\": \"kling-image-o1\", \"prompt\": \"klio doctor\"}\n");
    } catch (const Error& error) {
        return {"recipe through OpenImageIO", false, error.what()};
    }
    // "plugin_searchpath" is process-wide, and this process is ours.
    OIIO::attribute("plugin_searchpath", folder);
    std::string message;
    const auto input = OIIO::ImageInput::open(recipe);
    if (!input)
        message = OIIO::geterror();
    ::unlink(recipe.c_str());
    if (input || message.find("klio") != std::string::npos)
        return {"recipe through OpenImageIO", true,
                "kling.imageio.so answers in OpenImageIO " + std::string(OIIO_VERSION_STRING)};
    return {"recipe through OpenImageIO", false,
            "OpenImageIO does not reach the plugin: " + message};
}

Finding check_search_path()
{
    const std::string folder = plugin_folder();
    const char* variable = OIIO_VERSION >= 30000 ? "OPENIMAGEIO_PLUGIN_PATH" : "OIIO_LIBRARY_PATH";
    const char* value = std::getenv(variable);
    if (!folder.empty() && value && std::string(value).find(folder) != std::string::npos)
        return {"search path", true, variable};
    return {"search path", false,
            std::string(variable)
                + " does not name the plugin's folder; run: eval \"$(klio env)\""};
}

void run(Context& context)
{
    std::vector<Finding> findings = {
        {"klio", true, std::string(version()) + ", built for OpenImageIO " OIIO_VERSION_STRING},
        {"OpenImageIO", true, "library " + std::to_string(OIIO::openimageio_version())},
        check_data_folder(context.settings),
        check_key(context.settings),
        check_plugin(),
        check_search_path(),
        check_reader(context.settings),
    };
    const char* ocio = std::getenv("OCIO");
    findings.push_back(
        {"OCIO", true, ocio ? std::string(ocio) : "not set; klio's own small config is used"});

    bool good = true;
    base::OrderedJson json = {{"event", "doctor"}};
    for (const Finding& finding : findings) {
        good = good && finding.good;
        print_line(context,
                   std::string(finding.good ? "ok    " : "check ") + finding.name + ": "
                       + finding.text);
        json["checks"].push_back(
            {{"name", finding.name}, {"ok", finding.good}, {"text", base::mask(finding.text)}});
    }
    print_line(context, "");
    for (const Setting& setting : context.settings.all()) {
        std::string line = setting.name;
        line.resize(std::max<size_t>(line.size(), 16), ' ');
        print_line(context,
                   line + " " + (setting.value.empty() ? "-" : setting.value) + "  ("
                       + setting.origin + "; " + setting.environment + "; " + setting.meaning
                       + ")");
        json["settings"].push_back(
            {{"name", setting.name}, {"value", setting.value}, {"origin", setting.origin}});
    }
    json["ok"] = good;
    print_json(context, base::to_text(json));
}

void add_doctor(CLI::App& app, Context& context)
{
    CLI::App* sub = app.add_subcommand(
        "doctor", "check this installation, and print every setting with its origin");
    sub->callback([&context] { run(context); });
}

const RegisterCommand registered {85, add_doctor};

} // namespace

} // namespace klio::command
