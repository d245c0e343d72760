#include "service/answer.h"

#include "base/encoding.h"
#include "base/file.h"
#include "base/json.h"
#include "service/failure.h"
#include "service/places.h"
#include "service/words.h"
#include "transport/backoff.h"

#include <algorithm>

namespace klio::service {

namespace {

using base::Json;

// Far deeper than any answer, far shallower than what hurts.
constexpr size_t max_depth = 64;

void fill(const Json& root, Answer& answer)
{
    answer = {};
    answer.task_id = find_task_id(root);
    answer.status_word = find_status_word(root);
    answer.message = one_line(find_message(root));
    answer.keys = all_places(root);
    if (answer.status_word.empty()) {
        // Without any state, images are what tells that it is finished.
        answer.images = find_images(root);
        answer.state = answer.images.empty() ? TaskState::waiting : TaskState::done;
        return;
    }
    answer.unknown_word = !state_of(answer.status_word, answer.state);
    // "status": "ok" around data that have no state of their own speaks of the call: with images,
    // and no task to ask for them later, it is as if it were not there.
    if (answer.unknown_word && answer.task_id.empty() && at(root, "/data").is_structured()
        && find_status_word(at(root, "/data")).empty()
        && scalar_text(at(root, "/data/0/status")).empty()) {
        answer.images = find_images(root);
        answer.unknown_word = answer.images.empty();
        answer.state = answer.images.empty() ? TaskState::waiting : TaskState::done;
        return;
    }
    if (answer.state == TaskState::done)
        answer.images = find_images(root);
}

// A person may point at what holds the images under a name of its own: a list gives those of all
// its entries, an object those of its first member that has any.
std::vector<ResultImage> images_below(const Json& value, const std::string& place, int depth)
{
    std::vector<ResultImage> images = images_in(value, place);
    if (!images.empty() || depth == 0)
        return images;
    if (value.is_array()) {
        for (size_t i = 0; i < value.size(); ++i)
            for (ResultImage& image :
                 images_below(value[i], place + "/" + std::to_string(i), depth - 1))
                images.push_back(std::move(image));
    } else if (value.is_object()) {
        for (const auto& [key, child] : value.items()) {
            images = images_below(child, place + "/" + key, depth - 1);
            if (!images.empty())
                break;
        }
    }
    return images;
}

} // namespace

bool parse_answer(const std::string& body, Json& root, base::JsonError& error)
{
    if (base::parse_json(body, root, error, max_depth))
        return true;
    // A text that was cut in the middle of a letter must not hide a task's id.
    return !base::utf8_valid(body)
        && base::parse_json(base::utf8_mended(body), root, error, max_depth);
}

bool read_answer(int status, const std::string& body, const std::string& retry_after,
                 double unix_now, Answer& answer, Failure& failure)
{
    AnswerFacts facts;
    facts.status = status;
    facts.retry_after = transport::parse_retry_after(retry_after, unix_now);
    Json root;
    base::JsonError error;
    const bool json = parse_answer(body, root, error);
    if (!json) {
        facts.parse_error = error.message;
        facts.body = body.substr(0, 64u << 10);
        failure = classify(facts);
        return false;
    }
    facts.json = &root;
    const bool http_good = status >= 200 && status < 300;
    if (http_good) {
        fill(root, answer);
        const bool names_task = !answer.task_id.empty() || !answer.images.empty();
        const bool has_state = !answer.status_word.empty() && !answer.unknown_word;
        // An error beside a task's own state is that task's; without one it is the call's.
        if (!envelope_failed(root) || (has_state && names_task))
            return true;
        // Pictures that came under a code in no table are there all the same.
        failure = classify(facts);
        if (!answer.images.empty() && !failure.rejected && find_code(root) < 400) {
            failure = {};
            return true;
        }
        return false;
    }
    failure = classify(facts);
    return false;
}

Failure failure_of(const Answer& answer)
{
    Failure failure;
    failure.kind = ErrorKind::failed;
    kind_of_words(answer.message, failure.kind);
    failure.message = failure.kind == ErrorKind::refusal ? "the service refuses the content"
                                                         : "the service could not do the task";
    failure.message += " (" + one_line(answer.status_word, 64) + ")";
    if (!answer.message.empty())
        failure.message += ": " + answer.message;
    return failure;
}

bool may_have_succeeded(const Answer& answer)
{
    return base::lower(answer.status_word).find("expired") != std::string::npos;
}

std::string no_images_message(const Answer& answer)
{
    std::string seen;
    for (size_t i = 0; i < std::min<size_t>(answer.keys.size(), 20); ++i)
        seen += (i ? ", " : "") + answer.keys[i];
    if (answer.keys.size() > 20)
        seen += ", …";
    return "the task is finished and no image stands where one is looked for; seen: "
        + (seen.empty() ? "nothing" : one_line(seen, 900));
}

std::vector<ResultImage> images_at(const std::string& body, const std::string& json_pointer)
{
    Json root;
    base::JsonError error;
    if (!parse_answer(body, root, error))
        throw UsageError("the kept answer is no JSON (" + error.message
                         + "): nothing can be taken from it");
    const auto fail = [&](const std::string& why) {
        std::string seen;
        for (const std::string& place : all_places(root))
            seen += (seen.empty() ? "" : ", ") + place;
        return UsageError("--at '" + json_pointer + "': " + why
                          + "; the answer has: " + one_line(seen, 900));
    };
    const Json* value = nullptr;
    try {
        const Json& constant = root;
        value = &constant.at(Json::json_pointer(json_pointer));
    } catch (const Json::exception&) {
        throw fail("there is nothing, or it is no JSON pointer such as /data/output/images");
    }
    auto images = images_below(*value, json_pointer, 4);
    ResultImage unlabelled;
    unlabelled.place = json_pointer;
    // What a person points at is taken at its word, also what looks like a link of the API's own.
    if (images.empty() && base::is_url(scalar_text(*value)))
        unlabelled.url = scalar_text(*value);
    if (images.empty() && (!unlabelled.url.empty() || base64_image(*value, unlabelled)))
        images.push_back(std::move(unlabelled));
    if (images.empty())
        throw fail("there is no image (a URL, a data: URI, base64, or a list of these)");
    return images;
}

} // namespace klio::service
