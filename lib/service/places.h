#pragma once

#include "base/json.h"
#include "service/answer.h"

#include <string>
#include <vector>

/// \file
/// Where things stand in the service's answers. The service's page shows no answer, so these tables
/// are fixed, ordered and looked through from top to bottom; the first place that holds something
/// usable wins.
///
/// **Task id:** /data/task_id, /data/taskId, /task_id, /taskId, /data/id, /id, /data/0/task_id,
/// /data/0/id, /data (a bare string without blanks). A number counts as its text.
///
/// **State:** /data/status, /data/task_status, /data/state, /data/0/status, /status, /task_status,
/// /state. The inner ones come first, since an envelope's "status": "success" speaks of the call.
/// Only strings that are no number count. Case, and blanks or hyphens for underscores, do not
/// matter.
///
/// **Images:** in each of /data/output, /data/result, /data/task_result, /data/response, /data, the
/// root, /data/data, /data/results, /output, /result, /task_result, /response and /results: the
/// container itself where it is a list; then its images, image_urls, outputs,
/// output, result_urls, urls (lists, or a single one), image_url, url; for the root also the list
/// data. An image is a string (http(s) URL, data: URI, or bare base64 that begins as a PNG, JPEG or
/// WebP does) or an object with url, image_url or b64_json, each of which may also be an object
/// with a url or a list. All images are taken from the first place that has one; null and what is
/// no image is passed over; one URL counts once.
///
/// **Never** taken: `images` (and image_url, image_urls) beside a `prompt` in any case, which echo
/// the request;
/// anything under input, request, params; a URL whose path leads to the API's own task route; a
/// lone `url` beside a status that still waits is no result, since images are only taken of a
/// finished task or an answer without any state.
///
/// **Message:** /error/message, /error (a string), /data/error/message, /data/error (a string),
/// /data/fail_reason, /data/failure_reason, /data/task_status_msg, /data/message, /message, /msg,
/// /detail (a string, or a list of {loc, msg}), /errors/0/message.
///
/// **Code**, where it is a number: /error/code, /code, /error_code, /errcode.
///
/// **Field** of a bad request: /error/param, /error/field, /param, /field, /errors/0/field, the
/// first name in /errors, /detail/0/loc.

namespace klio::service {

/// An answer's body as JSON: a byte-order mark allowed, not nested absurdly deep; bytes that are no
/// UTF-8 become U+FFFD, since a prompt that was cut in the middle of a letter, or a message in
/// another encoding, says nothing against the rest. False with `error` filled where it is none.
bool parse_answer(const std::string& body, base::Json& root, base::JsonError& error);

std::string find_task_id(const base::Json& root);
std::string find_status_word(const base::Json& root);
/// False where the word is in no table.
bool state_of(const std::string& word, TaskState& state);
std::vector<ResultImage> find_images(const base::Json& root);
/// Every image at `value`, which stands at `place`.
std::vector<ResultImage> images_in(const base::Json& value, const std::string& place);
/// Base64 of whatever kind, for a place that is known to hold an image.
bool base64_image(const base::Json& value, ResultImage& image);
std::string find_message(const base::Json& root);
/// 0 where none is a number.
int find_code(const base::Json& root);
/// True where the answer names a task in any place, also in one that no table has: too little to
/// ask for it, enough to doubt that there is none.
bool mentions_task(const base::Json& root);
/// The same without what may be the id of a request or an error: for an answer whose status leaves
/// no doubt of its own.
bool surely_names_task(const base::Json& root);
/// All texts in the answer, wherever they stand, at most 64 KiB.
std::string all_words(const base::Json& root);
std::string find_field(const base::Json& root);
/// JSON pointers of what stands in the answer, at most 60, at most 5 levels deep.
std::vector<std::string> all_places(const base::Json& root);

/// A value as text where it is a string or a number; else empty.
std::string scalar_text(const base::Json& value);
/// The value at `pointer`, null where there is none.
const base::Json& at(const base::Json& root, const char* pointer);

} // namespace klio::service
