#pragma once

#include <klio/export.h>
#include <klio/set.h>
#include <klio/settings.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

/// \file
/// The jobs of a data folder and what they cost: what `klio jobs` and `klio cost` show. Nothing
/// here sends anything to the service; collecting is Session's.

namespace klio {

/// Which jobs to list; an empty member does not filter.
struct JobFilter {
    std::vector<JobState> states;
    std::string text;         ///< part of the prompt, the key, the task id or a reference's name
    std::string endpoint;     ///< identity
    double created_after = 0; ///< Unix time
    int limit = 0;            ///< the newest so many; 0: all
};

/// A job as `klio jobs` shows it.
struct JobInfo {
    StoredSet set;
    int attempts = 0;     ///< purchases begun
    bool running = false; ///< a process works on it now
    bool damaged = false; ///< a result file is missing or has other bytes (only job() looks)
};

/// The service's answers as they are kept with a job.
struct RawAnswers {
    std::string create; ///< to the create; empty where none came
    std::string task;   ///< the last final one of the task
};

/// What was spent, in credits. Figures are floors: the service does not say what multiplies them.
struct Cost {
    int64_t spent = 0;    ///< of jobs that succeeded
    int64_t reserved = 0; ///< of jobs under way
    int64_t unknown = 0;  ///< of creates that may have been accepted; counted as spent
    int64_t unpriced = 0; ///< number of purchases without a known price
    int64_t total() const { return spent + reserved + unknown; }
};

struct CostLine {
    std::string label; ///< "2025-01-31" (UTC), or a job's key
    Cost cost;
    std::string prompt; ///< of a job; empty where it was deleted
};

/// What may still be spent in the data folder.
struct BudgetState {
    double total = -1; ///< the limit; negative: none
    double total_spent = 0;
    double per_day = -1;
    double day_spent = 0; ///< today, UTC
};

/// Reads and resolves the jobs of a data folder. Thread-safe. Functions that take a job take any
/// beginning of its key of at least 4 characters; they throw UsageError where it names none or
/// several, StoreError where the data folder can't be used.
class KLIO_API Jobs {
public:
    explicit Jobs(const Settings& settings);
    ~Jobs();
    Jobs(const Jobs&) = delete;
    Jobs& operator=(const Jobs&) = delete;

    std::vector<JobInfo> list(const JobFilter& filter = {}); ///< oldest first
    JobInfo job(const std::string& job);
    /// Signed URL parts and secrets are masked unless `unmasked`; the API key always is.
    RawAnswers raw(const std::string& job, bool unmasked = false);

    /// An unknown or failed job: "it is this task". The next run, or Session::collect(), fetches
    /// it. Takes the id as it is; Session::ask_for_task() asks the service whether it has it.
    void resolve_task(const std::string& job, const std::string& task_id);
    /// An unknown, failed or refused job: the next run sends it again. An unknown one stays
    /// counted as spent unless `not_charged` says that the service did not charge it.
    void resolve_resubmit(const std::string& job, bool not_charged);
    /// An unknown or submitted job is given up; counted as above.
    void resolve_forget(const std::string& job, bool not_charged);
    /// Asks the process that waits for the job to stop waiting; the task is kept. False where no
    /// process waits.
    bool cancel(const std::string& job);
    /// Deletes the job and its result files; what it cost stays in the ledger. Throws UsageError
    /// while a process works on it, or where it is not finished, unless `force`.
    void remove(const std::string& job, bool force);

    Cost cost();
    std::vector<CostLine> cost_by_day(); ///< oldest first
    std::vector<CostLine> cost_by_job(); ///< oldest first
    BudgetState budget();

private:
    struct Impl;
    std::unique_ptr<Impl> m_impl;
};

} // namespace klio
