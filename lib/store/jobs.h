#pragma once

#include "store/database.h"

#include <klio/jobs.h>
#include <klio/set.h>

#include <functional>
#include <optional>
#include <string>
#include <vector>

/// \file
/// The jobs and what becomes of them. Every function here is one transaction: when it returns, the
/// step is durable. Money moves in the same transaction as the state.

namespace klio::store {

/// A job with what only klio itself needs of it.
struct JobRecord {
    StoredSet set;
    std::string url;             ///< the endpoint's address, which `set.endpoint` may stand for
    std::string idempotency_key; ///< made before the first try, the same on every try
    int attempt = 0;             ///< purchases begun
    bool cancel_requested = false;
    std::string raw_create; ///< the answer to the create, the API key masked; URLs as they are
    std::string raw_task;   ///< the last final answer
    double sent_at = 0;     ///< Unix time of the last create
};

/// What may be spent; negative: without limit.
struct Limits {
    std::string run; ///< names the run that `per_run` is for
    double per_run = -1;
    double total = -1;
    double per_day = -1; ///< of UTC
};

/// Thread-safe; every function throws StoreError.
class JobTable {
public:
    JobTable(Database& database, std::string folder);

    std::optional<JobRecord> find(const std::string& key);
    /// A job that was there a moment ago. Throws UsageError where somebody deleted it meanwhile.
    JobRecord get(const std::string& key);
    /// The one job whose key begins with `prefix` (at least 4 characters, in any case). Throws
    /// UsageError where there is none, or more than one.
    JobRecord find_prefix(const std::string& prefix);
    /// Oldest first, without the raw answers; of the newest, `filter.limit` that `keep` says yes
    /// to. `keep` may change nothing in the database.
    std::vector<JobRecord> list(const JobFilter& filter,
                                const std::function<bool(const JobRecord&)>& keep = {});

    /// Throws StoreError unless something can be written down now.
    void require_writable();

    /// -> SUBMITTING, with the price reserved; the job is made, or begins a further attempt. In
    /// one transaction with the check of `limits`: throws CreditsError over one, and CancelledError
    /// where request_cancel() was called since clear_cancel(). Then lifts this thread's BusyCancel.
    void begin(JobRecord& job, const Limits& limits, double unix_now);
    /// SUBMITTING or UNKNOWN -> SUBMITTED, its price reserved. `task_id` may be empty where `raw`
    /// holds the finished images.
    void submitted(const std::string& key, const std::string& task_id, const std::string& raw,
                   double unix_now);
    /// -> UNKNOWN; the reservation stays, as spent.
    void unknown(const std::string& key, ErrorKind kind, const std::string& message,
                 const std::string& raw, double unix_now);
    /// -> FAILED or REFUSED, the reservation freed. An empty `raw` leaves what is there.
    void failed(const std::string& key, JobState state, ErrorKind kind, const std::string& message,
                const std::string& raw, double unix_now);
    /// The final answer of the task, before anything is made of it.
    void task_answer(const std::string& key, const std::string& raw, double unix_now);
    /// What stands in the way of a job that stays SUBMITTED.
    void trouble(const std::string& key, ErrorKind kind, const std::string& message,
                 double unix_now);
    /// A frame whose bytes are in their place.
    void add_frame(const std::string& key, const StoredFrame& frame);
    /// -> SUCCEEDED, the price spent.
    void succeeded(const std::string& key, const std::vector<std::string>& warnings,
                   double unix_now);

    /// The frames that a finished job is without from here on, and the warning that says so.
    void drop_frames(const std::string& key, const std::vector<int>& indices,
                     const std::vector<std::string>& warnings, double unix_now);

    /// The job that has this task; none where nobody does.
    std::optional<std::string> with_task(const std::string& endpoint, const std::string& task_id);
    /// A person says which task it was: -> SUBMITTED.
    void adopt_task(const std::string& key, const std::string& task_id, double unix_now);
    /// A person wants it sent again: -> FAILED, so that the next run sends it. Where it is not sure
    /// that no create was accepted, the idempotency key stays; what counts as unknown stays counted
    /// unless `not_charged`.
    void allow_again(const std::string& key, bool not_charged, double unix_now);
    /// A person gives it up: -> FAILED. Its price stays counted unless `not_charged`.
    void forget(const std::string& key, bool not_charged, double unix_now);
    /// A person says that creates of it that may have been accepted were not charged: whatever its
    /// state is, they count no more. Returns how many there were.
    int not_charged(const std::string& key);
    void request_cancel(const std::string& key);
    bool cancel_requested(const std::string& key);
    void clear_cancel(const std::string& key);
    /// The job and its frames' rows; what it cost stays in the ledger, as unknown where nobody will
    /// learn what became of it.
    void erase(const std::string& key);

private:
    void move(const std::string& key, JobState state, ErrorKind kind, const std::string& message,
              const char* ledger, double unix_now);
    JobRecord read(const Statement& row);

    Database& m_database;
    std::string m_folder;
};

} // namespace klio::store
