#pragma once

#include <klio/error.h>

#include <cstddef>
#include <string>
#include <vector>

/// \file
/// What the service's answers mean. Pure functions over bytes: no network, no state.

namespace klio::service {

enum class TaskState { waiting, done, failed };

/// One result image where it was found.
struct ResultImage {
    std::string url;   ///< http(s) URL, or empty where the bytes came along
    std::string bytes; ///< decoded b64_json or data: URI
    std::string place; ///< JSON pointer, e.g. "/data/output/images/0/url"
};

/// A parsed answer of create or task.
struct Answer {
    std::string task_id;     ///< empty where none was named
    std::string status_word; ///< as the service wrote it; empty where none
    TaskState state = TaskState::waiting;
    bool unknown_word = false; ///< status_word is in no table: taken for waiting, warned once
    std::vector<ResultImage> images;
    std::string message; ///< the service's own words, where it has any
    std::vector<std::string>
        keys; ///< JSON pointers of all that was seen, for the error of an empty result
};

/// What an answer that is no success means for the caller.
struct Failure {
    ErrorKind kind = ErrorKind::network;
    std::string message;     ///< one line with the service's own words
    bool rejected = false;   ///< on a create: surely not accepted
    bool transient = false;  ///< may be asked again
    bool not_found = false;  ///< 404, by the status or by the body's code: not there (yet)
    double retry_after = -1; ///< seconds; -1: not said
};

/// Reads an HTTP answer. Where state, task id, images and messages are looked for is the table in
/// places.h; what makes a failure of which kind is in failure.h.
///
/// An answer under HTTP 2xx whose status word says that the task failed is an Answer (see
/// failure_of()), as is one that says nothing at all (state waiting, no task id): a create must
/// take that for unknown. Images at the same URL are taken once.
/// Exactly one of the two is meaningful: returns true and fills `answer`, or
/// returns false and fills `failure`. Any content type, a byte-order mark, numbers as strings and
/// errors under HTTP 200 are understood; HTML, truncated and absurdly nested text is a failure.
/// `unix_now` is for Retry-After dates.
bool read_answer(int status, const std::string& body, const std::string& retry_after,
                 double unix_now, Answer& answer, Failure& failure);

/// What a task's failure means: refusal, credits or failed, by the service's own words.
Failure failure_of(const Answer& answer);

/// True where the word by which a task is over may be said of one that succeeded, and was charged,
/// before: "expired" is a task that waited too long, or results that are kept no longer.
bool may_have_succeeded(const Answer& answer);

/// The error for a finished task in which no image was found: names what was seen.
std::string no_images_message(const Answer& answer);

/// Images at a place that a person names by a JSON pointer (`klio jobs recover`): an image, a list
/// of them, or an object that holds one. Throws UsageError where nothing is there.
std::vector<ResultImage> images_at(const std::string& body, const std::string& json_pointer);

} // namespace klio::service
