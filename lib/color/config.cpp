#include "color/config.h"

#include "base/encoding.h"
#include "base/file.h"
#include "color/transform.h"
#include "klio_builtin_config.h"

#include <klio/error.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <map>
#include <memory>
#include <mutex>
#include <sstream>

namespace klio::color {

namespace {

// OCIO's messages have several lines; ours have one.
std::string one_line(const std::string& text)
{
    std::string out;
    for (char c : text) {
        if (c == '\n' || c == '\r' || c == '\t')
            c = ' ';
        if (c != ' ' || (!out.empty() && out.back() != ' '))
            out += c;
    }
    while (!out.empty() && (out.back() == ' ' || out.back() == '.'))
        out.pop_back();
    return out;
}

// True where `space` is Rec.709 with the curve of IEC 61966-2-1, as far as colours sent through the
// config tell: configs of old have tables that are right to some thousandths. `linear709` is the
// config's linear Rec.709.
bool looks_srgb(const OCIO::ConstConfigRcPtr& config, const std::string& linear709,
                const std::string& space)
{
    constexpr float tolerance = 0.01f;
    constexpr float colors[3][3]
        = {{0.18f, 0.18f, 0.18f}, {0.5f, 0.1f, 0.02f}, {0.02f, 0.3f, 0.8f}};
    try {
        const auto processor
            = config->getProcessor(linear709.c_str(), space.c_str())->getDefaultCPUProcessor();
        for (const float* color : colors) {
            float out[3] = {color[0], color[1], color[2]};
            processor->applyRGB(out);
            for (int c = 0; c < 3; ++c)
                if (!(std::fabs(out[c] - (1.055f * std::pow(color[c], 1 / 2.4f) - 0.055f))
                      <= tolerance))
                    return false;
        }
    } catch (const OCIO::Exception&) {
        return false; // a LUT that is missing
    }
    return true;
}

// The space of sRGB textures: by a name that is in use, else what a role for painted pictures says,
// else a space that calls itself sRGB. Roles and names are not believed alone: color_picking is a
// display's space in some configs, and "Output - sRGB" holds a film look.
std::string find_srgb(const WorkingConfig& working)
{
    const std::string named = working.first_of(names_of_srgb());
    if (!named.empty())
        return named;
    const std::string linear709 = working.first_of(names_of_linear709());
    const auto fits = [&](const std::string& space) {
        const OCIO::ConstColorSpaceRcPtr found = working.config->getColorSpace(space.c_str());
        if (!found || found->isData()
            || found->getReferenceSpaceType() != OCIO::REFERENCE_SPACE_SCENE)
            return false;
        const bool says_so = base::lower(found->getName()).find("srgb") != std::string::npos;
        return linear709.empty() ? says_so : looks_srgb(working.config, linear709, space);
    };
    for (const char* role :
         {OCIO::ROLE_TEXTURE_PAINT, OCIO::ROLE_MATTE_PAINT, OCIO::ROLE_COLOR_PICKING})
        if (working.config->hasRole(role) && fits(role))
            return working.canonical(role);
    if (!linear709.empty())
        for (int i = 0; i < working.config->getNumColorSpaces(); ++i) {
            const std::string space = working.config->getColorSpaceNameByIndex(i);
            if (base::lower(space).find("srgb") != std::string::npos && fits(space))
                return space;
        }
    return {};
}

void find_hub(WorkingConfig& working)
{
    const auto take = [&](Hub hub, const std::string& space) {
        if (working.hub == Hub::none && !space.empty()) {
            working.hub = hub;
            working.hub_space = space;
        }
    };
    if (working.config->hasRole(OCIO::ROLE_INTERCHANGE_SCENE))
        take(Hub::aces, working.canonical(OCIO::ROLE_INTERCHANGE_SCENE));
    take(Hub::aces, working.first_of(names_of_aces()));
    take(Hub::linear709, working.first_of(names_of_linear709()));
    take(Hub::srgb, working.srgb);
}

std::unique_ptr<WorkingConfig> load(const std::string& ocio)
{
    auto working = std::make_unique<WorkingConfig>();
    // OCIO logs to stderr whatever it thinks of a config; what matters comes as an exception.
    static std::once_flag quiet;
    std::call_once(quiet, [] {
        if (!std::getenv("OCIO_LOGGING_LEVEL"))
            OCIO::SetLoggingLevel(OCIO::LOGGING_LEVEL_NONE);
    });
    try {
        if (ocio.empty()) {
            std::istringstream text(builtin_config_text);
            working->config = OCIO::Config::CreateFromStream(text);
            working->name = builtin_config_name;
        } else {
            working->config = OCIO::Config::CreateFromFile(ocio.c_str());
            working->name = base::file_name(ocio);
        }
        working->config->validate();
    } catch (const OCIO::Exception& error) {
        throw ColorError("the OCIO config " + ocio + " can't be used: " + one_line(error.what())
                         + "; mend it, or unset OCIO to use klio's own");
    }
    working->scene_linear = working->canonical(OCIO::ROLE_SCENE_LINEAR);
    working->srgb = find_srgb(*working);
    find_hub(*working);
    return working;
}

} // namespace

std::string WorkingConfig::canonical(const std::string& space) const
{
    const OCIO::ConstColorSpaceRcPtr found = config->getColorSpace(space.c_str());
    return found ? found->getName() : std::string();
}

std::string WorkingConfig::first_of(const std::vector<const char*>& names) const
{
    for (const char* name : names) {
        const std::string found = canonical(name);
        if (!found.empty())
            return found;
    }
    return {};
}

std::string WorkingConfig::well_known(const std::string& space) const
{
    const std::string name = base::lower(space);
    const auto among = [&](const std::vector<const char*>& names) {
        return std::any_of(names.begin(), names.end(),
                           [&](const char* known) { return base::lower(known) == name; });
    };
    if (among(names_of_srgb()))
        return srgb;
    for (const auto* names : {&names_of_linear709(), &names_of_acescg(), &names_of_aces()})
        if (among(*names))
            return first_of(*names);
    return {};
}

const std::vector<const char*>& names_of_aces()
{
    static const std::vector<const char*> names
        = {"ACES2065-1", "ACES - ACES2065-1", "aces2065_1", "lin_ap0", "lin_ap0_scene"};
    return names;
}

const std::vector<const char*>& names_of_acescg()
{
    static const std::vector<const char*> names
        = {"ACEScg", "ACES - ACEScg", "lin_ap1", "lin_ap1_scene"};
    return names;
}

const std::vector<const char*>& names_of_linear709()
{
    static const std::vector<const char*> names = {"Linear Rec.709 (sRGB)",
                                                   "lin_rec709_scene",
                                                   "lin_rec709_srgb",
                                                   "Utility - Linear - sRGB",
                                                   "Utility - Linear - Rec.709",
                                                   "Linear Rec.709",
                                                   "lin_rec709",
                                                   "lin_srgb",
                                                   "linear",
                                                   "lnf"};
    return names;
}

const std::vector<const char*>& names_of_srgb()
{
    static const std::vector<const char*> names
        = {"sRGB - Texture",    "Utility - sRGB - Texture",    "srgb_texture", "srgb_tx",
           "srgb_rec709_scene", "sRGB Encoded Rec.709 (sRGB)", "sRGB",         "srgb8"};
    return names;
}

const WorkingConfig& working_config()
{
    static std::mutex mutex;
    static std::map<std::string, std::unique_ptr<WorkingConfig>> loaded;
    const char* ocio = std::getenv("OCIO");
    const std::string key = ocio ? ocio : "";
    const std::lock_guard<std::mutex> lock(mutex);
    std::unique_ptr<WorkingConfig>& working = loaded[key];
    if (!working)
        working = load(key);
    return *working;
}

ConfigInfo config_info()
{
    const WorkingConfig& working = working_config();
    ConfigInfo info;
    info.name = working.name;
    info.id = working.config->getCacheID();
    info.scene_linear = working.scene_linear;
    info.default_display = working.config->getDefaultDisplay();
    info.default_view = working.config->getDefaultView(info.default_display.c_str());
    for (int i = 0; i < working.config->getNumColorSpaces(); ++i)
        info.spaces.emplace_back(working.config->getColorSpaceNameByIndex(i));
    return info;
}

std::string resolve_space(const std::string& space)
{
    if (is_chromaticities(space))
        return space;
    const WorkingConfig& working = working_config();
    std::string found = working.canonical(space);
    if (found.empty())
        found = working.well_known(space);
    if (!found.empty())
        return found;
    std::vector<std::string> names = config_info().spaces;
    std::string near, list;
    for (int round = 0; round < 3; ++round) {
        near = base::nearest(space, names);
        if (near.empty())
            break;
        list += (list.empty() ? "" : ", ") + near;
        names.erase(std::find(names.begin(), names.end(), near));
    }
    if (!list.empty())
        list = "did you mean " + list + "?";
    else
        for (const std::string& name : names)
            list += (list.empty() ? "it has " : ", ") + name;
    throw ColorError("the OCIO config " + working.name + " has no colour space '" + space + "'; "
                     + list);
}

} // namespace klio::color
