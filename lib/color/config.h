#pragma once

#include <OpenColorIO/OpenColorIO.h>

#include <string>
#include <vector>

/// \file
/// The OCIO config in use and what klio needs to know of it. For the color floor alone: no OCIO
/// type leaves it.

namespace klio::color {

namespace OCIO = OCIO_NAMESPACE;

/// Where a config's colours can be handed over to klio's own mathematics.
enum class Hub {
    aces,      ///< a space that is ACES2065-1
    linear709, ///< a space that is linear Rec.709
    srgb,      ///< a space that is Rec.709 with the sRGB curve
    none
};

/// A loaded config; immutable, shared between threads.
struct WorkingConfig {
    OCIO::ConstConfigRcPtr config;
    std::string name;         ///< the file's name, or klio's own config's
    std::string scene_linear; ///< the role's space; empty where the config has none
    std::string srgb;         ///< the space that is an sRGB texture; empty where there is none
    Hub hub = Hub::none;
    std::string hub_space;

    /// The config's own name of `space`; empty where it has none.
    std::string canonical(const std::string& space) const;
    /// The first of `names` that the config knows; empty where it knows none.
    std::string first_of(const std::vector<const char*>& names) const;
    /// The config's space for a name that other configs give to sRGB, linear Rec.709, ACEScg or
    /// ACES2065-1; empty where the name is none of these, or the config has no such space.
    std::string well_known(const std::string& space) const;
};

/// $OCIO's config, else klio's own. Loaded once for each value of $OCIO. Throws ColorError where
/// it can't be read or does not parse. Thread-safe.
const WorkingConfig& working_config();

/// Names under which configs in the wild know these spaces, the most exact first.
const std::vector<const char*>& names_of_aces();
const std::vector<const char*>& names_of_acescg();
const std::vector<const char*>& names_of_linear709();
const std::vector<const char*>& names_of_srgb();

} // namespace klio::color
