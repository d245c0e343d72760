#include "session/purchase.h"

#include "service/failure.h"
#include "session/staged_references.h"
#include "store/crash_point.h"

#include <exception>

namespace klio::session {

namespace {

std::string resolve_hint(const std::string& key)
{
    return "it counts as spent and is not sent again by itself; look at the service whether the "
           "task is there, then: "
        + resolve_command(key);
}

// What to do about a create that was surely not accepted.
std::string advice(const std::string& key, ErrorKind kind)
{
    switch (kind) {
    case ErrorKind::key:
        return "; nothing is charged; see klio doctor for where the key comes from";
    case ErrorKind::credits:
        return "; nothing is charged; run again when the account has credits";
    case ErrorKind::refusal:
        return "; nothing is charged; change the request, or to send it once more: klio jobs "
               "resolve "
            + key.substr(0, 12) + " --resubmit";
    case ErrorKind::bad_request:
        return "; nothing is charged; correct the request or the endpoint";
    case ErrorKind::cancelled:
        return "; nothing is charged";
    default:
        return "; nothing is charged; run again later";
    }
}

// Writes the answer down, by one way or another: what was bought must not be lost to a disk that
// filled up, or a database that somebody holds, while the answer was on its way.
void keep(const Call& call, const store::JobRecord& job, const service::CreateOutcome& outcome)
{
    const std::string& task = outcome.answer.task_id;
    const std::string& key = job.set.job;
    store::JobTable& jobs = call.store.jobs();
    call.store.free_space(key);
    std::string why;
    const auto done = [&](const auto& write) {
        try {
            write();
            return true;
        } catch (const StoreError& error) {
            if (why.empty())
                why = error.what();
            return false;
        }
    };
    if (done([&] { jobs.submitted(key, task, outcome.raw, call.now()); }))
        return;
    const std::string accepted = job_name(key) + " was accepted"
        + (task.empty() ? "" : " as task " + service::one_line(task, 128));
    if (done([&] { call.store.keep_answer(key, task, outcome.raw); }))
        throw StoreError(accepted + "; the database could not take it (" + why
                         + "), so it is kept in answers/; mend this and run again to collect it, "
                           "free");
    // An answer with all its images may need more room than the id of a task that has them, too.
    if (!task.empty() && done([&] { jobs.submitted(key, task, {}, call.now()); })) {
        call.warn(why + "; the task's id alone is written down");
        return;
    }
    std::string elsewhere;
    if (done([&] { elsewhere = call.store.keep_answer_elsewhere(key, task, outcome.raw); })) {
        const std::string message = accepted + "; the data folder could not take the answer (" + why
            + "), which is kept in " + elsewhere + ": mend this, then mv " + elsewhere + " "
            + call.store.answer_path(key) + " and run again to collect it, free";
        done([&] { jobs.unknown(key, ErrorKind::unknown, message, {}, call.now()); });
        throw StoreError(message);
    }
    const std::string message = accepted + ", and that could not be written down (" + why
        + "); it counts as spent; mend this, then "
        + (task.empty()
               ? "look at the service whether a task is there, and run: " + resolve_command(key)
               : "run: klio jobs resolve " + key.substr(0, 12) + " --task "
                   + service::one_line(task, 128));
    done([&] { jobs.unknown(key, ErrorKind::unknown, message, {}, call.now()); });
    throw StoreError(message);
}

// What became of a create, into the store. `local`: references were staged, or sent inline. Throws
// where there is no task to wait for.
void write_down(const Call& call, const store::JobRecord& job,
                const service::CreateOutcome& outcome, bool local)
{
    store::JobTable& jobs = call.store.jobs();
    const std::string& key = job.set.job;
    const service::Failure& failure = outcome.failure;
    switch (outcome.kind) {
    case service::CreateOutcome::Kind::accepted:
        keep(call, job, outcome);
        return;
    case service::CreateOutcome::Kind::rejected: {
        const JobState state
            = failure.kind == ErrorKind::refusal ? JobState::refused : JobState::failed;
        std::string message = failure.message;
        // Whether the service takes data: URIs is not documented; this may be its answer.
        if (local && failure.kind == ErrorKind::bad_request
            && stage_setting(call, job.url) == "inline")
            message += "; " + staging::inline_refusal_hint();
        jobs.failed(key, state, failure.kind, message, outcome.raw, call.now());
        throw_error(failure.kind, job_name(key) + ": " + message + advice(key, failure.kind));
    }
    case service::CreateOutcome::Kind::unknown: {
        if (!outcome.answer.task_id.empty()) {
            // A failing answer that names a task: asking for that task costs nothing and tells.
            keep(call, job, outcome);
            return;
        }
        jobs.unknown(key, ErrorKind::unknown, failure.message, outcome.raw, call.now());
        std::string message = job_name(key) + ": " + failure.message + "; " + resolve_hint(key);
        if (!outcome.raw.empty())
            message += "; if its answer names the pictures: klio jobs show " + key.substr(0, 12)
                + " --raw, then klio jobs recover " + key.substr(0, 12) + " --at JSON_POINTER";
        if (call.options.cancel.cancelled())
            throw CancelledError(message);
        throw UnknownCreateError(message);
    }
    }
}

// Only what the budget has room for is announced. Whoever stops here has bought nothing yet.
void announce(const Call& call, const std::string& key)
{
    try {
        call.report("create", "sending " + job_name(key));
    } catch (...) {
        call.store.jobs().failed(key, JobState::failed, ErrorKind::cancelled,
                                 "stopped before it was sent", {}, call.now());
        throw;
    }
}

} // namespace

void purchase(const Call& call, store::JobRecord& job, std::vector<Reference>& references)
{
    store::JobTable& jobs = call.store.jobs();
    const std::string key = job.set.job;
    service::Client client = call.client(job.url);
    jobs.require_writable();
    call.store.reserve_space(key);
    struct Space {
        const store::Store& store;
        const std::string& key;
        ~Space() { store.free_space(key); }
    } space {call.store, key};

    bool local = false;
    for (const Reference& reference : references)
        local = local || !reference.passed_on;
    if (local)
        stage_setting(call, job.url); // a missing one is better said before the work than after

    load_references(call, job.set.request, references);
    job.set.references.clear();
    for (const Reference& reference : references)
        job.set.references.push_back(reference.stored);
    const std::string body
        = request_body(job.set.request, stage_references(call, job.url, references));

    call.check("sending " + job_name(key));
    call.store.drop_answer(key); // of an earlier purchase, which this one must not be taken for
    jobs.begin(job, call.limits, call.now());
    announce(call, key);
    std::exception_ptr thrown;
    const service::CreateOutcome outcome
        = attended(
              call, "create",
              [&](const CancelToken& inner, Board&) {
                  return client.create(body, job.idempotency_key, call.deadline, inner);
              },
              thrown)
              .get();
    store::crash_point("answered");
    try {
        write_down(call, job, outcome, local);
    } catch (const Error&) {
        if (!thrown)
            throw;
    }
    if (thrown)
        std::rethrow_exception(thrown);
}

} // namespace klio::session
