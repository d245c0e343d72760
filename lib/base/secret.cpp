#include "base/secret.h"

#include "base/encoding.h"
#include "base/json.h"

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <vector>

namespace klio::base {

namespace {

struct Register {
    std::mutex mutex;
    std::vector<std::string> values;
};

Register& secrets()
{
    static Register* instance = new Register; // never destroyed: masked until the very end
    return *instance;
}

void replace_all(std::string& text, const std::string& what, const std::string& with)
{
    for (size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += with.size())
        text.replace(at, what.size(), with);
}

bool url_ends(char c)
{
    return c == ' ' || c == '"' || c == '\'' || c == '<' || c == '>' || c == '\n' || c == '\t'
        || c == '\r' || c == '\\' || c == ')' || c == '}' || c == ']';
}

// Where a URL ends that began before `at`; in JSON a slash may stand as "\/", and any character
// as "\u0026".
size_t url_end(const std::string& text, size_t at)
{
    while (at < text.size()) {
        if (text[at] == '\\' && at + 1 < text.size()
            && (text[at + 1] == '/' || text[at + 1] == 'u'))
            at += 2;
        else if (url_ends(text[at]))
            break;
        else
            ++at;
    }
    return at;
}

// Case-insensitive search for a lower-case word.
size_t find_word(const std::string& text, std::string_view word, size_t from)
{
    const auto found = std::search(
        text.begin() + std::ptrdiff_t(from), text.end(), word.begin(), word.end(),
        [](char a, char b) { return std::tolower(static_cast<unsigned char>(a)) == b; });
    return found == text.end() ? std::string::npos : size_t(found - text.begin());
}

} // namespace

namespace {

// Shorter ones are no secrets, but words that stand in other words.
constexpr size_t shortest_secret = 6;

// The same value as it shows up in a URL or a form, percent-encoded, and in JSON, where some escape
// slashes too.
std::vector<std::string> forms_of(const std::string& value)
{
    if (value.size() < shortest_secret)
        return {};
    const std::string percent = percent_encode(value);
    std::string small = percent;
    for (size_t i = 0; i + 2 < small.size(); ++i)
        if (small[i] == '%')
            small.replace(i, 3, lower(small.substr(i, 3)));
    std::string json = to_text(Json(value));
    json = json.substr(1, json.size() - 2);
    std::string slashes = json;
    replace_all(slashes, "/", "\\/");
    return {slashes, json, percent, small, value};
}

} // namespace

void register_secret(const std::string& value)
{
    Register& all = secrets();
    const std::lock_guard<std::mutex> lock(all.mutex);
    for (const std::string& form : forms_of(value))
        if (std::find(all.values.begin(), all.values.end(), form) == all.values.end())
            all.values.push_back(form);
    std::sort(all.values.begin(), all.values.end(),
              [](const std::string& a, const std::string& b) { return a.size() > b.size(); });
}

void mask_secret(std::string& text, const Secret& secret)
{
    for (const std::string& form : forms_of(secret.reveal()))
        replace_all(text, form, "***");
}

Secret::Secret(std::string value) : m_value(std::move(value))
{
    register_secret(m_value);
}

std::string Secret::hint() const
{
    if (m_value.size() < 16)
        return m_value.empty() ? "" : "***";
    return m_value.substr(0, 4) + "***" + m_value.substr(m_value.size() - 2);
}

namespace {

// Parameters of stage settings, which say where and how, and open nothing: users must be able to
// read and copy them.
bool is_plain_parameter(const std::string& name)
{
    for (const char* plain : {"region", "endpoint", "style", "expires", "profile", "public"})
        if (name == plain)
            return true;
    return false;
}

} // namespace

std::string mask_url(std::string_view url)
{
    if (url.substr(0, 5) == "data:") {
        const size_t comma = url.find(',');
        const std::string_view head = url.substr(0, std::min(comma, size_t(64)));
        return std::string(head) + ",*** (" + std::to_string(url.size()) + " characters)";
    }
    std::string out(url);
    const size_t scheme = out.find("://");
    if (scheme != std::string::npos) {
        const size_t host = scheme + 3;
        const size_t end = std::min(out.find_first_of("/?#", host), out.size());
        const size_t at = out.rfind('@', end == 0 ? 0 : end - 1);
        if (at != std::string::npos && at >= host && at < end)
            out.replace(host, at - host, "***");
    }
    const size_t query = out.find('?');
    if (query == std::string::npos)
        return out;
    std::string masked = out.substr(0, query + 1);
    size_t start = query + 1;
    while (start <= out.size()) {
        const size_t end = std::min(out.find('&', start), out.size());
        const size_t equals = out.find('=', start);
        if (equals != std::string::npos && equals < end) {
            const std::string name = out.substr(start, equals - start);
            const std::string value = out.substr(equals + 1, end - equals - 1);
            masked += name + "=" + (is_plain_parameter(name) ? mask_url(value) : "***");
        } else if (end > start) {
            masked += "***";
        }
        if (end == out.size())
            break;
        masked += '&';
        start = end + 1;
    }
    return masked;
}

namespace {

// A URL as it stands in text, which may be JSON: its escapes are undone where it is changed.
std::string mask_escaped_url(const std::string& url)
{
    if (url.find('\\') == std::string::npos)
        return mask_url(url);
    std::string plain;
    for (size_t i = 0; i < url.size(); ++i) {
        if (url[i] != '\\') {
            plain += url[i];
        } else if (i + 5 < url.size() && url[i + 1] == 'u') {
            // What is not ASCII has no meaning in a URL, so it need not be told apart.
            const unsigned long code = std::strtoul(url.substr(i + 2, 4).c_str(), nullptr, 16);
            plain += code >= ' ' && code < 127 ? char(code) : '?';
            i += 5;
        } else if (i + 1 < url.size()) {
            plain += url[++i];
        }
    }
    const std::string masked = mask_url(plain);
    return masked == plain ? url : masked;
}

} // namespace

std::string mask(std::string_view text)
{
    std::string out(text);
    {
        Register& all = secrets();
        const std::lock_guard<std::mutex> lock(all.mutex);
        for (const std::string& value : all.values)
            replace_all(out, value, "***");
    }
    for (size_t at = 0; (at = find_word(out, "bearer ", at)) != std::string::npos;) {
        at += 7;
        size_t end = at;
        while (end < out.size() && !url_ends(out[end]) && out[end] != ',')
            ++end;
        // "bearer keys" in a sentence is no secret; a token is long or has a digit in it.
        const bool token = end - at >= 12
            || std::any_of(out.begin() + std::ptrdiff_t(at), out.begin() + std::ptrdiff_t(end),
                           [](char c) { return std::isdigit(static_cast<unsigned char>(c)); });
        if (token)
            out.replace(at, end - at, "***");
    }
    for (const std::string_view slashes : {"://", ":\\/\\/"})
        for (size_t at = 0; (at = out.find(slashes, at)) != std::string::npos;) {
            size_t start = at;
            while (start > 0 && std::isalpha(static_cast<unsigned char>(out[start - 1])))
                --start;
            size_t end = url_end(out, at);
            // What ends a sentence, or stands between it and a reason, is not the URL's.
            while (end > at + slashes.size() && std::strchr(":;,.", out[end - 1]))
                --end;
            const std::string masked = mask_escaped_url(out.substr(start, end - start));
            out.replace(start, end - start, masked);
            at = start + std::max(masked.size(), slashes.size());
        }
    for (size_t at = 0; (at = out.find(";base64,", at)) != std::string::npos;) {
        at += 8;
        size_t end = at;
        while (end < out.size() && !url_ends(out[end]))
            ++end;
        if (end - at > 32)
            out.replace(at, end - at, "***");
    }
    return out;
}

} // namespace klio::base
