#pragma once

#include <klio/export.h>
#include <klio/progress.h>
#include <klio/settings.h>

#include <functional>
#include <string>
#include <vector>

/// \file
/// What is staged, and whether staging works: giving references a URL that the service can read,
/// for as long as a job needs it. Settings and credentials are described in lib/staging/README.md.

namespace klio {

/// One staged object, as `klio stage list` shows it.
struct StagedObject {
    std::string id;      ///< SHA-256 of the bytes
    std::string stage;   ///< the setting that staged it, secrets masked
    std::string url;     ///< masked
    std::string state;   ///< uploading, staged, removing, failed
    std::string message; ///< the last failure's
    double created_at = 0;
    double expires_at = 0;         ///< Unix time at which the URL ends; 0: never
    bool kept = false;             ///< a job ran with keep_staged
    std::vector<std::string> jobs; ///< that still need it
};

/// The four ways, each with an example that can be copied: for the error where none is set.
KLIO_API std::string stage_help();

/// All that klio put somewhere and has not surely removed. Throws StoreError.
KLIO_API std::vector<StagedObject> list_staged(const Settings& settings);

/// What a cleaning did.
struct CleanResult {
    int removed = 0;                   ///< objects
    int left = 0;                      ///< objects that are still needed, kept, or failed
    std::vector<std::string> failures; ///< one line each; tried again the next time
};

/// Removes what no job needs any more: what a crash, or a removal that failed, left behind. With
/// `all`, everything, whoever needs it. Uses the credentials of the environment, as staging does.
/// Throws StoreError, CancelledError.
KLIO_API CleanResult clean_staged(const Settings& settings, bool all = false,
                                  const CancelToken& cancel = {});

/// One step of check_stage().
struct StageStep {
    std::string name; ///< setting, upload, fetch, bytes, type, signature, reachable, listing,
                      ///< delete, gone
    bool ok = false;
    std::string result; ///< one line: what was seen, and where it failed what to do; masked
};

/// Checks a stage from outside, for `klio doctor --stage`: uploads a small test image, fetches it
/// back through its public URL without credentials, compares the bytes, looks at the type, whether
/// strangers can list it or reach it without its signature, deletes it, and looks that it is gone.
/// Steps that a failure makes pointless are left out; what was uploaded is deleted in any case.
/// `setting` empty: the settings'. `on_step` is called after each. Throws CancelledError, nothing
/// else for what a stage does.
KLIO_API std::vector<StageStep>
check_stage(const Settings& settings, const std::string& setting = {},
            const CancelToken& cancel = {},
            const std::function<void(const StageStep&)>& on_step = {});

} // namespace klio
