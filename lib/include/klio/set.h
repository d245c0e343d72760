#pragma once

#include <klio/error.h>
#include <klio/request.h>

#include <cstdint>
#include <string>
#include <vector>

/// \file
/// What the store knows of a job, as plain values.

namespace klio {

/// One result file in the data folder.
struct StoredFrame {
    int index = 0;          ///< 1-based, in the service's order
    std::string path;       ///< absolute
    std::string sha256;     ///< of its bytes, hexadecimal; checked whenever they are read
    std::string media_type; ///< image/png, image/jpeg, image/webp
    uint64_t bytes = 0;
    int width = 0; ///< pixels, as it arrived
    int height = 0;
    int channels = 0;
    int bit_depth = 8; ///< 8 or 16
};

/// One reference of a job.
struct StoredReference {
    std::string source; ///< the local path or URL as the user gave it; never leaves this machine
    std::string id;     ///< SHA-256 of the prepared bytes, or "url:" and the URL
    std::string record; ///< PrepareRecord as JSON; empty for a URL passed through
};

/// The states of a job (see the README, "One job's way").
enum class JobState { submitting, submitted, succeeded, failed, unknown, refused };
KLIO_API const char* to_string(JobState state) noexcept;
KLIO_API bool job_state_from_string(const std::string& name, JobState& state) noexcept;

/// A job, and its frames once it succeeded.
struct StoredSet {
    std::string job; ///< the key
    JobState state = JobState::submitting;
    ErrorKind error_kind = ErrorKind::internal; ///< where state is failed, refused or unknown
    std::string message;                        ///< why, in the service's own words
    Request request;                            ///< images as in references[].source
    std::string endpoint; ///< its identity: the normalized endpoint, or "local"
    std::string task_id;
    std::vector<StoredReference> references;
    std::vector<StoredFrame> frames;   ///< in order; complete where state is succeeded
    std::vector<std::string> warnings; ///< fewer images than asked …
    bool price_known = false;
    int credits_at_least = 0;
    bool bought = false; ///< the call that gave this set sent its create
    /// References (1-based) that are not there any more: the set is the one that was bought with
    /// them as they last were.
    std::vector<int> missing_references;
    double created_at = 0; ///< seconds since the Unix epoch
    double updated_at = 0;
};

} // namespace klio
