#pragma once

#include "base/clock.h"
#include "transport/http.h"

#include <klio/progress.h>

#include <memory>
#include <string>

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

/// One way of staging, by its setting. Thread-safe.
class Stage {
public:
    virtual ~Stage() = default;
    virtual std::string kind() const = 0; ///< inline, s3, http, file
    virtual std::string
    identity() const = 0; ///< the setting with secrets masked: what the store keeps
    /// Uploads unless it is there, and verifies. `needed_until` (Unix time): the URL must live so
    /// long. Throws StagingError.
    virtual StagedUrl put(const Object& object, double needed_until, const CancelToken& cancel) = 0;
    /// Takes it away; true also where it is gone already. Throws StagingError.
    virtual void remove(const std::string& name, const CancelToken& cancel) = 0;
};

struct StageOptions {
    std::string secret; ///< the per-user secret that names are made with
    base::Clock* clock = nullptr;
};

/// Makes the stage that `setting` names. Throws UsageError for an unknown or incomplete one (with
/// stage_help()).
std::unique_ptr<Stage> make_stage(const std::string& setting, transport::Transport& transport,
                                  const StageOptions& options);

} // namespace klio::staging
