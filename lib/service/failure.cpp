#include "service/failure.h"

#include "base/encoding.h"
#include "base/secret.h"
#include "service/places.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdlib>

namespace klio::service {

namespace {

using base::Json;

std::string lower(std::string text)
{
    for (char& c : text)
        c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    return text;
}

bool is_letter(char c)
{
    return std::isalpha(static_cast<unsigned char>(c)) != 0;
}

// `word` in lower-case `text`, not as a part of a longer word; the plural counts.
bool has_word(const std::string& text, const std::string& word)
{
    for (size_t at = 0; (at = text.find(word, at)) != std::string::npos; ++at) {
        size_t end = at + word.size();
        if (end < text.size() && text[end] == 's')
            ++end;
        const bool starts = at == 0 || !is_letter(text[at - 1]);
        const bool ends = end >= text.size() || !is_letter(text[end]);
        // "load balance" is what proxies do, not an account's.
        const bool load = word == "balance" && at >= 5 && text.compare(at - 5, 4, "load") == 0;
        if (starts && ends && !load)
            return true;
    }
    return false;
}

bool has_any(const std::string& text, std::initializer_list<const char*> parts)
{
    return std::any_of(parts.begin(), parts.end(),
                       [&](const char* part) { return text.find(part) != std::string::npos; });
}

bool is_html(const std::string& body)
{
    const size_t start = body.find_first_not_of(" \t\r\n\xEF\xBB\xBF");
    return start != std::string::npos && body[start] == '<';
}

std::string html_title(const std::string& body)
{
    const std::string text = lower(body);
    const size_t open = text.find("<title>");
    const size_t close = open == std::string::npos ? open : text.find("</title>", open);
    return close == std::string::npos ? "" : body.substr(open + 7, close - open - 7);
}

// The body's code: {"error": {"code"}} first, then the envelope's; 0 where none is a number.
int numeric_code(const Json& root)
{
    for (const char* place : {"/error/code", "/code", "/error_code", "/errcode"}) {
        const std::string text = scalar_text(at(root, place));
        if (!text.empty() && text.size() < 7
            && text.find_first_not_of("0123456789") == std::string::npos)
            return std::atoi(text.c_str());
    }
    return 0;
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

bool says_something(const Json& root)
{
    if (!root.is_object())
        return false;
    const Json& error = at(root, "/error");
    return !find_message(root).empty() || numeric_code(root) != 0
        || (error.is_object() && !error.empty());
}

bool passed_on(int status)
{
    return status == 502 || status == 504 || (status >= 520 && status <= 530);
}

bool is_rejected(const AnswerFacts& facts, int status, const std::string& words)
{
    const bool html = !facts.json && is_html(facts.body);
    if (facts.json && !find_task_id(*facts.json).empty() && status >= 400)
        return false;
    // A conflict is what a service that honours Idempotency-Key says of a create that it has.
    if (status == 409)
        return false;
    if (status == 408)
        return facts.json && says_something(*facts.json);
    if (status >= 400 && status < 500)
        return true;
    if (status == 307 || status == 308)
        return true;
    if (status < 500 || passed_on(status))
        return false;
    if (status == 503 && facts.retry_after >= 0)
        return !html;
    // A server that waited for another one in vain does not know what that one did.
    const bool waited = has_any(
        lower(words), {"timeout", "timed out", "time out", "upstream", "gateway", "超时"});
    return facts.json && says_something(*facts.json) && !waited;
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
    const std::string words = lower(text);
    const bool money = has_word(words, "credit") || has_word(words, "balance")
        || has_word(words, "arrear")
        || has_any(words,
                   {"insufficient_quota", "insufficient quota", "insufficient_user_quota", "余额",
                    "积分不足", "欠费", "额度不足"});
    if (money) {
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
        const std::string text = lower(scalar_text(code));
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
    return has_code || (!message.empty() && lower(message) != "success");
}

Failure classify(const AnswerFacts& facts)
{
    Failure failure;
    int status = facts.status;
    int code = 0;
    bool known = true;
    if (facts.json) {
        code = numeric_code(*facts.json);
        const int meant = status_of_code(code);
        // The body's code says more than a 2xx; and the maker's codes more than any status.
        if (status >= 200 && status < 300) {
            known = meant != 0;
            status = meant != 0 ? meant : 400;
        } else if (code >= 1000 && meant != 0 && !(meant < 500 && status >= 500)) {
            status = meant;
        }
    }
    const std::string words = facts.json ? words_of(*facts.json)
        : is_html(facts.body)            ? std::string()
                                         : facts.body.substr(0, 2000);
    failure.kind = kind_of_status(status);
    failure.transient = is_transient(status);
    failure.retry_after = facts.retry_after;
    failure.rejected = is_rejected(facts, status, words);

    ErrorKind by_words = failure.kind;
    bool said = (facts.json || facts.status >= 400) && kind_of_words(words, by_words);
    if (code == 1301) {
        said = true;
        by_words = ErrorKind::refusal;
    }
    if (said && !(by_words == ErrorKind::refusal && status == 401)) {
        failure.kind = by_words;
        failure.transient = false;
        // In the service's own words; only a task id makes it doubtful.
        failure.rejected = failure.rejected
            || (facts.json && find_task_id(*facts.json).empty() && !passed_on(status));
    }
    if (!known && facts.json && !find_task_id(*facts.json).empty())
        failure.rejected = false;

    std::string where = "HTTP " + std::to_string(facts.status);
    if (code != 0 && code != facts.status)
        where += ", code " + std::to_string(code);
    failure.message
        = lead_of(failure.kind, facts.status) + " (" + where + "): " + one_line(own_words(facts));
    return failure;
}

} // namespace klio::service
