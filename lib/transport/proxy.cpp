#include "transport/proxy.h"

#include "transport/address.h"

#include <cctype>
#include <cstdlib>

namespace klio::transport {

namespace {

std::string environment(const char* lower, const char* upper)
{
    for (const char* name : {lower, upper})
        if (const char* value = std::getenv(name); value && *value)
            return value;
    return {};
}

bool in_network(const std::string& entry, const Address& host)
{
    const size_t slash = entry.find('/');
    Address network;
    if (!parse_address(entry.substr(0, slash), network))
        return false;
    const bool v4 = entry.find(':') == std::string::npos;
    int bits = 128;
    if (slash != std::string::npos) {
        char* end = nullptr;
        const long given = std::strtol(entry.c_str() + slash + 1, &end, 10);
        if (*end || end == entry.c_str() + slash + 1 || given < 0 || given > (v4 ? 32 : 128))
            return false;
        bits = int(given) + (v4 ? 96 : 0);
    }
    for (int i = 0; i < bits; ++i) {
        const unsigned mask = 0x80u >> (i % 8);
        const size_t at = size_t(i / 8);
        if ((network.bytes[at] & mask) != (host.bytes[at] & mask))
            return false;
    }
    return true;
}

bool names(std::string entry, const std::string& host)
{
    if (entry == "*")
        return true;
    Address address;
    if (parse_address(host, address)) {
        if (entry.size() > 2 && entry.front() == '[' && entry.back() == ']')
            entry = entry.substr(1, entry.size() - 2);
        return in_network(entry, address);
    }
    while (!entry.empty() && entry.front() == '.')
        entry.erase(0, 1);
    while (!entry.empty() && entry.back() == '.')
        entry.pop_back();
    if (entry.empty() || host.size() < entry.size())
        return false;
    const size_t start = host.size() - entry.size();
    return host.compare(start, entry.size(), entry) == 0 && (start == 0 || host[start - 1] == '.');
}

} // namespace

bool named_in_no_proxy(const std::string& list, const std::string& host)
{
    std::string entry;
    for (size_t i = 0; i <= list.size(); ++i) {
        const char c = i < list.size() ? list[i] : ',';
        if (c == ',' || c == ' ' || c == '\t') {
            if (!entry.empty() && names(entry, host))
                return true;
            entry.clear();
        } else {
            entry += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
        }
    }
    return false;
}

std::string proxy_for(const Url& url)
{
    if (url.scheme != "https" || is_loopback_host(url.host))
        return {};
    std::string proxy = environment("https_proxy", "HTTPS_PROXY");
    if (proxy.empty())
        proxy = environment("all_proxy", "ALL_PROXY");
    if (proxy.empty() || named_in_no_proxy(environment("no_proxy", "NO_PROXY"), url.host))
        return {};
    return proxy;
}

} // namespace klio::transport
