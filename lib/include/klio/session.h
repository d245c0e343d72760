#pragma once

#include <klio/export.h>
#include <klio/prepare.h>
#include <klio/progress.h>
#include <klio/request.h>
#include <klio/set.h>
#include <klio/settings.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace klio {

/// What goes along with a request, beside the settings.
struct GenerateOptions {
    PrepareOptions prepare; ///< aspect_ratio and resolution are taken from the request
    std::string endpoint;   ///< default: the settings'
    std::string
        endpoint_identity; ///< what job keys are made with; default: the endpoint. "local"
                           ///< for the in-process gateway, whose port differs from run to run
    /// The user named `endpoint` for this very call (a flag). The settings' key goes there then;
    /// else it goes to the settings' own endpoint alone; a gateway on loopback that a recipe names
    /// is called with the key "local". A recipe is somebody else's text, and an old job's endpoint
    /// may be anybody's by now.
    bool endpoint_by_user = false;
    std::string key;           ///< API key; default: the settings'
    std::string stage;         ///< default: the settings', else inline on loopback
    bool prepare_urls = false; ///< URL references are fetched, prepared and staged
    bool keep_staged = false;
    double budget = -1; ///< credits that this Session may spend; negative: no limit
    /// Seconds that a job which failed is not sent again, whoever sent it: its error is thrown once
    /// more. For hosts that ask again and again. What a person stopped, gave up or allowed again is
    /// not held back.
    double retry_after = 0;
    CancelToken cancel;
    ProgressCallback progress;
};

/// What would be sent, for `--dry-run`.
struct Plan {
    std::string job; ///< the key
    std::string endpoint;
    std::string body; ///< JSON, inline data cut short
    uint64_t body_bytes = 0;
    Price price;
    std::vector<StoredReference> references;
    std::vector<Prepared> prepared; ///< in order; empty bytes for a URL passed through
    std::vector<std::string> warnings;
    std::optional<StoredSet> stored; ///< what the store already has
    std::string stage;               ///< masked
};

/// One job's whole way: validate, prepare, look in the store, stage, create, wait, download, store.
/// Thread-safe; many jobs may run at once, and those that want the same job share one purchase,
/// across threads and processes. Frames are then loaded with load_frame().
class KLIO_API Session {
public:
    /// Opens (and makes) the data folder. Throws StoreError, UsageError.
    explicit Session(const Settings& settings);
    ~Session();
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;

    /// The set for `request`: from the store where it is there, free; else bought. Throws the
    /// class that belongs to what went wrong; whatever was paid for is kept and collected by the
    /// next call.
    StoredSet generate(const Request& request, const GenerateOptions& options);

    /// What the store has for `request`, whatever its state; never sends anything. Prepares
    /// references only where no memo of an earlier preparation is there. Where a reference's file
    /// is gone, finished frames are found by what it last was (StoredSet::missing_references).
    std::optional<StoredSet> find(const Request& request, const GenerateOptions& options);

    /// Waits for a job that was submitted, and stores its frames; a finished one comes from the
    /// store. Nothing is bought: throws UnknownCreateError for an unknown job, and the class that
    /// belongs to a failed one. `job` is any beginning of its key of at least 4 characters; of
    /// `options` only key, cancel, progress and endpoint count (the latter where the service is to
    /// be asked at another address than the one that the job was sent to).
    StoredSet collect(const std::string& job, const GenerateOptions& options);

    /// Collects a finished job whose images stand where klio does not look: `json_pointer`
    /// (RFC 6901) names the place in the task's kept answer, e.g. "/data/final/pics". Frames that
    /// are stored already stay. An empty one ends the job with the frames that are stored, without
    /// those that could not be; a job that succeeded goes on without frames whose files are
    /// damaged, and with a warning. Throws UsageError where nothing is there.
    StoredSet recover(const std::string& job, const std::string& json_pointer,
                      const GenerateOptions& options);

    /// Asks the service, once, for the task that an unknown or failed job is said to be; gives the
    /// service's word for its state. Changes nothing (see Jobs::resolve_task()). Throws FailedError
    /// where the service says that there is no such task, and the class that belongs to what kept
    /// it from being asked; of `options` what collect() reads counts.
    std::string ask_for_task(const std::string& job, const std::string& task_id,
                             const GenerateOptions& options);

    /// What generate() would send. Nothing leaves; a missing key or stage is no error here.
    Plan plan(const Request& request, const GenerateOptions& options);

private:
    struct Impl;
    std::unique_ptr<Impl> m_impl;
};

} // namespace klio
