#include "base/secret.h"

#include "base/encoding.h"

#include <algorithm>
#include <cctype>
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

// Case-insensitive search for a lower-case word.
size_t find_word(const std::string& text, std::string_view word, size_t from)
{
    const auto found = std::search(
        text.begin() + std::ptrdiff_t(from), text.end(), word.begin(), word.end(),
        [](char a, char b) { return std::tolower(static_cast<unsigned char>(a)) == b; });
    return found == text.end() ? std::string::npos : size_t(found - text.begin());
}

} // namespace

void register_secret(const std::string& value)
{
    if (value.size() < 6)
        return;
    Register& all = secrets();
    const std::lock_guard<std::mutex> lock(all.mutex);
    // The same value may show up percent-encoded, in a URL or a form.
    for (const std::string& form : {value, percent_encode(value)})
        if (std::find(all.values.begin(), all.values.end(), form) == all.values.end())
            all.values.push_back(form);
    std::sort(all.values.begin(), all.values.end(),
              [](const std::string& a, const std::string& b) { return a.size() > b.size(); });
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
    for (size_t at = 0; (at = out.find("://", at)) != std::string::npos;) {
        size_t start = at;
        while (start > 0 && std::isalpha(static_cast<unsigned char>(out[start - 1])))
            --start;
        size_t end = at;
        while (end < out.size() && !url_ends(out[end]))
            ++end;
        const std::string masked = mask_url(std::string_view(out).substr(start, end - start));
        out.replace(start, end - start, masked);
        at = start + std::max(masked.size(), size_t(3));
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
