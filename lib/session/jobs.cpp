#include <klio/jobs.h>

#include "base/clock.h"
#include "base/secret.h"
#include "session/call.h"
#include "store/ledger.h"
#include "store/store.h"

#include <algorithm>
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
        JobRecord now = store.jobs().get(job.set.job);
        store.settle(now, base::system_clock().unix_time());
        return now;
    }

    bool running(const std::string& key) const
    {
        return store::Flight::taken(store.lock_path(key));
    }

    /// What settle() would make of it, without writing: here it may only be looked at.
    JobState shown_state(const JobRecord& job, bool is_running, std::string& task_id) const
    {
        std::string raw;
        const bool left = job.set.state == JobState::submitting && !is_running;
        if (!left && job.set.state != JobState::unknown)
            return job.set.state;
        return store.kept_answer(job.set.job, task_id, raw) ? JobState::submitted
                                                            : JobState::unknown;
    }

    JobInfo info(const JobRecord& job)
    {
        JobInfo info;
        info.set = job.set;
        info.attempts = job.attempt;
        const bool open
            = job.set.state == JobState::submitting || job.set.state == JobState::submitted;
        info.running = open && running(job.set.job);
        info.set.state = shown_state(job, info.running, info.set.task_id);
        info.cost
            = store::cost_of(store.database(), job.set.job, info.set.state == JobState::unknown);
        return info;
    }

    /// Keys of the jobs that are shown as unknown and still stand as under way.
    std::vector<std::string> left()
    {
        JobFilter filter;
        filter.states = {JobState::submitting};
        std::vector<std::string> keys;
        std::string task_id;
        for (const JobRecord& job : store.jobs().list(filter))
            if (shown_state(job, running(job.set.job), task_id) == JobState::unknown)
                keys.push_back(job.set.job);
        return keys;
    }

    Settings settings;
    store::Store store;
};

namespace {

double now()
{
    return base::system_clock().unix_time();
}

// The states in which jobs may be stored that are shown in one of `shown`.
std::vector<JobState> stored_states(const std::vector<JobState>& shown)
{
    std::vector<JobState> stored = shown;
    for (const JobState state : shown) {
        if (state == JobState::unknown || state == JobState::submitted)
            stored.push_back(JobState::submitting);
        if (state == JobState::submitted)
            stored.push_back(JobState::unknown);
    }
    return stored;
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
    JobFilter stored = filter;
    stored.states = stored_states(filter.states);
    m_impl->store.jobs().list(stored, [&](const JobRecord& job) {
        JobInfo info = m_impl->info(job);
        const bool wanted = filter.states.empty()
            || std::find(filter.states.begin(), filter.states.end(), info.set.state)
                != filter.states.end();
        if (wanted)
            infos.push_back(std::move(info));
        return wanted;
    });
    std::reverse(infos.begin(), infos.end());
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
    m_impl->store.jobs().allow_again(record.set.job, not_charged, now());
}

void Jobs::resolve_forget(const std::string& job, bool not_charged)
{
    store::Flight flight;
    const JobRecord record = m_impl->held(job, flight);
    if (record.set.state != JobState::unknown && record.set.state != JobState::submitted
        && record.set.state != JobState::failed)
        throw wrong_state(record, "only an unknown, submitted or failed job can be given up");
    m_impl->store.jobs().forget(record.set.job, not_charged, now());
}

int Jobs::resolve_not_charged(const std::string& job)
{
    store::Flight flight;
    const JobRecord record = m_impl->held(job, flight);
    if (record.set.state == JobState::unknown)
        throw wrong_state(record, "--not-charged goes with --resubmit or --forget");
    return m_impl->store.jobs().not_charged(record.set.job);
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
    return store::total_cost(m_impl->store.database(), m_impl->left());
}

std::vector<CostLine> Jobs::cost_by_day()
{
    return store::cost_by_day(m_impl->store.database(), m_impl->left());
}

std::vector<CostLine> Jobs::cost_by_job()
{
    return store::cost_by_job(m_impl->store.database(), m_impl->left());
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
