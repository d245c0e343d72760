#include "staging/keeper.h"

#include "base/log.h"
#include "base/secret.h"
#include "staging/setting.h"
#include "store/busy_cancel.h"
#include "store/crash_point.h"

#include <klio/error.h>

#include <algorithm>
#include <exception>
#include <future>
#include <set>
#include <utility>

namespace klio::staging {

namespace {

// How long a task that nobody collected may still want its references. The service reads them when
// it begins; a day is far beyond any deadline.
constexpr double longest_need = 24 * 3600;

/// Holds what is done with one object, against other threads and processes.
class ObjectLock {
public:
    ObjectLock(const store::Store& store, const std::string& name, base::Clock& clock,
               const CancelToken& cancel)
    {
        while (!m_flight.try_take(store.lock_path("staged-" + name)))
            if (!clock.sleep(base::Seconds(0.02), cancel))
                throw CancelledError("cancelled: staging");
    }

private:
    store::Flight m_flight;
};

} // namespace

Keeper::Keeper(store::Store& store, transport::Transport& transport, StageOptions options)
    : m_store(store), m_transport(transport), m_options(std::move(options))
{
    if (m_options.secret.empty() && store.writable())
        m_options.secret = store.secret();
}

base::Clock& Keeper::clock() const
{
    return m_options.clock ? *m_options.clock : base::system_clock();
}

std::shared_ptr<Stage> Keeper::stage_of(const std::string& setting, int tries)
{
    const std::lock_guard<std::mutex> lock(m_mutex);
    std::shared_ptr<Stage>& stage = m_stages[{setting, tries}];
    if (!stage) {
        StageOptions options = m_options;
        options.tries = tries;
        try {
            stage = make_stage(setting, m_transport, options);
        } catch (...) {
            m_stages.erase({setting, tries});
            throw;
        }
    }
    return stage;
}

StagedUrl Keeper::stage_one(const std::string& job, Stage& stage, const Object& object,
                            double needed_until, bool keep, const CancelToken& cancel)
{
    const store::BusyCancel busy(cancel); // on this thread, which is one object's own
    const std::string name = stage.name_of(object);
    if (name.empty())
        return stage.put(object, needed_until, cancel);
    const ObjectLock lock(m_store, name, clock(), cancel);
    // The name is made with this data folder's own secret, so nobody else can have put it there:
    // the store's record saves asking.
    const std::optional<store::StagedRecord> known
        = m_store.staged().find(stage.identity(), object.sha256);
    const Presence presence = !known ? Presence::absent
        : known->state == "staged"   ? Presence::there
                                     : Presence::unknown;
    const auto add = [&](bool kept) {
        return m_store.staged().add(object.sha256, stage.identity(), name, job, kept,
                                    clock().unix_time());
    };
    const store::StagedRecord record = add(false);
    store::crash_point("staging");
    try {
        StagedUrl staged = stage.put(object, needed_until, cancel, presence);
        m_store.staged().mark_staged(record.id, staged.url, staged.expires_at);
        if (keep) // only now: what failed is not worth keeping
            add(true);
        return staged;
    } catch (const NothingStaged& error) {
        m_store.staged().mark_failed(record.id, error.what());
        if (!known)
            m_store.staged().remove(record.id);
        throw;
    } catch (const Error& error) {
        // It may be there all the same, so the record stays until it was surely removed.
        m_store.staged().mark_failed(record.id, error.what());
        throw;
    }
}

std::vector<StagedUrl> Keeper::stage(const std::string& job, const std::string& setting,
                                     const std::vector<Object>& objects, double needed_until,
                                     bool keep, const CancelToken& cancel,
                                     const OnStaged& on_staged)
{
    const store::BusyCancel busy(cancel);
    const std::shared_ptr<Stage> stage = stage_of(setting, m_options.tries);
    // The same picture twice is one object.
    std::map<std::string, std::shared_future<StagedUrl>> under_way;
    for (const Object& object : objects)
        if (!under_way.count(object.sha256))
            under_way[object.sha256]
                = std::async(std::launch::async, [&, object = &object] {
                      return stage_one(job, *stage, *object, needed_until, keep, cancel);
                  }).share();
    std::vector<StagedUrl> urls;
    std::exception_ptr failure;
    for (const Object& object : objects) {
        try {
            urls.push_back(under_way[object.sha256].get());
            if (on_staged && !failure)
                on_staged(urls.size(), objects.size());
        } catch (...) {
            if (!failure)
                failure = std::current_exception();
        }
    }
    if (failure) {
        // Not `cancel`, which may be what brought us here.
        ended(job, CancelToken());
        std::rethrow_exception(failure);
    }
    return urls;
}

bool Keeper::remove(const store::StagedRecord& record, int tries, const CancelToken& cancel)
{
    const ObjectLock lock(m_store, record.name, clock(), cancel);
    // Another job may have come to need it while this one waited for the lock.
    if (!m_store.staged().mark_removing(record.id))
        return false;
    store::crash_point("removing");
    try {
        stage_of(record.stage, tries)->remove(record.name, cancel);
    } catch (const Error& error) {
        m_store.staged().mark_failed(record.id, error.what());
        throw;
    }
    m_store.staged().remove(record.id);
    return true;
}

void Keeper::remove_all(const std::vector<store::StagedRecord>& records, int tries,
                        const CancelToken& cancel, CleanResult& result)
{
    std::vector<std::future<bool>> under_way;
    for (const store::StagedRecord& record : records)
        under_way.push_back(std::async(
            std::launch::async, [&, record = &record] { return remove(*record, tries, cancel); }));
    for (std::future<bool>& one : under_way) {
        try {
            result.removed += one.get() ? 1 : 0;
        } catch (const Error& error) {
            result.failures.push_back(base::mask(error.what()));
        }
    }
}

void Keeper::ended(const std::string& job, const CancelToken& cancel) noexcept
try {
    std::set<int64_t> mine;
    for (const store::StagedRecord& record : m_store.staged().list())
        if (std::count(record.jobs.begin(), record.jobs.end(), job))
            mine.insert(record.id);
    if (mine.empty())
        return;
    m_store.staged().release(job);
    std::vector<store::StagedRecord> unneeded;
    for (store::StagedRecord& record : m_store.staged().unneeded())
        if (mine.count(record.id))
            unneeded.push_back(std::move(record));
    CleanResult result;
    remove_all(unneeded, 2, cancel, result);
    if (!result.failures.empty())
        base::log(base::LogLevel::warning,
                  std::to_string(result.failures.size())
                      + " staged references are still there, the next run tries again (klio stage "
                        "list shows them): "
                      + result.failures.front());
} catch (const std::exception& error) {
    base::log(base::LogLevel::warning,
              std::string("staged references could not be removed: ") + error.what());
}

bool Keeper::still_needs(const std::string& job)
{
    // Whoever works on the job holds its lock, before and after it is in the store.
    store::Flight flight;
    if (!flight.try_take(m_store.lock_path(job)))
        return true;
    const std::optional<store::JobRecord> record = m_store.jobs().find(job);
    if (!record)
        return false;
    switch (record->set.state) {
    case JobState::succeeded:
    case JobState::failed:
    case JobState::refused:
        return false;
    case JobState::submitting:
    case JobState::submitted:
    case JobState::unknown:
        break;
    }
    return clock().unix_time() - record->sent_at < longest_need;
}

CleanResult Keeper::sweep(bool all, const CancelToken& cancel)
{
    store::Staged& staged = m_store.staged();
    std::set<std::string> asked;
    for (const store::StagedRecord& record : staged.list()) {
        if (all)
            staged.drop_jobs(record.id);
        else if (!record.keep)
            for (const std::string& job : record.jobs)
                if (asked.insert(job).second && !still_needs(job))
                    staged.release(job);
    }
    CleanResult result;
    remove_all(staged.unneeded(), 1, cancel, result);
    cancel.check("klio stage clean");
    result.left = int(staged.list().size());
    return result;
}

std::vector<StagedObject> Keeper::list()
{
    std::vector<StagedObject> objects;
    for (const store::StagedRecord& record : m_store.staged().list()) {
        StagedObject object;
        object.id = record.sha256;
        object.stage = base::mask(record.stage);
        object.url = base::mask_url(record.url);
        object.state = record.state;
        object.message = record.message;
        object.created_at = record.created_at;
        object.expires_at = record.expires_at;
        object.kept = record.keep;
        object.jobs = record.jobs;
        objects.push_back(std::move(object));
    }
    return objects;
}

} // namespace klio::staging
