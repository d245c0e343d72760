#include "transport/backoff.h"

#include <curl/curl.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstdlib>

namespace klio::transport {

Backoff::Backoff(BackoffOptions options, base::Random& random)
    : m_options(options), m_random(random)
{
}

double Backoff::next(double retry_after)
{
    const double grown = m_options.first * std::pow(m_options.factor, double(m_tries));
    const double wait = std::min(grown, m_options.longest);
    ++m_tries;
    const double jittered = wait * (1 - m_options.jitter * (1 - m_random.uniform()));
    return std::max(jittered, retry_after);
}

double parse_retry_after(const std::string& value, double unix_now)
{
    const size_t start = value.find_first_not_of(" \t");
    if (start == std::string::npos)
        return -1;
    const std::string text = value.substr(start, value.find_last_not_of(" \t") + 1 - start);
    // Only digits, as RFC 9110 has it; some servers write a fraction.
    if (text.find_first_not_of("0123456789.") == std::string::npos) {
        char* end = nullptr;
        const double seconds = std::strtod(text.c_str(), &end);
        return end == text.c_str() + text.size() && std::isfinite(seconds) ? seconds : -1;
    }
    // libcurl's date parser takes fragments ("12:00", a bare zone) for today's; a date names its
    // month.
    if (text.size() > 64
        || std::count_if(text.begin(), text.end(), [](unsigned char c) { return std::isalpha(c); })
            < 6)
        return -1;
    const time_t date = curl_getdate(text.c_str(), nullptr);
    return date == -1 ? -1 : std::max(0.0, double(date) - unix_now);
}

} // namespace klio::transport
