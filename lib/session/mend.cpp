#include "session/mend.h"

#include "session/collect.h"
#include "session/fetch.h"

#include <algorithm>

namespace klio::session {

using store::JobRecord;

namespace {

// What a person does about a finished job whose frames can't be mended.
std::string without_damaged(const JobRecord& job)
{
    const std::vector<StoredFrame>& frames = job.set.frames;
    const std::string key = job.set.job.substr(0, 12);
    return std::any_of(frames.begin(), frames.end(), frame_whole)
        ? "klio jobs recover " + key + " --as-it-is keeps the frames that are whole"
        : "no frame of it is whole; klio jobs delete " + key
            + " lets the next run of its request buy it anew";
}

} // namespace

void mend(const Call& call, JobRecord& job, const std::string& damage)
{
    try {
        collect_job(call, job);
    } catch (const CancelledError&) {
        throw;
    } catch (const Error& error) {
        throw DamagedError(damage + "; fetching it again failed: " + error.what()
                           + "; if it stays so: " + without_damaged(job));
    }
    call.warn(job_name(job.set.job) + ": the damaged result was fetched again");
}

void drop_damaged(const Call& call, JobRecord& job)
{
    std::vector<StoredFrame> whole;
    std::vector<int> damaged;
    for (const StoredFrame& frame : job.set.frames) {
        if (frame_whole(frame)) {
            whole.push_back(frame);
            continue;
        }
        damaged.push_back(frame.index);
        job.set.warnings.push_back("frame " + std::to_string(frame.index)
                                   + " was damaged and could not be fetched again; the user "
                                     "went on without it");
    }
    if (damaged.empty() || (whole.empty() && job.set.state != JobState::succeeded))
        return;
    if (whole.empty())
        throw UsageError(job_name(job.set.job) + ": " + without_damaged(job));
    call.store.jobs().drop_frames(job.set.job, damaged, job.set.warnings, call.now());
    job.set.frames = std::move(whole);
}

} // namespace klio::session
