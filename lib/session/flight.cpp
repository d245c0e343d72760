#include "session/flight.h"

#include "session/collect.h"

#include <cmath>

namespace klio::session {

using store::JobRecord;

namespace {

// How often a waiter looks whether the flight that it waits for has landed, and asks its callback.
constexpr double tick = 0.1;

} // namespace

bool take_flight(const Call& call, store::Flight& flight, bool& waited)
{
    const std::string path = call.store.lock_path(call.job);
    waited = false;
    while (!flight.try_take(path)) {
        Progress progress;
        progress.message
            = job_name(call.job) + " is under way in another process or thread; waiting for it";
        progress.repeated = waited;
        call.tell("wait", progress);
        waited = true;
        if (call.clock.monotonic() > call.deadline)
            throw TimeoutError(job_name(call.job)
                               + " is still under way elsewhere; run again to collect it");
        call.clock.sleep(base::Seconds(tick), call.options.cancel);
        if (call.options.cancel.cancelled())
            throw CancelledError("stopped waiting for " + job_name(call.job)
                                 + ", which is under way elsewhere: run again, or klio jobs "
                                   "collect "
                                 + call.job.substr(0, 12) + "; nothing is paid twice");
        const auto job = call.store.jobs().find(call.job);
        std::string damage; // which may be what it works on
        if (job && job->set.state == JobState::succeeded && frames_whole(job->set, damage))
            return false;
    }
    return true;
}

bool shares_end(bool waited, const std::optional<JobRecord>& before, const JobRecord& now)
{
    const bool moved
        = !before || before->attempt != now.attempt || before->set.state != now.set.state;
    return waited && moved && now.set.error_kind != ErrorKind::cancelled;
}

void hold_back(const Call& call, const JobRecord& job)
{
    const double age = call.now() - job.set.updated_at;
    const bool by_person = job.set.error_kind == ErrorKind::cancelled || job.sent_at == 0;
    if (by_person || age < 0 || age >= call.options.retry_after)
        return;
    throw_error(job.set.error_kind,
                job.set.message + " (tried " + std::to_string(int(age))
                    + " s ago; it is sent again in "
                    + std::to_string(int(std::ceil(call.options.retry_after - age)))
                    + " s at the earliest)");
}

} // namespace klio::session
