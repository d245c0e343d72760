#include "transport/http_rules.h"

namespace klio::transport {

std::string trimmed(const std::string& text)
{
    const size_t start = text.find_first_not_of(" \t\r\n");
    if (start == std::string::npos)
        return {};
    return text.substr(start, text.find_last_not_of(" \t\r\n") + 1 - start);
}

bool fit_for_a_header(const std::string& name, const std::string& value)
{
    return !name.empty() && name.find_first_of(std::string("\r\n:\0 ", 5)) == std::string::npos
        && value.find_first_of(std::string("\r\n\0", 3)) == std::string::npos;
}

bool repeatable(const std::string& method)
{
    return method == "GET" || method == "HEAD";
}

bool is_redirect(int status)
{
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

} // namespace klio::transport
