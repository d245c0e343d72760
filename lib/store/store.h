#pragma once

#include "store/database.h"
#include "store/flight.h"
#include "store/jobs.h"
#include "store/memo.h"
#include "store/results.h"
#include "store/staged.h"

#include <string>

/// \file
/// The data folder:
///
///     klio.db                  jobs, ledger, memos, staged objects
///     results/ab/abcd…/1.png   result bytes
///     locks/abcd….lock         who works on a job, while somebody does
///     answers/abcd….json       an answer that could not go into the database when it came
///     secret                   what names of staged objects are made with (mode 600)

namespace klio::store {

/// The data folder. Thread-safe.
class Store {
public:
    /// Opens the folder and makes it where it is not there; one that can't be written is opened for
    /// reading. Throws StoreError.
    explicit Store(const std::string& folder);

    const std::string& folder() const { return m_folder; }
    bool writable() const { return m_database.writable(); }
    Database& database() { return m_database; }
    JobTable& jobs() { return m_jobs; }
    Memo& memo() { return m_memo; }
    Staged& staged() { return m_staged; }

    std::string lock_path(const std::string& job) const;
    /// 32 random bytes that this user's staged objects are named with; made once, then always the
    /// same. Throws StoreError.
    std::string secret() const;

    /// An answer to a create that the database would not take (a full disk, a locked file), beside
    /// it: the job is found again by the next run. Throws StoreError.
    void keep_answer(const std::string& job, const std::string& task_id, const std::string& raw);
    /// The same where the data folder takes nothing at all: a file of the user's alone in the
    /// system's folder for temporary files, which is to be moved to answer_path(). Throws
    /// StoreError.
    std::string keep_answer_elsewhere(const std::string& job, const std::string& task_id,
                                      const std::string& raw) const;
    std::string answer_path(const std::string& job) const;
    /// Such an answer; false where there is none, or something that klio did not write. Throws
    /// ReferenceError where the file can't be read.
    bool kept_answer(const std::string& job, std::string& task_id, std::string& raw) const;
    void drop_answer(const std::string& job) const noexcept;
    /// A job that stands SUBMITTING though nobody works on it (the caller holds its Flight):
    /// SUBMITTED where its answer was kept, else UNKNOWN, since its create may have been accepted.
    /// One that is UNKNOWN becomes SUBMITTED where its answer has turned up.
    void settle(JobRecord& job, double unix_now);

    /// Space on the disk that is given back when the answer to a create comes, so that it can be
    /// written down even if the disk filled up in the meantime. Throws StoreError where there is
    /// none to reserve.
    void reserve_space(const std::string& job);
    void free_space(const std::string& job) const noexcept;

    /// Temporary files that a crash left beside a job's results; only while its Flight is held.
    void sweep(const std::string& job) const noexcept;
    /// The job's result files and their folder.
    void remove_results(const std::string& job) const;

private:
    std::string space_path(const std::string& job) const;

    std::string m_folder;
    Database m_database;
    JobTable m_jobs;
    Memo m_memo;
    Staged m_staged;
};

} // namespace klio::store
