#include "service/doubt.h"

#include "base/encoding.h"
#include "service/places.h"
#include "service/words.h"

#include <algorithm>
#include <cctype>

namespace klio::service {

namespace {

using base::Json;

bool says_something(const Json& root)
{
    if (!root.is_object())
        return false;
    const Json& error = at(root, "/error");
    return !find_message(root).empty() || find_code(root) != 0
        || (error.is_object() && !error.empty());
}

// A server whose connection to another one ended after it was made: what that one did it can't
// know.
bool lost_another(const std::string& said)
{
    return has_word(said, "eof")
        || has_any(said,
                   {"reset by peer",
                    "connection reset",
                    "econnreset",
                    "context canceled",
                    "context cancelled",
                    "deadline exceeded",
                    "hang up",
                    "hung up",
                    "broken pipe",
                    "epipe",
                    "connection closed",
                    "connection was closed",
                    "closed connection",
                    "server closed",
                    "connection terminat",
                    "connection abort",
                    "econnaborted",
                    "connection lost",
                    "lost connection",
                    "connection error",
                    "disconnected",
                    "stream error",
                    "remote reset",
                    "local reset",
                    "protocol error",
                    "no response",
                    "empty response",
                    "invalid response",
                    "unexpected response",
                    "bad response",
                    "incomplete read",
                    "request was cancelled",
                    "request was canceled",
                    "operation aborted",
                    "response ended",
                    "retried and the latest"});
}

bool waited(const std::string& said)
{
    return has_any(said, {"timeout", "timed out", "time out", "etimedout", "超时"});
}

// It speaks of another server, and does not say that this one was never reached.
bool blames_another(const std::string& said)
{
    const bool never_reached = has_any(
        said,
        {"reset reason: connection failure", "reset reason: overflow", "no healthy upstream",
         "connection refused", "econnrefused", "no such host", "enotfound"});
    return has_any(said, {"upstream", "gateway"}) && !never_reached;
}

bool lost_on_the_way(const std::string& said)
{
    return lost_another(said) || waited(said) || blames_another(said);
}

// What a service that honours Idempotency-Key says of a create that it has already.
bool knows_the_key(const std::string& said)
{
    return said.find("idempoten") != std::string::npos
        && has_any(said,
                   {"reuse", "re-use", "used", "in use", "already", "exist", "duplicate",
                    "conflict", "mismatch", "different", "same", "progress"});
}

// "task n49abcd_kio1 could not be written": a task's id in a sentence has a digit in it.
bool speaks_of_task(const std::string& said)
{
    const auto in_word = [](char c) {
        return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '-';
    };
    for (size_t at = 0; (at = said.find("task", at)) != std::string::npos;) {
        const bool starts = at == 0 || !in_word(said[at - 1]);
        at += 4;
        if (!starts || (at < said.size() && std::isalpha(static_cast<unsigned char>(said[at]))))
            continue;
        std::string word;
        do {
            const size_t begin
                = size_t(std::find_if(said.begin() + std::ptrdiff_t(at), said.end(),
                                      [](char c) {
                                          return std::isalnum(static_cast<unsigned char>(c)) != 0;
                                      })
                         - said.begin());
            at = begin;
            while (at < said.size() && in_word(said[at]))
                ++at;
            word = said.substr(begin, at - begin);
        } while (word == "id" || word == "with" || word == "no");
        const bool digit = word.find_first_of("0123456789") != std::string::npos;
        if (digit && word.size() >= 6)
            return true;
    }
    return false;
}

// Statuses that the contract makes final: nothing was carried out.
bool final_by_contract(int status)
{
    return (status >= 400 && status <= 405) || status == 413 || status == 415 || status == 422;
}

bool is_error(const Json& error)
{
    if (error.is_string())
        return !error.get_ref<const std::string&>().empty();
    if (error.is_boolean())
        return error.get<bool>();
    const std::string code = scalar_text(at(error, "/code"));
    return !scalar_text(at(error, "/message")).empty() || (!code.empty() && code != "0");
}

} // namespace

bool passed_on(int status)
{
    return status == 502 || status == 504 || (status >= 520 && status <= 530) || status >= 590;
}

bool leaves_doubt(const Json& root)
{
    const std::string said = base::lower(all_words(root));
    return mentions_task(root) || !find_images(root).empty() || speaks_of_task(said)
        || knows_the_key(said) || lost_on_the_way(said);
}

bool surely_rejected(const AnswerFacts& facts, int status, int meant)
{
    const std::string said = base::lower(facts.json                ? all_words(*facts.json)
                                             : is_html(facts.body) ? std::string()
                                                                   : facts.body.substr(0, 2000));
    const bool names_task = facts.json
        && (final_by_contract(facts.status) ? surely_names_task(*facts.json)
                                            : mentions_task(*facts.json)
                    || !find_images(*facts.json).empty() || speaks_of_task(said));
    if (names_task || status == 409 || status == 499 || knows_the_key(said) || passed_on(meant))
        return false;
    const bool spoken = facts.json && says_something(*facts.json);
    if (status == 408) // its own meaning is a timeout: that of the request
        return spoken && !lost_another(said) && !blames_another(said);
    if (status >= 400 && status < 500)
        return !lost_another(said);
    if (status == 307 || status == 308)
        return true;
    if (status < 500 || passed_on(status) || lost_on_the_way(said))
        return false;
    if (status == 503 && facts.retry_after >= 0)
        return facts.json || !is_html(facts.body);
    return spoken;
}

bool says_rejected(const AnswerFacts& facts, const std::string& words)
{
    if (!facts.json || leaves_doubt(*facts.json))
        return false;
    const Json& success = at(*facts.json, "/success");
    if (is_error(at(*facts.json, "/error")) || (success.is_boolean() && !success.get<bool>()))
        return true;
    const std::string said = base::lower(words);
    return has_word(said, "not") || has_word(said, "must")
        || has_any(said,
                   {"error",   "invalid", "fail",    "denied", "reject", "refus",       "forbid",
                    "illegal", "missing", "require", "exceed", "limit",  "unsupported", "unauth",
                    "wrong",   "can't",   "unknown", "unable", "not_",   "busy",        "too many",
                    "错误",    "失败",    "无效",    "不能",   "不支持", "不存在",      "参数"});
}

} // namespace klio::service
