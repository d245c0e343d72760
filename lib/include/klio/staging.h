#pragma once

#include <klio/export.h>
#include <klio/progress.h>

#include <string>
#include <vector>

namespace klio {

/// One staged object, as `klio stage list` shows it.
struct StagedObject {
    std::string id;      ///< SHA-256 of the bytes
    std::string stage;   ///< the setting that staged it, secrets masked
    std::string url;     ///< masked
    std::string state;   ///< uploading, staged, removing, failed
    std::string message; ///< the last failure's
    double created_at = 0;
    std::vector<std::string> jobs; ///< that still need it
};

/// The four ways, each with an example that can be copied: for the error where none is set.
KLIO_API std::string stage_help();

} // namespace klio
