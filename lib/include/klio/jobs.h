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
    std::vector<JobState> states; ///< as they are shown (JobInfo)
    std::string text;             ///< part of the prompt, a reference's name, the key or the task
                                  ///< id; ASCII letters in any case
    std::string endpoint;         ///< identity, or an address of it
    double created_after = 0;     ///< Unix time
    int limit = 0;                ///< the newest so many; 0: all
};

/// What was spent, in credits. Figures are floors: the service does not say what multiplies them.
struct Cost {
    int64_t spent = 0;    ///< of jobs that succeeded
    int64_t reserved = 0; ///< of jobs under way
    int64_t unknown = 0;  ///< of creates that may have been accepted; counted as spent
    int64_t unpriced = 0; ///< number of purchases without a known price
    int64_t total() const { return spent + reserved + unknown; }
};

/// A job as `klio jobs` shows it. One whose process is gone is `unknown`, since its create may have
/// been accepted, or `submitted` where its answer was kept in answers/.
struct JobInfo {
    StoredSet set;
    Cost cost;            ///< what counts of it, all its attempts together
    int attempts = 0;     ///< purchases begun
    bool running = false; ///< a process works on it now
    bool damaged = false; ///< a result file is missing or has other bytes (only job() looks)
};

/// The service's answers as they are kept with a job.
struct RawAnswers {
    std::string create; ///< to the create; empty where none came
    std::string task;   ///< the last final one of the task
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
    /// An unknown, failed or refused job: the next run sends it again. What counts as unknown stays
    /// counted as spent unless `not_charged` says that the service did not charge it.
    void resolve_resubmit(const std::string& job, bool not_charged);
    /// An unknown, submitted or failed job is given up; counted as above.
    void resolve_forget(const std::string& job, bool not_charged);
    /// The service did not charge those creates of the job that count as unknown, whatever became
    /// of it since: they count no more. Returns how many there were. Not for a job that is unknown
    /// itself: it is sent again or given up, see above.
    int resolve_not_charged(const std::string& job);
    /// Asks the process that waits for the job to stop waiting; the task is kept. False where no
    /// process waits.
    bool cancel(const std::string& job);
    /// Deletes the job and its result files; what it cost stays in the ledger, where it can no
    /// longer be resolved. Throws UsageError while a process works on it, or where it is not
    /// finished, unless `force`.
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
