#include "service/failure.h"

#include "base/encoding.h"
#include "base/secret.h"
#include "service/doubt.h"
#include "service/places.h"
#include "service/words.h"

#include <algorithm>
#include <array>

namespace klio::service {

namespace {

using base::Json;

std::string html_title(const std::string& body)
{
    const std::string text = base::lower(body);
    const size_t open = text.find("<title>");
    const size_t close = open == std::string::npos ? open : text.find("</title>", open);
    return close == std::string::npos ? "" : body.substr(open + 7, close - open - 7);
}

struct MakerCode {
    int first;
    int last;
    int status;
};

// The model maker's documented codes and the HTTP status that each stands for.
constexpr std::array<MakerCode, 9> maker_codes {{
    {1000, 1004, 401},
    {1100, 1102, 402},
    {1103, 1103, 403},
    {1200, 1203, 400},
    {1300, 1301, 400},
    {1302, 1303, 429},
    {1304, 1304, 403},
    {5000, 5001, 500},
    {5002, 5002, 504},
}};

// A code in the body as an HTTP status; 0 where it means none.
int status_of_code(int code)
{
    if (code >= 400 && code <= 599)
        return code;
    for (const MakerCode& known : maker_codes)
        if (code >= known.first && code <= known.last)
            return known.status;
    return 0;
}

// All of the body's own words that may say what kind of failure it is.
std::string words_of(const Json& root)
{
    std::string words = find_message(root);
    for (const char* place :
         {"/error/type", "/error/code", "/error/reason", "/code", "/type", "/data/error/type",
          "/data/error/code", "/error_code", "/msg", "/message"}) {
        const std::string text = scalar_text(at(root, place));
        if (!text.empty())
            words += " " + text.substr(0, 2000);
    }
    return words;
}

ErrorKind kind_of_status(int status)
{
    if (status == 401 || status == 403)
        return ErrorKind::key;
    if (status == 402)
        return ErrorKind::credits;
    if (status == 425 || status == 429)
        return ErrorKind::rate;
    if (status == 408 || status < 400 || status >= 500)
        return ErrorKind::network;
    return ErrorKind::bad_request;
}

bool is_transient(int status)
{
    return status == 408 || status == 425 || status == 429 || status >= 500 || status < 300;
}

std::string lead_of(ErrorKind kind, int status)
{
    switch (kind) {
    case ErrorKind::key:
        return "the service does not accept the API key";
    case ErrorKind::credits:
        return "the service says that the account is out of credits";
    case ErrorKind::refusal:
        return "the service refuses the content";
    case ErrorKind::rate:
        return "the service asks to go slower";
    case ErrorKind::bad_request:
        return "the service says that the request is wrong";
    default:
        return status >= 300 && status < 400 ? "the endpoint redirects elsewhere"
                                             : "the service did not answer as it should";
    }
}

std::string own_words(const AnswerFacts& facts)
{
    if (facts.json) {
        std::string message = find_message(*facts.json);
        const std::string field = find_field(*facts.json);
        if (message.empty() && facts.json->is_object() && !facts.json->empty())
            message = base::to_text(*facts.json);
        if (!field.empty())
            message += " (field: " + field + ")";
        return message;
    }
    if (is_html(facts.body)) {
        const std::string title = html_title(facts.body);
        return "an HTML page" + (title.empty() ? "" : " '" + one_line(title, 80) + "'");
    }
    if (facts.body.empty())
        return "an empty answer";
    return facts.status >= 400 ? facts.body : "no JSON (" + facts.parse_error + ")";
}

} // namespace

std::string one_line(const std::string& text, size_t most)
{
    // Masked before it is cut, so that no half of a secret is left over.
    const std::string safe = base::mask(text.substr(0, 64u << 10));
    std::string line;
    bool blank = false;
    for (size_t i = 0; i < safe.size(); ++i) {
        const auto c = static_cast<unsigned char>(safe[i]);
        // C1 controls are two bytes in UTF-8; a terminal may obey them.
        const bool c1 = c == 0xC2 && i + 1 < safe.size()
            && static_cast<unsigned char>(safe[i + 1]) >= 0x80
            && static_cast<unsigned char>(safe[i + 1]) < 0xA0;
        if (c <= ' ' || c == 127 || c1) {
            blank = !line.empty();
            i += c1 ? 1 : 0;
            continue;
        }
        if (blank)
            line += ' ';
        blank = false;
        line += safe[i];
    }
    if (line.size() > most) {
        size_t end = most;
        while (end > 0 && (static_cast<unsigned char>(line[end]) & 0xC0) == 0x80)
            --end;
        line = line.substr(0, end) + "…";
    }
    return line;
}

bool kind_of_words(const std::string& text, ErrorKind& kind)
{
    const std::string words = base::lower(text);
    const bool money = has_word(words, "credit") || has_word(words, "balance")
        || has_word(words, "arrear")
        || has_any(words,
                   {"insufficient_quota", "insufficient quota", "insufficient_user_quota", "余额",
                    "积分不足", "欠费", "额度不足"});
    // "Your credits have been refunded" says that they are there.
    if (money
        && !has_any(words, {"refund", "returned to", "been returned", "not deducted", "退还"})) {
        kind = ErrorKind::credits;
        return true;
    }
    const bool policy = has_word(words, "safety") || has_word(words, "moderation")
        || has_word(words, "sensitive") || has_word(words, "nsfw")
        || has_any(words,
                   {"content policy", "content_policy", "content-policy", "content security",
                    "content_filter", "content filter", "risk control", "敏感", "违规",
                    "内容安全"});
    if (policy) {
        kind = ErrorKind::refusal;
        return true;
    }
    return false;
}

bool envelope_failed(const Json& root)
{
    if (!root.is_object())
        return false;
    const Json& success = at(root, "/success");
    if (success.is_boolean() && !success.get<bool>())
        return true;
    const Json& code = at(root, "/code");
    if (code.is_number() || code.is_string()) {
        const std::string text = base::lower(scalar_text(code));
        static constexpr std::array good
            = {"", "0", "200", "201", "202", "ok", "success", "succeed", "succeeded"};
        if (std::find(good.begin(), good.end(), text) == good.end())
            return true;
    }
    const Json& error = at(root, "/error");
    if (error.is_string())
        return !error.get_ref<const std::string&>().empty();
    if (!error.is_object())
        return error.is_boolean() && error.get<bool>();
    const std::string error_code = scalar_text(at(error, "/code"));
    const bool has_code = !error_code.empty() && error_code != "0" && error_code != "200";
    const std::string message = scalar_text(at(error, "/message"));
    return has_code || (!message.empty() && base::lower(message) != "success");
}

namespace {

// What some say of a task in place of 404.
bool denies_task(const std::string& words)
{
    return has_any(base::lower(words),
                   {"task does not exist", "task doesn't exist", "task not exist", "task not found",
                    "task_not_found", "task_not_exist", "no such task", "unknown task",
                    "任务不存在"});
}

} // namespace

Failure classify(const AnswerFacts& facts)
{
    Failure failure;
    int status = facts.status;
    int code = 0;
    bool known = true;
    int meant = 0;
    if (facts.json) {
        code = find_code(*facts.json);
        meant = status_of_code(code);
        // The body's code says more than a 2xx; and the maker's codes more than any status, but for
        // one by which somebody in between says that it does not know.
        if (status >= 200 && status < 300) {
            known = meant != 0;
            status = meant != 0 ? meant : 400;
        } else if (code >= 1000 && meant != 0 && !(meant < 500 && status >= 500)
                   && !passed_on(status)) {
            status = meant;
        }
    }
    const std::string words = facts.json ? words_of(*facts.json)
        : is_html(facts.body)            ? std::string()
                                         : facts.body.substr(0, 2000);
    failure.kind = kind_of_status(status);
    failure.transient = is_transient(status);
    failure.not_found = status == 404 || (status == 400 && denies_task(words));
    failure.retry_after = facts.retry_after;
    failure.rejected = known ? surely_rejected(facts, status, meant) : says_rejected(facts, words);

    ErrorKind by_words = failure.kind;
    bool said = (facts.json || facts.status >= 400) && kind_of_words(words, by_words);
    if (code == 1301) {
        said = true;
        by_words = ErrorKind::refusal;
    }
    if (said && !(by_words == ErrorKind::refusal && status == 401)) {
        failure.kind = by_words;
        failure.transient = false;
        failure.not_found = false;
        failure.rejected = failure.rejected
            || (facts.json && status != 409 && status != 499 && !passed_on(status)
                && !passed_on(meant) && !leaves_doubt(*facts.json));
    }

    std::string where = "HTTP " + std::to_string(facts.status);
    if (code != 0 && code != facts.status)
        where += ", code " + std::to_string(code);
    failure.message
        = lead_of(failure.kind, facts.status) + " (" + where + "): " + one_line(own_words(facts));
    return failure;
}

} // namespace klio::service
