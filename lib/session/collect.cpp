#include "session/collect.h"

#include "service/failure.h"
#include "session/fetch.h"
#include "store/results.h"

#include <algorithm>

namespace klio::session {

namespace {

// Several times what can be asked for.
constexpr size_t most_pictures = 64;

std::string paid(const StoredSet& set)
{
    if (!set.price_known)
        return "it is paid for";
    return set.credits_at_least == 0
        ? std::string("it costs nothing")
        : "it counts as at least " + std::to_string(set.credits_at_least) + " credits";
}

std::string kept(const Call& call, const store::JobRecord& job)
{
    const std::string& key = job.set.job;
    return " (" + job_name(key) + " is kept, " + paid(job.set)
        + ": run again, or klio jobs collect " + key.substr(0, 12) + call.endpoint_flag(job.url)
        + "; nothing is paid twice)";
}

// What a person does whose task can't be told: see `klio jobs resolve --help`.
std::string resolve_hint(const std::string& key)
{
    return "; it may have been charged, so it counts as spent and is not sent again by itself: "
        + resolve_command(key);
}

// A finished job whose files are fetched again stays finished, whatever becomes of that.
bool mending(const store::JobRecord& job)
{
    return job.set.state == JobState::succeeded;
}

void trouble(const Call& call, const store::JobRecord& job, ErrorKind kind,
             const std::string& message)
{
    if (!mending(job))
        call.store.jobs().trouble(job.set.job, kind, message, call.now());
}

// When the task was made, on the monotonic clock; a wall clock that was set back gives "now".
double task_made(const Call& call, const store::JobRecord& job)
{
    return call.clock.monotonic() - std::max(0.0, call.now() - job.sent_at);
}

// An answer that is kept already, as it was understood; empty where it is none.
service::Answer kept_answer(const std::string& raw, double now)
{
    service::Answer answer;
    service::Failure failure;
    if (raw.empty() || !service::read_answer(200, raw, {}, now, answer, failure))
        return {};
    return answer;
}

// The task was seen finished, whatever it is called by now. A create's "success" may be the call's.
bool was_finished(const store::JobRecord& job)
{
    return kept_answer(job.raw_task, 0).state == service::TaskState::done
        || !kept_answer(job.raw_create, 0).images.empty();
}

// It was charged when it finished; what is stored of it can still be used.
[[noreturn]] void pictures_lost(const Call& call, const store::JobRecord& job,
                                const std::string& why)
{
    const std::string key = job.set.job.substr(0, 12);
    const std::string message = "task " + service::one_line(job.set.task_id, 128)
        + " was finished, and its pictures can no longer be fetched: " + why
        + "; it counts as spent: klio jobs recover " + key
        + " --as-it-is ends it with the frames that are stored, klio jobs resolve " + key
        + " --forget without any";
    trouble(call, job, ErrorKind::damaged, message);
    throw DamagedError(message);
}

// The final answer of a failed task: what the job becomes.
[[noreturn]] void task_failed(const Call& call, const store::JobRecord& job,
                              const service::PollOutcome& outcome)
{
    const service::Failure failure = service::failure_of(outcome.answer);
    const std::string& key = job.set.job;
    const std::string task = "task " + service::one_line(job.set.task_id, 128);
    if (mending(job))
        throw_error(failure.kind, failure.message);
    if (was_finished(job))
        pictures_lost(call, job, failure.message);
    if (service::may_have_succeeded(outcome.answer)) {
        call.store.jobs().unknown(key, ErrorKind::unknown, failure.message, {}, call.now());
        throw UnknownCreateError(job_name(key) + ": " + task + ": " + failure.message
                                 + resolve_hint(key));
    }
    const JobState state
        = failure.kind == ErrorKind::refusal ? JobState::refused : JobState::failed;
    call.store.jobs().failed(key, state, failure.kind, failure.message, outcome.raw, call.now());
    throw_error(failure.kind,
                job_name(key) + ": " + task + " failed and is not charged: " + failure.message
                    + (state == JobState::refused ? "; change the request"
                                                  : "; run again for another try"));
}

// Waits until the task is final.
service::PollOutcome wait_until_final(const Call& call, store::JobRecord& job,
                                      service::Client& client)
{
    const std::string& task = job.set.task_id;
    const std::string shown = service::one_line(task, 128);
    const std::string& key = job.set.job;
    store::JobTable& jobs = call.store.jobs();
    const double made = task_made(call, job);
    // A word that is in no table may mean "done": what came with it is kept for a person to look
    // at.
    std::string odd;
    const auto keep_odd = [&] {
        if (!odd.empty())
            jobs.task_answer(key, odd, call.now());
    };
    try {
        service::PollOutcome outcome
            = attended(call, "wait", [&](const CancelToken& inner, Board& board) {
                  return client.wait(
                      task, made, call.deadline, inner, [&](const service::PollOutcome& look) {
                          const service::Answer& answer = look.answer;
                          odd = answer.unknown_word ? look.raw : std::string();
                          board.put("task " + shown + ": "
                                        + (answer.status_word.empty()
                                               ? std::string("waiting")
                                               : service::one_line(answer.status_word, 64)),
                                    call.clock.monotonic() - made);
                      });
              });
        // The answer that names the most pictures is worth more than one that names fewer, or says
        // that it is over: later runs must know what there was.
        const bool fewer
            = outcome.answer.images.size() < std::max(kept_answer(job.raw_task, 0).images.size(),
                                                      kept_answer(job.raw_create, 0).images.size());
        if (!fewer && (outcome.answer.state == service::TaskState::done || !was_finished(job))) {
            jobs.task_answer(key, outcome.raw, call.now());
            job.raw_task = outcome.raw;
        }
        return outcome;
    } catch (const CancelledError&) {
        keep_odd();
        throw CancelledError("stopped waiting for task " + shown + kept(call, job));
    } catch (const FailedError& error) {
        if (mending(job))
            throw;
        if (was_finished(job))
            pictures_lost(call, job, error.what());
        // The service no longer knows the task: it may have run, and been charged.
        jobs.unknown(key, ErrorKind::unknown, error.what(), {}, call.now());
        throw UnknownCreateError(job_name(key) + ": " + error.what() + resolve_hint(key));
    } catch (const Error& error) {
        keep_odd();
        trouble(call, job, error.kind(), error.what());
        throw_error(error.kind(),
                    error.what() + kept(call, job)
                        + (odd.empty() ? std::string()
                                       : "; if the pictures are there: klio jobs show "
                                   + key.substr(0, 12) + " --raw, klio jobs recover "
                                   + key.substr(0, 12) + " --at POINTER"));
    }
}

// The task's answer as it is now, whatever its state: for a person who points into it.
void look_once(const Call& call, store::JobRecord& job, service::Client& client)
{
    const service::PollOutcome outcome
        = attended(call, "wait", [&](const CancelToken& inner, Board&) {
              return client.poll(job.set.task_id, task_made(call, job), call.deadline, inner);
          });
    call.store.jobs().task_answer(job.set.job, outcome.raw, call.now());
    job.raw_task = outcome.raw;
}

service::PollOutcome wait_for(const Call& call, store::JobRecord& job, service::Client& client)
{
    service::PollOutcome outcome = wait_until_final(call, job, client);
    if (outcome.answer.state == service::TaskState::failed)
        task_failed(call, job, outcome);
    return outcome;
}

// The request's own pictures come back in some answers, under whatever name. And what names
// hundreds of pictures is no answer to a request for nine.
void drop_strangers(const Call& call, const store::JobRecord& job, service::Answer& answer)
{
    const std::vector<std::string>& own = job.set.request.images;
    answer.images.erase(std::remove_if(answer.images.begin(), answer.images.end(),
                                       [&](const service::ResultImage& image) {
                                           return !image.url.empty()
                                               && std::find(own.begin(), own.end(), image.url)
                                               != own.end();
                                       }),
                        answer.images.end());
    if (answer.images.size() <= most_pictures)
        return;
    call.warn(job_name(job.set.job) + ": the answer names " + std::to_string(answer.images.size())
              + " pictures; the first " + std::to_string(most_pictures)
              + " are fetched, the answer is kept (klio jobs show --raw)");
    answer.images.resize(most_pictures);
}

// Ends the job, or says what is missing.
void finish(const Call& call, store::JobRecord& job, const Missing& missing, size_t count)
{
    store::JobTable& jobs = call.store.jobs();
    const std::string& key = job.set.job;
    if (!missing.indices.empty()) {
        const bool cancelled
            = call.options.cancel.cancelled() || missing.kind == ErrorKind::cancelled;
        const std::string message = cancelled ? std::string("stopped while downloading")
                                              : std::to_string(missing.indices.size()) + " of "
                + std::to_string(count) + " images could not be stored: " + missing.message;
        if (!cancelled)
            trouble(call, job, missing.kind, message);
        throw_error(cancelled ? ErrorKind::cancelled : missing.kind, message + kept(call, job));
    }
    const int asked = job.set.request.num_images;
    if (int(count) != asked) {
        const std::string warning = "asked for " + std::to_string(asked)
            + " images, the service gave " + std::to_string(count) + "; all of them are kept";
        if (std::find(job.set.warnings.begin(), job.set.warnings.end(), warning)
            == job.set.warnings.end())
            job.set.warnings.push_back(warning);
        call.warn(job_name(key) + ": " + warning);
    }
    jobs.succeeded(key, job.set.warnings, call.now());
}

} // namespace

bool frames_whole(const StoredSet& set, std::string& what)
{
    for (const StoredFrame& frame : set.frames) {
        try {
            store::read_frame_bytes(frame);
        } catch (const DamagedError& error) {
            what = error.what();
            return false;
        }
    }
    return true;
}

void collect_job(const Call& call, store::JobRecord& job)
{
    service::Client client = call.client(job.url);
    call.store.sweep(job.set.job);
    const bool has_task = !job.set.task_id.empty();
    // An answer that is kept already saves a look, and still works when the task is gone.
    // The create's own answer may have brought the images together with an id.
    service::Answer answer
        = kept_answer(job.raw_task.empty() ? job.raw_create : job.raw_task, call.now());
    drop_strangers(call, job, answer);
    std::vector<service::ResultImage> before = answer.images;
    // Not with the gateway in one's own process: its port, and with it every URL, is another now.
    const bool moved = has_task && job.set.endpoint == local_endpoint;
    if (moved || before.empty()) {
        answer = {};
        if (has_task)
            answer = wait_for(call, job, client).answer;
        drop_strangers(call, job, answer);
        if (before.empty())
            before = answer.images;
    }
    for (int round = 0;; ++round) {
        if (answer.images.empty()) {
            const std::string key = job.set.job.substr(0, 12);
            const std::string message = service::no_images_message(answer)
                + "; the answer is kept: klio jobs show " + key + " --raw, then klio jobs recover "
                + key + " --at JSON_POINTER";
            trouble(call, job, ErrorKind::damaged, message);
            throw DamagedError(job_name(job.set.job) + ": " + message);
        }
        if (const auto stored = call.store.jobs().find(job.set.job))
            job.set.frames = stored->set.frames;
        // A fresh answer may name fewer pictures than were there; they are missed all the same.
        const size_t count = std::max(before.size(), answer.images.size());
        Missing missing;
        missing.indices = not_stored(job, count);
        if (!missing.indices.empty()) {
            call.tell("download",
                      "downloading " + std::to_string(missing.indices.size()) + " images",
                      double(count - missing.indices.size()), double(count));
            fetch(call, job, client, answer.images, !same_pictures(before, answer.images), missing);
        }
        // Whatever these URLs have come to, what the service says now costs nothing.
        const bool again = !missing.indices.empty() && has_task && round == 0
            && missing.kind != ErrorKind::cancelled && !call.options.cancel.cancelled()
            && call.clock.monotonic() < call.deadline;
        if (!again) {
            finish(call, job, missing, count);
            return;
        }
        // Expired URLs, or bytes that are no image: the task once more, and what it says now.
        answer = wait_for(call, job, client).answer;
        drop_strangers(call, job, answer);
    }
}

void recover_job(const Call& call, store::JobRecord& job, const std::string& json_pointer)
{
    service::Client client = call.client(job.url);
    const bool has_task = !job.set.task_id.empty();
    const std::vector<service::ResultImage> images = [&] {
        if (has_task && job.raw_task.empty()) {
            // What a person points at may stand in the create's answer.
            try {
                return service::images_at(job.raw_create, json_pointer);
            } catch (const UsageError&) {
                look_once(call, job, client);
            }
        }
        return service::images_at(job.raw_task.empty() ? job.raw_create : job.raw_task,
                                  json_pointer);
    }();
    Missing missing;
    missing.indices = not_stored(job, images.size());
    if (!missing.indices.empty()) {
        call.tell("download", "downloading " + std::to_string(missing.indices.size()) + " images",
                  0, double(missing.indices.size()));
        fetch(call, job, client, images, false, missing);
    }
    finish(call, job, missing, images.size());
}

void end_with_what_is_stored(const Call& call, store::JobRecord& job)
{
    size_t whole = 0;
    for (const StoredFrame& frame : job.set.frames)
        whole += frame_whole(frame);
    if (whole == 0 || whole != job.set.frames.size())
        throw UsageError(job_name(job.set.job) + " has " + std::to_string(whole)
                         + " whole frames stored; it can't be ended with them");
    job.set.warnings.push_back("asked for " + std::to_string(job.set.request.num_images)
                               + " images; ended by the user with the " + std::to_string(whole)
                               + " that could be stored");
    call.store.jobs().succeeded(job.set.job, job.set.warnings, call.now());
}

} // namespace klio::session
