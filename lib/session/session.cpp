#include <klio/session.h>

#include "base/log.h"
#include "base/secret.h"
#include "base/sha256.h"
#include "service/failure.h"
#include "session/call.h"
#include "session/collect.h"
#include "session/flight.h"
#include "session/mend.h"
#include "session/purchase.h"
#include "session/references.h"
#include "store/busy_cancel.h"

#include <algorithm>
#include <mutex>

namespace klio {

using session::Call;
using session::Reference;
using store::JobRecord;

namespace {

std::string endpoint_url(const Settings& settings, const GenerateOptions& options)
{
    return normalized_endpoint(options.endpoint.empty() ? settings.get("endpoint")
                                                        : options.endpoint);
}

double limit(const Settings& settings, const char* name)
{
    return settings.get(name).empty() ? -1 : settings.number(name, -1);
}

} // namespace

struct Session::Impl {
    explicit Impl(const Settings& all)
        : settings(all), store(all.data_folder()), run(base::random_hex(16))
    {
    }

    Call call(const GenerateOptions& options)
    {
        {
            const std::lock_guard<std::mutex> lock(mutex);
            if (!transport) {
                transport::TransportOptions made;
                made.cacert = settings.get("cacert");
                made.max_per_host = 10; // all references of a request, or images of a task, at once
                transport = std::make_unique<transport::Transport>(made);
                keeper = std::make_unique<staging::Keeper>(store, *transport);
            }
        }
        Call made {store, *transport, *keeper, settings, options, session::clock(), {}, 0, {}};
        made.limits.run = run;
        made.limits.per_run = options.budget;
        made.limits.total = limit(settings, "budget");
        made.limits.per_day = limit(settings, "budget_per_day");
        made.deadline = made.clock.monotonic() + settings.number("timeout", 1200);
        return made;
    }

    /// A job that was never seen, as it would be bought.
    JobRecord describe(Call& call, const Request& request,
                       const std::vector<Reference>& references) const
    {
        JobRecord job;
        job.url = endpoint_url(settings, call.options);
        job.set.endpoint
            = call.options.endpoint_identity.empty() ? job.url : call.options.endpoint_identity;
        job.set.request = request;
        job.set.job = job_key(request, job.set.endpoint, session::reference_ids(references));
        // The gateway in one's own process takes nothing, so it uses up no budget.
        const Price cost = job.set.endpoint == local_endpoint ? Price {true, 0} : price(request);
        job.set.price_known = cost.known;
        job.set.credits_at_least = cost.credits_at_least;
        for (const Reference& reference : references) {
            job.set.references.push_back(reference.stored);
            for (const std::string& line : reference.prepared.warnings)
                job.set.warnings.push_back(line);
        }
        call.job = job.set.job;
        return job;
    }

    /// What is stored for references that are missing, marked so. Only finished frames will do:
    /// nothing can be bought, or asked of the service, in the name of a file that is not there.
    std::optional<StoredSet> without_references(const Call& call,
                                                const std::vector<Reference>& references)
    {
        std::vector<int> missing;
        for (size_t i = 0; i < references.size(); ++i)
            if (!references[i].missing.empty())
                missing.push_back(int(i) + 1);
        if (missing.empty())
            return std::nullopt;
        std::optional<JobRecord> job = store.jobs().find(call.job);
        if (!job || job->set.state != JobState::succeeded)
            session::require_present(references);
        for (const int number : missing)
            job->set.warnings.push_back(
                references[size_t(number) - 1].missing
                + "; the frames are those that were bought with it as it last was");
        job->set.missing_references = std::move(missing);
        return job->set;
    }

    /// Moves a job on whose flight is held; `references` is null where it must not be bought.
    void advance(const Call& call, JobRecord& job, std::vector<Reference>* references)
    {
        store.jobs().clear_cancel(call.job);
        struct Release {
            Impl& impl;
            const Call& call;
            ~Release()
            {
                try {
                    impl.release_staged(call);
                } catch (const Error&) {
                    // The job's own end is what the caller must hear of; a later sweep does this.
                }
            }
        } release {*this, call};
        if (references) {
            session::purchase(call, job, *references);
            job = store.jobs().get(call.job);
        }
        call.tell("wait",
                  "task " + service::one_line(job.set.task_id, 128)
                      + " is accepted; waiting for it");
        session::collect_job(call, job);
    }

    StoredSet finished(const Call& call)
    {
        StoredSet set = store.jobs().get(call.job).set;
        if (call.options.progress)
            call.options.progress({"done", call.job, session::job_name(call.job) + " is stored",
                                   double(set.frames.size()), double(set.frames.size())});
        return set;
    }

    StoredSet bought(const Call& call)
    {
        StoredSet set = finished(call);
        set.bought = true;
        return set;
    }

    [[noreturn]] void throw_final(const JobRecord& job) const
    {
        const std::string name = session::job_name(job.set.job);
        const std::string short_key = job.set.job.substr(0, 12);
        switch (job.set.state) {
        case JobState::unknown:
            throw UnknownCreateError(name + " may or may not have been accepted (" + job.set.message
                                     + "); it counts as spent and is not sent again by itself; "
                                       "look at the service, then: "
                                     + session::resolve_command(job.set.job));
        case JobState::refused:
            throw RefusalError(name + " was refused before (" + job.set.message
                               + "); change the request, or allow it once more: klio jobs resolve "
                               + short_key + " --resubmit");
        default:
            throw_error(job.set.error_kind, job.set.message);
        }
    }

    /// What the job needed staged is needed no more; and, once, what others left behind.
    void release_staged(const Call& call)
    {
        const auto job = store.jobs().find(call.job);
        // One that is still submitting was sent, and its end could not be written down.
        if (job
            && (job->set.state == JobState::submitting || job->set.state == JobState::submitted
                || job->set.state == JobState::unknown))
            return;
        keeper->ended(call.job, call.options.cancel);
        std::call_once(swept, [&] {
            try {
                keeper->sweep(false, call.options.cancel);
            } catch (const Error& error) {
                base::log(base::LogLevel::info, error.what());
            }
        });
    }

    /// The job's whole way. `fresh` and `references` describe it where it may be bought.
    StoredSet bring_home(Call& call, JobRecord* fresh, std::vector<Reference>* references)
    {
        std::string damage;
        std::optional<JobRecord> job = store.jobs().find(call.job);
        if (job && job->set.state == JobState::succeeded) {
            if (session::frames_whole(job->set, damage))
                return finished(call);
            call.warn(damage);
        }
        const std::optional<JobRecord> before = job;
        store.jobs().require_writable();
        store::Flight flight;
        bool waited = false;
        if (!session::take_flight(call, flight, waited))
            return finished(call);
        job = fresh ? store.jobs().find(call.job) : store.jobs().get(call.job);
        if (!job) {
            advance(call, *fresh, references);
            return bought(call);
        }
        store.settle(*job, call.now());
        if (job->set.state != JobState::failed)
            store::BusyCancel::lift(); // what comes of it now was paid for
        // The address may have changed since (a local gateway's port does), the endpoint has not.
        if (fresh)
            job->url = fresh->url;
        else if (!call.options.endpoint.empty())
            job->url = normalized_endpoint(call.options.endpoint);
        if (job->set.state == JobState::submitted) {
            advance(call, *job, nullptr);
        } else if (job->set.state == JobState::succeeded) {
            if (!session::frames_whole(job->set, damage))
                session::mend(call, *job, damage);
        } else if (job->set.state == JobState::failed && fresh
                   && !session::shares_end(waited, before, *job)) {
            session::hold_back(call, *job);
            advance(call, *fresh, references);
            return bought(call);
        } else {
            throw_final(*job);
        }
        return finished(call);
    }

    Settings settings;
    store::Store store;
    std::string run;
    std::mutex mutex;
    std::unique_ptr<transport::Transport> transport;
    std::unique_ptr<staging::Keeper> keeper;
    std::once_flag swept;
};

Session::Session(const Settings& settings) : m_impl(std::make_unique<Impl>(settings))
{
}

Session::~Session() = default;

StoredSet Session::generate(const Request& request, const GenerateOptions& options)
{
    const store::BusyCancel busy(options.cancel);
    check(request, options.prepare);
    Call call = m_impl->call(options);
    std::vector<Reference> references;
    session::identify_references(call, request, true, references);
    JobRecord fresh = m_impl->describe(call, request, references);
    if (auto stored = m_impl->without_references(call, references)) {
        std::string damage;
        if (!session::frames_whole(*stored, damage))
            throw DamagedError(damage);
        return *stored;
    }
    for (const std::string& line : warnings(request))
        fresh.set.warnings.push_back(line);
    return m_impl->bring_home(call, &fresh, &references);
}

std::optional<StoredSet> Session::find(const Request& request, const GenerateOptions& options)
{
    const store::BusyCancel busy(options.cancel);
    check(request, options.prepare);
    Call call = m_impl->call(options);
    std::vector<Reference> references;
    if (!session::identify_references(call, request, false, references))
        return std::nullopt;
    m_impl->describe(call, request, references);
    if (auto stored = m_impl->without_references(call, references))
        return stored;
    const std::optional<JobRecord> job = m_impl->store.jobs().find(call.job);
    return job ? std::optional<StoredSet>(job->set) : std::nullopt;
}

StoredSet Session::collect(const std::string& job, const GenerateOptions& options)
{
    const store::BusyCancel busy(options.cancel);
    Call call = m_impl->call(options);
    call.job = m_impl->store.jobs().find_prefix(job).set.job;
    return m_impl->bring_home(call, nullptr, nullptr);
}

StoredSet Session::recover(const std::string& job, const std::string& json_pointer,
                           const GenerateOptions& options)
{
    const store::BusyCancel busy(options.cancel);
    Call call = m_impl->call(options);
    call.job = m_impl->store.jobs().find_prefix(job).set.job;
    m_impl->store.jobs().require_writable();
    store::Flight flight;
    bool waited = false;
    if (!session::take_flight(call, flight, waited))
        return m_impl->finished(call);
    JobRecord record = m_impl->store.jobs().get(call.job);
    m_impl->store.settle(record, call.now());
    store::BusyCancel::lift(); // what comes of it now was paid for
    if (!options.endpoint.empty())
        record.url = normalized_endpoint(options.endpoint);
    std::string damage;
    const bool succeeded = record.set.state == JobState::succeeded;
    if (succeeded && session::frames_whole(record.set, damage))
        return m_impl->finished(call);
    if (json_pointer.empty())
        session::drop_damaged(call, record);
    if (succeeded && json_pointer.empty())
        return m_impl->finished(call);
    if (record.set.task_id.empty() && record.raw_create.empty())
        throw UsageError(session::job_name(call.job) + " has no answer to recover from");
    if (json_pointer.empty())
        session::end_with_what_is_stored(call, record);
    else
        session::recover_job(call, record, json_pointer);
    m_impl->release_staged(call);
    return m_impl->finished(call);
}

std::string Session::ask_for_task(const std::string& job, const std::string& task_id,
                                  const GenerateOptions& options)
{
    // Somebody sits in front of it: long enough for a task that is not visible at once, no longer.
    const double patience = std::min(30.0, m_impl->settings.number("timeout", 1200));
    Call call = m_impl->call(options);
    const JobRecord record = m_impl->store.jobs().find_prefix(job);
    service::Client client = call.client(
        options.endpoint.empty() ? record.url : normalized_endpoint(options.endpoint));
    const double now = call.clock.monotonic();
    const double fresh = std::max(0.0, call.now() - record.sent_at);
    try {
        return client.poll(task_id, now - fresh, now + patience, options.cancel).answer.status_word;
    } catch (const Error& error) {
        // Some services call an id that they never gave a wrong request.
        if (error.kind() == ErrorKind::bad_request)
            throw FailedError(error.what());
        throw;
    }
}

Plan Session::plan(const Request& request, const GenerateOptions& options)
{
    const store::BusyCancel busy(options.cancel);
    check(request, options.prepare);
    Call call = m_impl->call(options);
    std::vector<Reference> references;
    session::identify_references(call, request, options.prepare_urls, references);
    session::require_present(references);
    session::load_references(call, request, references);
    const JobRecord job = m_impl->describe(call, request, references);
    Plan plan;
    plan.job = job.set.job;
    plan.endpoint = job.set.endpoint;
    plan.price = price(request);
    plan.warnings = warnings(request);
    for (const std::string& line : job.set.warnings)
        plan.warnings.push_back(line);
    const std::string stage = options.stage.empty() ? m_impl->settings.get("stage") : options.stage;
    const bool inline_stage = stage.empty() || stage == "inline";
    plan.stage = base::mask(stage.empty() ? "inline" : stage);
    std::vector<std::string> urls;
    uint64_t cut = 0;
    for (const Reference& reference : references) {
        plan.references.push_back(reference.stored);
        plan.prepared.push_back(reference.prepared);
        if (reference.passed_on) {
            urls.push_back(reference.stored.source);
        } else if (inline_stage) {
            const uint64_t size = 4 * ((reference.prepared.bytes.size() + 2) / 3);
            const std::string note = "... (" + std::to_string(size) + " characters)";
            urls.push_back("data:" + reference.prepared.media_type + ";base64," + note);
            cut += size - note.size();
        } else {
            urls.push_back("(staged when sent: " + reference.prepared.sha256.substr(0, 12) + ")");
        }
    }
    plan.body = request_body(request, urls);
    plan.body_bytes = plan.body.size() + cut;
    if (const auto stored = m_impl->store.jobs().find(plan.job))
        plan.stored = stored->set;
    return plan;
}

} // namespace klio
