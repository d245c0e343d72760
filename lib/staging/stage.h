#pragma once

#include "base/clock.h"
#include "transport/http.h"

#include <klio/error.h>
#include <klio/progress.h>

#include <memory>
#include <string>
#include <vector>

/// \file
/// Prepared bytes -> a URL that the service can read, and away again.

namespace klio::staging {

struct Object {
    std::string bytes;
    std::string media_type; ///< image/jpeg or image/png
    std::string sha256;     ///< of bytes
};

struct StagedUrl {
    std::string url;
    std::string name;      ///< the object's name in the stage; empty for inline
    double expires_at = 0; ///< Unix time; 0: does not expire
    bool uploaded = false; ///< false where it was there already
};

/// Staging failed before anything of the object was stored: there is nothing to take away.
class NothingStaged : public StagingError {
public:
    using StagingError::StagingError;
};

/// What is known of an object before it is put; a wrong guess costs a round trip, nothing else.
enum class Presence {
    unknown, ///< ask
    absent,  ///< upload without asking
    there    ///< verify without asking, and upload only where that fails
};

/// One way of staging, by its setting. Thread-safe: objects are put concurrently.
class Stage {
public:
    virtual ~Stage() = default;
    virtual std::string kind() const = 0; ///< inline, s3, http, file
    /// The setting in its canonical form, which never holds a secret: what the store keeps, and
    /// what make_stage() makes the same stage of again.
    virtual std::string identity() const = 0;
    /// What the object is called in the stage; empty for inline. Sends nothing.
    virtual std::string name_of(const Object& object) const = 0;
    /// Uploads unless it is there, and verifies that whoever has the URL gets these bytes.
    /// `needed_until` (Unix time): the URL lives so long, at least. Repeats what may be repeated.
    /// Throws StagingError (NothingStaged where that is sure), CancelledError.
    virtual StagedUrl put(const Object& object, double needed_until, const CancelToken& cancel,
                          Presence presence = Presence::unknown)
        = 0;
    /// Takes it away; no error where it is gone already. Throws StagingError, CancelledError.
    virtual void remove(const std::string& name, const CancelToken& cancel) = 0;
    /// What a stranger would ask to find out what is there: for check_stage(). None of the answers
    /// may hold an object's name.
    virtual std::vector<transport::HttpRequest> listing_requests() const { return {}; }
};

struct StageOptions {
    std::string secret;             ///< the per-user secret that names are made with
    base::Clock* clock = nullptr;   ///< null: the system's
    base::Random* random = nullptr; ///< of the backoff; null: the system's
    int tries = 4; ///< of each exchange; 1 also means not to wait long for a dead server
};

/// Makes the stage that `setting` names. Throws UsageError for an unknown or incomplete one (with
/// stage_help()), StagingError where its credentials are missing. Sends nothing.
std::unique_ptr<Stage> make_stage(const std::string& setting, transport::Transport& transport,
                                  const StageOptions& options);

/// What to add to the service's own words where it refuses a request that carried inline images:
/// whether it takes `data:` URIs is not documented.
std::string inline_refusal_hint();

} // namespace klio::staging
