#include "local/answer.h"

#include "base/encoding.h"
#include "local/check.h"
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

std::string finish(const Task& task, OrderedJson json)
{
    if (has_fate(task.fate, "numbers-as-strings"))
        numbers_to_strings(json);
    return base::to_text(json);
}

std::string base64(const std::string& bytes)
{
    return base::base64(bytes.data(), bytes.size());
}

// Where done_body() puts the images: "data.output.images" unless a fault says otherwise.
std::string shape_of(const Task& task)
{
    if (has_fate(task.fate, "b64"))
        return "data.output.images.b64_json";
    if (has_fate(task.fate, "elsewhere"))
        return "data.artifacts.pictures";
    const std::string shape = fate_value(task.fate, "shape");
    return shape.empty() ? "data.output.images.url" : shape;
}

const char html[] = "<!DOCTYPE html>\n<html><head><title>Something went wrong</title></head>\n"
                    "<body><h1>Something went wrong</h1><p>nginx</p></body></html>\n";

uint32_t png_crc(const std::string& bytes, size_t from, size_t size)
{
    uint32_t crc = 0xffffffffu;
    for (size_t i = from; i < from + size; ++i) {
        crc ^= static_cast<unsigned char>(bytes[i]);
        for (int bit = 0; bit < 8; ++bit)
            crc = crc & 1 ? crc >> 1 ^ 0xedb88320u : crc >> 1;
    }
    return ~crc;
}

void put_big_endian(std::string& bytes, size_t at, uint32_t value)
{
    for (size_t i = 0; i < 4; ++i)
        bytes[at + i] = char(value >> (24 - 8 * i) & 0xff);
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
        return done_body(task, images);
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
    return finish(task,
                  common(task, has_fate(task.fate, "unknown-word") ? "PONDERING" : "IN_PROGRESS"));
}

std::string failed_body(const Task& task)
{
    OrderedJson json = common(task, "FAILED");
    const bool refused = has_fate(task.fate, "refusal-task");
    json["data"]["error"] = {{"code", refused ? 400 : 500},
                             {"message", task.failure},
                             {"type", refused ? "content_policy_violation" : "generation_failed"}};
    return finish(task, json);
}

bool wants_bytes(const Task& task)
{
    return shape_of(task).find("b64_json") != std::string::npos;
}

std::string done_body(const Task& task, std::vector<AnswerImage> images)
{
    const std::string word = fate_value(task.fate, "word");
    OrderedJson json = common(task, word.empty() ? "SUCCEEDED" : word);
    if (has_fate(task.fate, "same-url"))
        for (AnswerImage& image : images)
            image = images.front();
    if (has_fate(task.fate, "empty-result"))
        images.clear();
    std::vector<std::string> path = split(shape_of(task), '.');
    const std::string last = path.back();
    const bool single = last == "url" || last == "image_url";
    const bool in_objects
        = path.size() > 1 && path[path.size() - 2] == "images" && (single || last == "b64_json");
    OrderedJson list = OrderedJson::array();
    for (const AnswerImage& image : images) {
        const std::string value = last == "b64_json" ? base64(image.bytes) : image.url;
        list.push_back(in_objects ? OrderedJson {{last, value}} : OrderedJson(value));
    }
    if (has_fate(task.fate, "null-image") && !list.empty())
        list.back() = nullptr;
    if (in_objects)
        path.pop_back();
    // A place for one image holds the first; the others are nowhere, as with the real thing.
    if (single && !in_objects)
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
        || fault == "reset-before-body" || fault == "reset-after-body";
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
    const bool number = !fault.empty() && std::isdigit(static_cast<unsigned char>(fault[0]));
    if (!number && fault != "html-200")
        return;
    const int status = number ? std::stoi(fault) : 200;
    response.status = status;
    const bool proxy = fault == "500-html" || fault == "503-bare" || fault == "html-200"
        || status == 502 || status == 504 || status == 520;
    if (proxy) {
        response.set_content(html, "text/html");
        return;
    }
    static const std::map<int, const char*> words
        = {{400, "the request is invalid"},       {401, "invalid API key"},
           {403, "this key may not do that"},     {404, "not found"},
           {408, "the request took too long"},    {410, "no longer kept"},
           {425, "too early, try again"},         {429, "too many requests, slow down"},
           {500, "internal error, nothing done"}, {503, "overloaded, try again later"}};
    const char* type = status == 429     ? "rate_limit_error"
        : status == 401 || status == 403 ? "authentication_error"
        : status >= 500                  ? "server_error"
                                         : "invalid_request_error";
    std::string message = words.count(status) ? words.at(status) : "error";
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
    response.set_content(error_body(status, message, type), "application/json");
}

std::string spoilt_image(const std::vector<std::string>& fate, std::string bytes)
{
    if (has_fate(fate, "not-an-image"))
        return html;
    if (has_fate(fate, "wrong-format"))
        return std::string("GIF89a\x01\x00\x01\x00\x80\x00\x00\xff\xff\xff\x00\x00\x00,\x00\x00"
                           "\x00\x00\x01\x00\x01\x00\x00\x02\x02"
                           "D\x01\x00;",
                           35);
    if (has_fate(fate, "cut-image"))
        bytes.resize(bytes.size() / 2);
    if (has_fate(fate, "corrupt-image"))
        for (size_t at = bytes.size() / 2; at < bytes.size() / 2 + 512 && at < bytes.size(); ++at)
            bytes[at] = char(bytes[at] ^ 0x5a);
    if (has_fate(fate, "huge-image") && bytes.size() > 33) {
        // IHDR stands behind the 8 bytes of the signature: length, name, width, height … CRC.
        put_big_endian(bytes, 16, 50'000);
        put_big_endian(bytes, 20, 50'000);
        put_big_endian(bytes, 29, png_crc(bytes, 12, 17));
    }
    return bytes;
}

} // namespace klio::local
