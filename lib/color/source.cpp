#include "color/source.h"

#include "base/encoding.h"
#include "color/cicp.h"
#include "color/config.h"
#include "color/transform.h"

#include <klio/error.h>

#include <algorithm>
#include <cmath>

namespace klio::color {

namespace {

bool same(const float* a, const float* b)
{
    for (int i = 0; i < 8; ++i)
        if (!(std::fabs(a[i] - b[i]) < 2e-3f))
            return false;
    return true;
}

// The config's own space for well-known primaries, so that people read a name that they know.
std::string space_of_chromaticities(const WorkingConfig& working, const float* xy)
{
    static constexpr float rec709[8] = {0.64f, 0.33f, 0.3f, 0.6f, 0.15f, 0.06f, 0.3127f, 0.329f};
    static constexpr float ap0[8] = {0.7347f, 0.2653f, 0, 1, 0.0001f, -0.077f, 0.32168f, 0.33767f};
    static constexpr float ap1[8]
        = {0.713f, 0.293f, 0.165f, 0.83f, 0.128f, 0.044f, 0.32168f, 0.33767f};
    std::string space;
    if (same(xy, rec709))
        space = working.first_of(names_of_linear709());
    else if (same(xy, ap0))
        space = working.hub == Hub::aces ? working.hub_space : working.first_of(names_of_aces());
    else if (same(xy, ap1))
        space = working.first_of(names_of_acescg());
    if (space.empty() && working.hub == Hub::aces) {
        space = chromaticities_space(xy);
        if (!is_chromaticities(space))
            space.clear();
    }
    return space;
}

// oiio:ColorSpace in the words of OpenImageIO and of the files that set it.
std::string space_of_metadata(const WorkingConfig& working, const std::string& text)
{
    const std::string known = working.canonical(text);
    if (!known.empty())
        return known;
    const std::string name = base::lower(text);
    // A PNG says gamma 2.2 where it means sRGB: the chunk came before sRGB had a name.
    if (name == "rec709" || name == "gammacorrected" || name == "gamma2.2")
        return working.srgb;
    return working.well_known(text);
}

} // namespace

SourceChoice choose_source(const SourceHints& hints)
{
    const WorkingConfig& working = working_config();
    SourceChoice choice;
    if (!hints.flag.empty())
        return {resolve_space(hints.flag), "flag", {}};
    // Code points are the file's own words, where oiio:ColorSpace may be the reader's.
    if (cicp_given(hints.cicp_primaries, hints.cicp_transfer)) {
        choice.space = space_of_cicp(hints.cicp_primaries, hints.cicp_transfer);
        choice.decided_by = "cicp";
        if (!choice.space.empty())
            return choice;
        choice.warning = "its CICP says " + cicp_name(hints.cicp_primaries, hints.cicp_transfer)
            + ", for which the OCIO config " + working.name
            + " has no space; say --from if the next rule chose wrongly";
    }
    if (!hints.colorspace.empty() && !hints.reader_default) {
        choice.space = space_of_metadata(working, hints.colorspace);
        choice.decided_by = "metadata oiio:ColorSpace";
        if (!choice.space.empty())
            return choice;
        choice.warning += (choice.warning.empty() ? "its metadata names the colour space '"
                                                  : "; its metadata names the colour space '")
            + hints.colorspace + "', which the OCIO config " + working.name
            + " does not have; say --from if the next rule chose wrongly";
    }
    if (hints.has_chromaticities) {
        choice.space = space_of_chromaticities(working, hints.chromaticities);
        choice.decided_by = "chromaticities";
        if (!choice.space.empty())
            return choice;
    }
    size_t rule = 0;
    const std::string ruled
        = working.canonical(working.config->getColorSpaceFromFilepath(hints.path.c_str(), rule));
    const bool fallback = working.config->filepathOnlyMatchesDefaultRule(hints.path.c_str());
    if (!ruled.empty()) {
        const bool data = working.config->getColorSpace(ruled.c_str())->isData();
        // A config's Default rule is written with film plates in mind: no 8-bit picture is
        // scene-linear, and no float one is what the texture_paint of klio's own config says.
        const bool plausible
            = !data && (hints.floating ? is_scene_linear(ruled) : !is_scene_linear(ruled));
        if (!fallback || plausible)
            return {ruled, "file rule", choice.warning};
    }
    choice.decided_by = "default";
    choice.space = hints.floating ? working.scene_linear : working.srgb;
    if (choice.space.empty())
        throw ColorError("the OCIO config " + working.name + " says nothing about '" + hints.path
                         + "', and has no space that is known to be "
                         + (hints.floating ? "scene-linear" : "sRGB")
                         + "; say its colour space with --from");
    return choice;
}

} // namespace klio::color
