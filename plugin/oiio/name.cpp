#include "name.h"

#include "base/encoding.h"

#include <klio/error.h>

#include <cctype>

namespace klio::oiio {

namespace {

constexpr std::string_view ending = ".kling";

int hex_digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0'
        : c >= 'a' && c <= 'f'  ? c - 'a' + 10
        : c >= 'A' && c <= 'F'  ? c - 'A' + 10
                                : -1;
}

// Anything that is no escape stays as it is, and control characters have none: people write
// "50 % more" and "~100 sheep".
std::string unescape(std::string_view text)
{
    std::string out;
    for (size_t i = 0; i < text.size(); ++i) {
        const bool mark = (text[i] == '%' || text[i] == '~') && i + 2 < text.size();
        const int high = mark ? hex_digit(text[i + 1]) : -1;
        const int low = mark ? hex_digit(text[i + 2]) : -1;
        if (high >= 2 && low >= 0) {
            out += static_cast<char>(high * 16 + low);
            i += 2;
        } else {
            out += text[i];
        }
    }
    return out;
}

} // namespace

bool is_recipe_name(std::string_view name) noexcept
{
    const std::string_view file = name.substr(0, name.find('?'));
    if (file.size() < ending.size())
        return false;
    const std::string_view last = file.substr(file.size() - ending.size());
    for (size_t i = 0; i < ending.size(); ++i)
        if (std::tolower(static_cast<unsigned char>(last[i])) != ending[i])
            return false;
    return true;
}

Name parse_name(const std::string& name)
{
    Name parsed;
    const size_t question = name.find('?');
    parsed.file = name.substr(0, question);
    if (question == std::string::npos)
        return parsed;
    for (size_t at = question + 1; at <= name.size();) {
        const size_t end = std::min(name.find('&', at), name.size());
        const std::string part = name.substr(at, end - at);
        at = end + 1;
        if (part.empty())
            continue;
        const size_t equals = part.find('=');
        if (equals == std::string::npos || equals == 0)
            throw UsageError(name + ": '" + part
                             + "' behind the '?' is no NAME=VALUE; write & in a value as ~26");
        std::string key = part.substr(0, equals);
        std::string value = part.substr(equals + 1);
        if (key.size() > 2 && key.compare(key.size() - 2, 2, "64") == 0) {
            key.resize(key.size() - 2);
            std::string bytes;
            if (!base::base64_decode(value, bytes))
                throw UsageError(name + ": the value of " + key + "64 is no base64url");
            value = bytes;
        } else {
            value = unescape(value);
        }
        parsed.wishes.emplace_back(key, value);
    }
    return parsed;
}

} // namespace klio::oiio
