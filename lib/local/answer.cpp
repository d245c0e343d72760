#include "local/answer.h"

#include "base/encoding.h"
#include "local/check.h"
#include "local/damage.h"
#include "local/fault.h"

#include <cctype>
#include <ctime>

namespace klio::local {

using base::Json;
using base::OrderedJson;

namespace {

std::vector<std::string> split(const std::string& text, char separator)
{
    std::vector<std::string> parts(1);
    for (const char c : text)
        if (c == separator)
            parts.emplace_back();
        else
            parts.back() += c;
    return parts;
}

void put(OrderedJson& root, const std::vector<std::string>& path, const OrderedJson& value)
{
    OrderedJson* at = &root;
    for (const std::string& key : path)
        at = &(*at)[key];
    *at = value;
}

OrderedJson common(const Task& task, const std::string& word)
{
    OrderedJson json = {{"code", 200}, {"message", "success"}, {"data", OrderedJson::object()}};
    json["data"]["task_id"] = task.id;
    const std::string place = fate_value(task.fate, "state");
    put(json, split(place.empty() ? "data.status" : place, '.'), word);
    json["data"]["model"] = OrderedJson::parse(task.body.value("model", Json()).dump());
    if (has_fate(task.fate, "echo"))
        json["data"]["input"] = OrderedJson::parse(task.body.dump());
    return json;
}

void numbers_to_strings(OrderedJson& json)
{
    if (json.is_number())
        json = json.dump();
    else if (json.is_structured())
        for (OrderedJson& element : json)
            numbers_to_strings(element);
}

// A message that was cut after so many bytes: the first two of a letter that has three.
std::string cut_letters(OrderedJson json)
{
    const std::string mark = "(cut letter)";
    json["message"] = "message " + mark;
    const OrderedJson::json_pointer error("/data/error/message");
    if (json.contains(error))
        json[error] = json[error].get<std::string>() + " " + mark;
    std::string text = base::to_text(json);
    for (size_t at = 0; (at = text.find(mark)) != std::string::npos;)
        text.replace(at, mark.size(), "\xe2\x82");
    return text;
}

std::string finish(const Task& task, OrderedJson json)
{
    if (has_fate(task.fate, "numbers-as-strings"))
        numbers_to_strings(json);
    return has_fate(task.fate, "bad-utf8") ? cut_letters(std::move(json)) : base::to_text(json);
}

std::string base64(const std::string& bytes)
{
    return base::base64(bytes.data(), bytes.size());
}

// Where done_body() puts the images.
Shape shape_of(const Task& task)
{
    Shape shape {"data.output.images", "url"};
    if (has_fate(task.fate, "b64"))
        shape.member = "b64_json";
    else if (has_fate(task.fate, "elsewhere"))
        shape = {"data.artifacts.pictures", ""};
    else
        find_shape(fate_value(task.fate, "shape"), shape);
    return shape;
}

std::string message_of(int code)
{
    static const std::map<int, const char*> words = {{400, "the request is invalid"},
                                                     {401, "invalid API key"},
                                                     {403, "this key may not do that"},
                                                     {404, "not found"},
                                                     {408, "the request took too long"},
                                                     {410, "no longer kept"},
                                                     {422, "this aspect ratio is not supported"},
                                                     {425, "too early, try again"},
                                                     {429, "too many requests, slow down"},
                                                     {500, "internal error, nothing done"},
                                                     {503, "overloaded, try again later"}};
    return words.count(code) ? words.at(code) : "the call failed";
}

std::string http_date(time_t when)
{
    char text[64];
    std::tm parts {};
    gmtime_r(&when, &parts);
    std::strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &parts);
    return text;
}

} // namespace

std::string create_body(const Task& task, const std::string& fault,
                        const std::vector<AnswerImage>& images)
{
    if (fault == "finished")
        return ends_failed(task) ? failed_body(task) : done_body(task, images);
    if (fault == "finished-urls" || fault == "finished-b64") {
        OrderedJson json = {{"created", int64_t(task.created)}, {"data", OrderedJson::array()}};
        for (const AnswerImage& image : images)
            json["data"].push_back(fault == "finished-urls"
                                       ? OrderedJson {{"url", image.url}}
                                       : OrderedJson {{"b64_json", base64(image.bytes)}});
        return finish(task, json);
    }
    if (fault == "create-id")
        return finish(task,
                      {{"id", task.id},
                       {"status", "pending"},
                       {"model", OrderedJson::parse(task.body.value("model", Json()).dump())},
                       {"created_at", int64_t(task.created)}});
    return waiting_body(task);
}

std::string waiting_body(const Task& task)
{
    const std::string word = fate_value(task.fate, "word");
    return finish(task,
                  common(task,
                         has_fate(task.fate, "unknown-word")            ? "PONDERING"
                             : meaning_of(word) == WordMeaning::waiting ? word
                                                                        : "IN_PROGRESS"));
}

bool ends_failed(const Task& task)
{
    return !task.failure.empty() || meaning_of(fate_value(task.fate, "word")) == WordMeaning::over;
}

std::string failed_body(const Task& task)
{
    const std::string word = fate_value(task.fate, "word");
    OrderedJson json = common(task, meaning_of(word) == WordMeaning::over ? word : "FAILED");
    const bool refused = has_fate(task.fate, "refusal-task");
    json["data"]["error"] = {{"code", refused ? 400 : 500},
                             {"message", task.failure.empty() ? "the task is over" : task.failure},
                             {"type", refused ? "content_policy_violation" : "generation_failed"}};
    return finish(task, json);
}

bool wants_bytes(const Task& task)
{
    return shape_of(task).member == "b64_json";
}

std::string done_body(const Task& task, std::vector<AnswerImage> images)
{
    const std::string word = fate_value(task.fate, "word");
    const bool at_end = !word.empty() && meaning_of(word) != WordMeaning::waiting;
    OrderedJson json = common(task, at_end ? word : "SUCCEEDED");
    if (has_fate(task.fate, "same-url"))
        for (AnswerImage& image : images)
            image = images.front();
    if (has_fate(task.fate, "empty-result"))
        images.clear();
    const Shape shape = shape_of(task);
    const std::vector<std::string> path = split(shape.place, '.');
    OrderedJson list = OrderedJson::array();
    for (const AnswerImage& image : images) {
        const std::string value = wants_bytes(task) ? base64(image.bytes) : image.url;
        list.push_back(shape.member.empty() ? OrderedJson(value)
                                            : OrderedJson {{shape.member, value}});
    }
    if (has_fate(task.fate, "null-image") && !list.empty())
        list.back() = nullptr;
    // A place for one image holds the first; the others are nowhere, as with the real thing.
    if (path.back() == "url" || path.back() == "image_url")
        put(json, path, list.empty() ? OrderedJson() : list.front());
    else
        put(json, path, list);
    return finish(task, json);
}

std::string ledger_body(const Book& book, double now)
{
    OrderedJson json = {{"creates", book.creates()},
                        {"tasks", OrderedJson::array()},
                        {"charges", OrderedJson::array()},
                        {"credits", 0}};
    int credits = 0;
    for (const Task& task : book.tasks()) {
        const char* state = !task.ended(now) ? "running" : task.failure.empty() ? "done" : "failed";
        json["tasks"].push_back({{"task_id", task.id}, {"state", state}});
        if (!task.charged(now))
            continue;
        credits += task.credits;
        json["charges"].push_back({{"task_id", task.id},
                                   {"idempotency_key", task.idempotency_key},
                                   {"request_hash", task.request_hash},
                                   {"credits", task.credits}});
    }
    json["credits"] = credits;
    return base::to_text(json);
}

std::string exchange_line(const std::string& name, const httplib::Request& request,
                          const httplib::Response& response, const std::string& fault)
{
    const int status = response.status > 0 ? response.status : 200;
    const std::string what = name == "create" ? std::to_string(request.body.size()) + " bytes"
        : name == "poll"                      ? request.matches.str(1)
                         : request.matches.str(1) + "/" + request.matches.str(2);
    std::string line = name + " " + what + " -> " + std::to_string(status);
    Json body;
    base::JsonError error;
    if (name != "download" || status / 100 != 2)
        base::parse_json(response.body, body, error);
    for (const char* place : {"/error/message", name == "create" ? "/data/task_id" : "",
                              name == "poll" ? "/data/status" : ""}) {
        const Json::json_pointer pointer(place);
        if (*place && body.contains(pointer) && body[pointer].is_string())
            line += " " + body[pointer].get<std::string>();
    }
    return line + (fault.empty() ? "" : " [fault " + fault + "]");
}

bool replaces_request(const std::string& fault)
{
    if (fault.empty() || fault == "502-accepted" || fault == "504-accepted")
        return false;
    return std::isdigit(static_cast<unsigned char>(fault[0])) || fault == "html-200"
        || !fate_value({fault}, "code-200").empty() || fault == "reset-before-body"
        || fault == "reset-after-body";
}

void spoil(const std::string& fault, httplib::Response& response)
{
    if (fault == "broken-json") {
        response.body.resize(response.body.size() * 2 / 3);
        return;
    }
    if (fault == "empty") {
        response.body.clear();
        return;
    }
    if (const std::string code = fate_value({fault}, "code-200"); !code.empty()) {
        const int number = std::stoi(code);
        response.status = 200;
        response.set_content(
            base::to_text(OrderedJson {{"code", number}, {"message", message_of(number)}}),
            "application/json");
        return;
    }
    const bool number = !fault.empty() && std::isdigit(static_cast<unsigned char>(fault[0]));
    if (!number && fault != "html-200")
        return;
    const int status = number ? std::stoi(fault) : 200;
    response.status = status;
    const bool proxy = fault == "500-html" || fault == "503-bare" || fault == "html-200"
        || status == 502 || status == 504 || status == 520;
    if (proxy) {
        response.set_content(html_page("Something went wrong"), "text/html");
        return;
    }
    const char* type = status == 429     ? "rate_limit_error"
        : status == 401 || status == 403 ? "authentication_error"
        : status >= 500                  ? "server_error"
                                         : "invalid_request_error";
    std::string message = message_of(status);
    if (fault == "429-balance") {
        message = "account balance not enough, please recharge your credits";
        type = "insufficient_quota";
    }
    if (fault == "429-seconds" || fault == "503")
        response.set_header("Retry-After", "1");
    else if (fault == "429-date")
        response.set_header("Retry-After", http_date(std::time(nullptr) + 2));
    else if (fault == "429-absurd")
        response.set_header("Retry-After", "99999999999");
    else if (fault == "429-nonsense")
        response.set_header("Retry-After", "soon");
    response.set_content(error_body(status, message, type, status == 422 ? "aspect_ratio" : ""),
                         "application/json");
}

} // namespace klio::local
