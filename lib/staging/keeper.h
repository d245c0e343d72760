#pragma once

#include "staging/stage.h"
#include "store/store.h"

#include <klio/staging.h>

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

/// \file
/// Who needs what in which stage, from before the upload until it is gone again.

namespace klio::staging {

/// Stages references for jobs and takes them away when the last job that needs them is over. What
/// is where is in the store before the first byte leaves, so that after a crash the next run, or
/// `klio stage clean`, removes it. Thread-safe, and safe between processes that share a data folder
/// and a stage: an object's upload and its removal never overlap.
class Keeper {
public:
    Keeper(store::Store& store, transport::Transport& transport, StageOptions options = {});

    /// Called on the calling thread after each object.
    using OnStaged = std::function<void(size_t done, size_t total)>;

    /// Stages `objects` for `job`, all at once; the URLs stand in the objects' order. The caller
    /// holds the job's Flight until the job is over or durable in the store. `setting` as for
    /// make_stage(). Throws UsageError, StagingError, StoreError, CancelledError; then nothing
    /// stays staged for `job`.
    std::vector<StagedUrl> stage(const std::string& job, const std::string& setting,
                                 const std::vector<Object>& objects, double needed_until, bool keep,
                                 const CancelToken& cancel, const OnStaged& on_staged = {});

    /// The job is over (succeeded, failed, refused): takes away what no other job needs. What can't
    /// be removed now is noted, warned of, and tried again by sweep(). Never throws.
    void ended(const std::string& job, const CancelToken& cancel) noexcept;

    /// Releases what jobs that are over, or that died before they sent anything, left behind, and
    /// takes it away; one try an object. A job whose task may still be running keeps its objects
    /// for a day. With `all`, what is needed or to be kept goes too. Returns what was removed and
    /// what could not be. Throws StoreError, CancelledError.
    CleanResult sweep(bool all, const CancelToken& cancel);

    std::vector<StagedObject> list();

private:
    StagedUrl stage_one(const std::string& job, Stage& stage, const Object& object,
                        double needed_until, bool keep, const CancelToken& cancel);
    /// False where a job came to need it again.
    bool remove(const store::StagedRecord& record, int tries, const CancelToken& cancel);
    void remove_all(const std::vector<store::StagedRecord>& records, int tries,
                    const CancelToken& cancel, CleanResult& result);
    bool still_needs(const std::string& job);
    std::shared_ptr<Stage> stage_of(const std::string& setting, int tries);
    base::Clock& clock() const;

    store::Store& m_store;
    transport::Transport& m_transport;
    StageOptions m_options;
    std::mutex m_mutex;
    std::map<std::pair<std::string, int>, std::shared_ptr<Stage>> m_stages;
};

} // namespace klio::staging
