#include <klio/settings.h>

#include "base/encoding.h"
#include "base/file.h"
#include "base/json.h"
#include "base/secret.h"

#include <klio/error.h>
#include <klio/version.h>

#include <sys/stat.h>

#include <cmath>
#include <cstdlib>

namespace klio {

namespace {

struct Known {
    const char* name;
    const char* environment;
    const char* fallback;
    const char* meaning;
};

// One row a setting; the README's table is the same list.
constexpr Known known_settings[] = {
    {"endpoint", "KLIO_ENDPOINT", "https://apiin.one", "the service's address"},
    {"key_file", "KLIO_KEY_FILE", "", "a file whose first line is the API key (mode 600)"},
    {"home", "KLIO_HOME", "", "the data folder: jobs, ledger and paid results"},
    {"stage", "KLIO_STAGE", "", "how references get a URL: inline, s3://…, https://…, file://…"},
    {"on_miss", "KLIO_ON_MISS", "error",
     "what the plugin does without frames: error, generate, preview"},
    {"budget", "KLIO_BUDGET", "", "credits that the data folder may spend in all"},
    {"budget_per_day", "KLIO_BUDGET_PER_DAY", "",
     "credits that the data folder may spend in a day (UTC)"},
    {"timeout", "KLIO_TIMEOUT", "1200",
     "seconds to wait for a task before leaving it for the next run"},
    {"cacert", "KLIO_CACERT", "", "a file of certificates to trust, instead of the system's"},
    {"allow_hosts", "KLIO_ALLOW_HOSTS", "",
     "result hosts that may have a private address, by comma"},
    {"max_image_bytes", "KLIO_MAX_IMAGE_BYTES", "67108864", "cap on a result image, in bytes"},
    {"max_json_bytes", "KLIO_MAX_JSON_BYTES", "8388608",
     "cap on an answer of the service, in bytes"},
    {"font", "KLIO_FONT", "", "a font file or family for sheets; found by itself otherwise"},
    {"threads", "KLIO_THREADS", "0", "threads for preparing and decoding; 0: one a core"},
};

const Known& find_known(const std::string& name)
{
    std::vector<std::string> names;
    for (const Known& known : known_settings) {
        if (name == known.name)
            return known;
        names.emplace_back(known.name);
    }
    const std::string near = base::nearest(name, names);
    throw UsageError("unknown setting '" + name + "'"
                     + (near.empty() ? std::string() : "; did you mean '" + near + "'?"));
}

std::string environment(const char* name)
{
    const char* value = std::getenv(name);
    return value ? value : "";
}

std::string home_folder()
{
    const std::string home = environment("HOME");
    return home.empty() ? "/" : home;
}

std::string config_folder()
{
    const std::string xdg = environment("XDG_CONFIG_HOME");
    return xdg.empty() ? home_folder() + "/.config/klio" : xdg + "/klio";
}

std::string text_of(const base::Json& value)
{
    return value.is_string() ? value.get<std::string>() : base::to_text(value);
}

// A key as it was meant: what a shell, an editor or a clipboard put around it is not part of it.
std::string first_word(const std::string& text)
{
    constexpr const char* blanks = " \t\r\n";
    const size_t start = std::min(text.find_first_not_of(blanks), text.size());
    return text.substr(start, std::min(text.find_first_of(blanks, start), text.size()) - start);
}

} // namespace

struct Settings::Impl {
    std::map<std::string, std::string> flags;
    std::map<std::string, std::string> from_environment;
    std::map<std::string, std::string> from_file;
    std::string file;
    std::string key_from_environment;
};

Settings::Settings() : m_impl(std::make_unique<Impl>())
{
    for (const Known& known : known_settings) {
        const std::string value = environment(known.environment);
        if (!value.empty())
            m_impl->from_environment[known.name] = value;
    }
    m_impl->key_from_environment = first_word(environment("KLIO_API_KEY"));
    base::register_secret(m_impl->key_from_environment);

    m_impl->file = environment("KLIO_CONFIG");
    const bool named = !m_impl->file.empty();
    if (!named)
        m_impl->file = config_folder() + "/config.json";
    if (!named && !base::exists(m_impl->file))
        return;
    base::Json json;
    base::JsonError error;
    std::string text;
    try {
        text = base::read_file(m_impl->file, 1 << 20);
    } catch (const Error& failure) {
        throw UsageError(std::string("configuration file ") + failure.what());
    }
    if (!base::parse_json(text, json, error))
        throw UsageError("configuration file " + m_impl->file + ":" + std::to_string(error.line)
                         + ":" + std::to_string(error.column) + ": " + error.message);
    if (!json.is_object())
        throw UsageError("configuration file " + m_impl->file + ": is no JSON object");
    for (const auto& [name, value] : json.items()) {
        if (name == "api_key")
            throw UsageError("configuration file " + m_impl->file
                             + ": a key does not belong in it; use KLIO_API_KEY or 'key_file'");
        try {
            find_known(name);
        } catch (const UsageError& failure) {
            throw UsageError("configuration file " + m_impl->file + ": " + failure.what());
        }
        m_impl->from_file[name] = text_of(value);
    }
}

Settings::~Settings() = default;
Settings::Settings(const Settings& other) : m_impl(std::make_unique<Impl>(*other.m_impl))
{
}

Settings& Settings::operator=(const Settings& other)
{
    *m_impl = *other.m_impl;
    return *this;
}

void Settings::set(const std::string& name, const std::string& value)
{
    find_known(name);
    m_impl->flags[name] = value;
}

std::string Settings::get(const std::string& name) const
{
    const Known& known = find_known(name);
    for (const auto* source : {&m_impl->flags, &m_impl->from_environment, &m_impl->from_file}) {
        const auto found = source->find(name);
        if (found != source->end())
            return found->second;
    }
    return known.fallback;
}

double Settings::number(const std::string& name, double fallback) const
{
    const std::string text = get(name);
    if (text.empty())
        return fallback;
    char* end = nullptr;
    const double value = std::strtod(text.c_str(), &end);
    if (end == text.c_str() || *end != '\0' || !(value >= 0) || !std::isfinite(value))
        throw UsageError("setting " + name + " '" + text + "': a number of 0 or more is needed");
    return value;
}

bool Settings::flag(const std::string& name) const
{
    const std::string text = get(name);
    return text == "1" || text == "true" || text == "yes" || text == "on";
}

std::string Settings::api_key() const
{
    if (!m_impl->key_from_environment.empty())
        return m_impl->key_from_environment;
    std::string path = get("key_file");
    const bool named = !path.empty();
    if (!named)
        path = config_folder() + "/key";
    struct stat info { };
    if (::stat(path.c_str(), &info) != 0) {
        if (named)
            throw KeyError(path + ": the key file can't be read; check 'key_file' (KLIO_KEY_FILE)");
        return {};
    }
    if ((info.st_mode & 077) != 0)
        throw KeyError(path + ": others can read this key file; run: chmod 600 '" + path + "'");
    std::string key;
    try {
        key = base::read_file(path, 4096);
    } catch (const Error& failure) {
        throw KeyError(std::string("the key file ") + failure.what());
    }
    key = first_word(key);
    base::register_secret(key);
    return key;
}

std::string Settings::api_key_origin() const
{
    if (!m_impl->key_from_environment.empty())
        return "environment KLIO_API_KEY";
    const std::string path = get("key_file").empty() ? config_folder() + "/key" : get("key_file");
    return base::exists(path) ? "file " + path : "not set";
}

std::string Settings::data_folder() const
{
    std::string home = get("home");
    if (home.empty()) {
        const std::string xdg = environment("XDG_DATA_HOME");
        home = xdg.empty() ? home_folder() + "/.local/share/klio" : xdg + "/klio";
    }
    return base::absolute_path(home);
}

std::vector<Setting> Settings::all() const
{
    std::vector<Setting> settings;
    for (const Known& known : known_settings) {
        Setting setting {known.name, known.environment, base::mask(get(known.name)), "default",
                         known.meaning};
        if (m_impl->flags.count(known.name))
            setting.origin = "flag";
        else if (m_impl->from_environment.count(known.name))
            setting.origin = "environment";
        else if (m_impl->from_file.count(known.name))
            setting.origin = "file " + m_impl->file;
        else if (setting.value.empty())
            setting.origin = "not set";
        settings.push_back(setting);
    }
    return settings;
}

const char* version() noexcept
{
    return KLIO_VERSION_STRING;
}

} // namespace klio
