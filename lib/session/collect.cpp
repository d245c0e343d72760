#include "session/collect.h"

#include "base/secret.h"
#include "frames/decode.h"
#include "store/crash_point.h"

#include <algorithm>
#include <set>

namespace klio::session {

namespace {

std::string kept(const std::string& key)
{
    return " (" + job_name(key) + " is kept: run again, or klio jobs collect " + key.substr(0, 12)
        + "; nothing is paid twice)";
}

bool frame_whole(const StoredFrame& frame)
{
    try {
        store::read_frame_bytes(frame);
        return true;
    } catch (const DamagedError&) {
        return false;
    }
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

// The task was seen finished, whatever it is called by now.
bool was_finished(const store::JobRecord& job)
{
    service::Answer answer;
    service::Failure failure;
    return !job.raw_task.empty() && service::read_answer(200, job.raw_task, {}, 0, answer, failure)
        && answer.state == service::TaskState::done;
}

// The final answer of a failed task: what the job becomes.
[[noreturn]] void task_failed(const Call& call, const store::JobRecord& job,
                              const service::PollOutcome& outcome)
{
    const service::Failure failure = service::failure_of(outcome.answer);
    const std::string& key = job.set.job;
    const std::string task = "task " + job.set.task_id;
    if (mending(job))
        throw_error(failure.kind, failure.message);
    if (was_finished(job)) {
        // It was charged when it finished; what is stored of it can still be used.
        const std::string message = task
            + " was finished, and its pictures can no longer be fetched: " + failure.message
            + "; it counts as spent: klio jobs recover " + key.substr(0, 12)
            + " --as-it-is ends it with the frames that are stored, klio jobs resolve "
            + key.substr(0, 12) + " --forget without any";
        trouble(call, job, ErrorKind::damaged, message);
        throw DamagedError(message);
    }
    if (service::may_have_succeeded(outcome.answer)) {
        call.store.jobs().unknown(key, ErrorKind::unknown, failure.message, {}, call.now());
        throw UnknownCreateError(job_name(key) + ": " + task + ": " + failure.message
                                 + "; it may have been charged, so it counts as spent and is not "
                                   "sent again by itself; see klio jobs resolve");
    }
    const JobState state
        = failure.kind == ErrorKind::refusal ? JobState::refused : JobState::failed;
    call.store.jobs().failed(key, state, failure.kind, failure.message, outcome.raw, call.now());
    throw_error(failure.kind, task + " failed and is not charged: " + failure.message);
}

// Waits until the task is final.
service::PollOutcome wait_until_final(const Call& call, store::JobRecord& job,
                                      service::Client& client)
{
    const std::string& task = job.set.task_id;
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
                          board.put("task " + task + ": "
                                        + (answer.status_word.empty() ? std::string("waiting")
                                                                      : answer.status_word),
                                    call.clock.monotonic() - made);
                      });
              });
        // The answer that names the pictures is worth more than one that says that it is over.
        if (outcome.answer.state == service::TaskState::done || !was_finished(job)) {
            jobs.task_answer(key, outcome.raw, call.now());
            job.raw_task = outcome.raw;
        }
        return outcome;
    } catch (const CancelledError&) {
        keep_odd();
        throw CancelledError("stopped waiting for task " + task + kept(key));
    } catch (const FailedError& error) {
        if (mending(job))
            throw;
        // The service no longer knows the task: it may have run, and been charged.
        jobs.unknown(key, ErrorKind::unknown, error.what(), {}, call.now());
        throw UnknownCreateError(job_name(key) + ": " + error.what()
                                 + "; it may have been charged, so it counts as spent and is not "
                                   "sent again by itself; see klio jobs resolve");
    } catch (const Error& error) {
        keep_odd();
        trouble(call, job, error.kind(), error.what());
        throw_error(error.kind(),
                    error.what() + kept(key)
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

// One image's bytes into the store. Throws DamagedError, StoreError.
void keep_image(const Call& call, const store::JobRecord& job, int index, const std::string& bytes)
{
    const frames::ImageProbe probe = frames::check_image(
        bytes, "image " + std::to_string(index + 1) + " of " + job_name(job.set.job));
    StoredFrame frame;
    frame.index = index + 1;
    frame.media_type = probe.media_type;
    frame.width = probe.width;
    frame.height = probe.height;
    frame.channels = probe.channels;
    frame.bit_depth = probe.bit_depth;
    frame = store::write_frame_bytes(call.store.folder(), job.set.job, frame, bytes);
    call.store.jobs().add_frame(job.set.job, frame);
}

// Indices of `count` images of which no whole file is there.
std::set<int> not_stored(const store::JobRecord& job, size_t count)
{
    std::set<int> indices;
    for (size_t i = 0; i < count; ++i)
        indices.insert(int(i));
    for (const StoredFrame& frame : job.set.frames)
        if (frame_whole(frame))
            indices.erase(frame.index - 1);
    return indices;
}

// What is still missing after a round of downloads.
struct Missing {
    bool worth_again = false; ///< a fresh answer of the task may have what this one had not
    ErrorKind kind = ErrorKind::network;
    std::string message; ///< of the first
    std::set<int> indices;
};

// Downloads and stores the images whose indices are in `wanted`.
Missing fetch(const Call& call, store::JobRecord& job, service::Client& client,
              const std::vector<service::ResultImage>& all, const std::set<int>& wanted)
{
    std::vector<service::ResultImage> images;
    std::vector<int> indices;
    for (size_t i = 0; i < all.size(); ++i)
        if (wanted.count(int(i))) {
            images.push_back(all[i]);
            indices.push_back(int(i));
        }
    Missing missing;
    missing.indices = wanted;
    std::exception_ptr broken;
    const auto note = [&](ErrorKind kind, const std::string& message, bool worth_again) {
        if (missing.message.empty()) {
            missing.kind = kind;
            missing.message = message;
        }
        missing.worth_again = missing.worth_again || worth_again;
    };
    attended(call, "download", [&](const CancelToken& inner, Board& board) {
        return client.download(images, call.deadline, inner, [&](service::Download& image) {
            const int index = indices[size_t(image.index)];
            if (!image.ok()) {
                note(image.failure.kind, image.failure.message, image.gone);
                return;
            }
            if (broken)
                return;
            try {
                keep_image(call, job, index, image.bytes);
                missing.indices.erase(index);
                board.put("frame " + std::to_string(index + 1) + " is stored",
                          double(all.size() - missing.indices.size()), double(all.size()));
            } catch (const DamagedError& error) {
                note(error.kind(), error.what(), true);
            } catch (...) {
                broken = std::current_exception();
            }
        });
    });
    if (broken)
        std::rethrow_exception(broken);
    return missing;
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
        throw_error(cancelled ? ErrorKind::cancelled : missing.kind, message + kept(key));
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
    service::Answer answer;
    service::Failure failure;
    const bool has_task = !job.set.task_id.empty();
    // An answer that is kept already saves a look, and still works when the task is gone.
    // The create's own answer may have brought the images together with an id.
    const std::string& raw = job.raw_task.empty() ? job.raw_create : job.raw_task;
    if (raw.empty() || !service::read_answer(200, raw, {}, call.now(), answer, failure)
        || answer.images.empty()) {
        answer = {};
        if (has_task)
            answer = wait_for(call, job, client).answer;
    }
    for (int round = 0;; ++round) {
        if (answer.images.empty()) {
            const std::string message = service::no_images_message(answer);
            trouble(call, job, ErrorKind::damaged, message);
            throw DamagedError(job_name(job.set.job) + ": " + message);
        }
        if (const auto stored = call.store.jobs().find(job.set.job))
            job.set.frames = stored->set.frames;
        const std::set<int> wanted = not_stored(job, answer.images.size());
        Missing missing;
        if (!wanted.empty()) {
            call.tell("download", "downloading " + std::to_string(wanted.size()) + " images",
                      double(answer.images.size() - wanted.size()), double(answer.images.size()));
            missing = fetch(call, job, client, answer.images, wanted);
        }
        const bool again = !missing.indices.empty() && missing.worth_again && has_task && round == 0
            && !call.options.cancel.cancelled();
        if (!again) {
            finish(call, job, missing, answer.images.size());
            return;
        }
        // Expired URLs, or bytes that are no image: the task once more, and what it says now.
        answer = wait_for(call, job, client).answer;
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
    const std::set<int> wanted = not_stored(job, images.size());
    call.tell("download", "downloading " + std::to_string(wanted.size()) + " images", 0,
              double(wanted.size()));
    const Missing missing = wanted.empty() ? Missing() : fetch(call, job, client, images, wanted);
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
