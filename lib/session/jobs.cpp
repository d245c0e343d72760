#include <klio/jobs.h>

#include "base/clock.h"
#include "base/secret.h"
#include "session/call.h"
#include "store/ledger.h"
#include "store/store.h"

#include <cmath>

namespace klio {

using store::JobRecord;

struct Jobs::Impl {
    explicit Impl(const Settings& all) : settings(all), store(all.data_folder()) { }

    /// The job, with its Flight held, so that nobody moves it meanwhile.
    JobRecord held(const std::string& prefix, store::Flight& flight)
    {
        const JobRecord job = store.jobs().find_prefix(prefix);
        store.jobs().require_writable();
        if (!flight.try_take(store.lock_path(job.set.job)))
            throw UsageError("job " + job.set.job.substr(0, 12)
                             + ": a process works on it now; stop that first (klio jobs cancel)");
        JobRecord now = *store.jobs().find(job.set.job);
        store.settle(now, base::system_clock().unix_time());
        return now;
    }

    bool running(const std::string& key) const
    {
        return store::Flight::taken(store.lock_path(key));
    }

    JobInfo info(const JobRecord& job) const
    {
        JobInfo info;
        info.set = job.set;
        info.attempts = job.attempt;
        const bool open
            = job.set.state == JobState::submitting || job.set.state == JobState::submitted;
        info.running = open && running(job.set.job);
        // What settle() will make of it, without writing: the state may only be looked at here.
        std::string raw;
        const bool left = job.set.state == JobState::submitting && !info.running;
        if (left || job.set.state == JobState::unknown)
            info.set.state = store.kept_answer(job.set.job, info.set.task_id, raw)
                ? JobState::submitted
                : JobState::unknown;
        return info;
    }

    Settings settings;
    store::Store store;
};

namespace {

double now()
{
    return base::system_clock().unix_time();
}

UsageError wrong_state(const JobRecord& job, const std::string& what)
{
    return UsageError("job " + job.set.job.substr(0, 12) + " is " + to_string(job.set.state) + ": "
                      + what);
}

} // namespace

Jobs::Jobs(const Settings& settings) : m_impl(std::make_unique<Impl>(settings))
{
}

Jobs::~Jobs() = default;

std::vector<JobInfo> Jobs::list(const JobFilter& filter)
{
    std::vector<JobInfo> infos;
    for (const JobRecord& job : m_impl->store.jobs().list(filter))
        infos.push_back(m_impl->info(job));
    return infos;
}

JobInfo Jobs::job(const std::string& job)
{
    JobInfo info = m_impl->info(m_impl->store.jobs().find_prefix(job));
    for (const StoredFrame& frame : info.set.frames) {
        try {
            store::read_frame_bytes(frame);
        } catch (const DamagedError&) {
            info.damaged = true;
        }
    }
    return info;
}

RawAnswers Jobs::raw(const std::string& job, bool unmasked)
{
    const JobRecord record = m_impl->store.jobs().find_prefix(job);
    if (unmasked)
        return {record.raw_create, record.raw_task};
    return {base::mask(record.raw_create), base::mask(record.raw_task)};
}

void Jobs::resolve_task(const std::string& job, const std::string& task_id)
{
    if (task_id.empty())
        throw UsageError("--task needs the task's id, as the service shows it");
    store::Flight flight;
    const JobRecord record = m_impl->held(job, flight);
    // A failed one too: a person may find the task after having given it up.
    if (record.set.state != JobState::unknown && record.set.state != JobState::failed)
        throw wrong_state(record, "only an unknown or failed job can be told its task");
    if (const auto other = m_impl->store.jobs().with_task(record.set.endpoint, task_id))
        if (*other != record.set.job)
            throw UsageError("task " + task_id + " is that of " + session::job_name(*other)
                             + ", whose pictures are not this job's");
    m_impl->store.jobs().adopt_task(record.set.job, task_id, now());
}

void Jobs::resolve_resubmit(const std::string& job, bool not_charged)
{
    store::Flight flight;
    JobRecord record = m_impl->held(job, flight);
    if (record.set.state != JobState::unknown && record.set.state != JobState::failed
        && record.set.state != JobState::refused)
        throw wrong_state(record, "only an unknown, failed or refused job can be sent again");
    m_impl->store.jobs().allow_again(record.set.job, record.set.state == JobState::unknown,
                                     not_charged, now());
}

void Jobs::resolve_forget(const std::string& job, bool not_charged)
{
    store::Flight flight;
    const JobRecord record = m_impl->held(job, flight);
    if (record.set.state != JobState::unknown && record.set.state != JobState::submitted)
        throw wrong_state(record, "only an unknown or submitted job can be given up");
    m_impl->store.jobs().forget(record.set.job, not_charged, now());
}

bool Jobs::cancel(const std::string& job)
{
    const JobRecord record = m_impl->store.jobs().find_prefix(job);
    if (!m_impl->running(record.set.job))
        return false;
    m_impl->store.jobs().request_cancel(record.set.job);
    return true;
}

void Jobs::remove(const std::string& job, bool force)
{
    store::Flight flight;
    const JobRecord record = m_impl->held(job, flight);
    const JobState state = record.set.state;
    if (!force && (state == JobState::unknown || state == JobState::submitted))
        throw wrong_state(record, "deleting it loses what may have been paid for; --force does it");
    // The row first: files without a row are rubbish, a row without files is a damaged job.
    m_impl->store.jobs().erase(record.set.job);
    m_impl->store.staged().release(record.set.job);
    m_impl->store.drop_answer(record.set.job);
    m_impl->store.remove_results(record.set.job);
}

Cost Jobs::cost()
{
    return store::total_cost(m_impl->store.database());
}

std::vector<CostLine> Jobs::cost_by_day()
{
    return store::cost_by_day(m_impl->store.database());
}

std::vector<CostLine> Jobs::cost_by_job()
{
    return store::cost_by_job(m_impl->store.database());
}

BudgetState Jobs::budget()
{
    store::Database& database = m_impl->store.database();
    const auto limit = [&](const char* name) {
        return m_impl->settings.get(name).empty() ? -1 : m_impl->settings.number(name, -1);
    };
    BudgetState state;
    state.total = limit("budget");
    state.per_day = limit("budget_per_day");
    state.total_spent = store::counted(database, -HUGE_VAL);
    state.day_spent = store::counted(database, store::day_start(now()));
    return state;
}

} // namespace klio
