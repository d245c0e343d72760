#include "transport/url.h"

#include "base/encoding.h"
#include "transport/address.h"

#include <curl/curl.h>

#include <algorithm>
#include <cstdlib>
#include <memory>

namespace klio::transport {

namespace {

struct Free {
    void operator()(CURLU* handle) const { curl_url_cleanup(handle); }
};
using Handle = std::unique_ptr<CURLU, Free>;

constexpr unsigned parse_flags = CURLU_NON_SUPPORT_SCHEME;

std::string part(CURLU* handle, CURLUPart what, unsigned flags = 0)
{
    char* text = nullptr;
    if (curl_url_get(handle, what, &text, flags) != CURLUE_OK)
        return {};
    std::string copy(text);
    curl_free(text);
    return copy;
}

bool take_apart(CURLU* handle, Url& url)
{
    curl_url_set(handle, CURLUPART_FRAGMENT, nullptr, 0);
    Url parsed;
    parsed.text = part(handle, CURLUPART_URL);
    parsed.scheme = part(handle, CURLUPART_SCHEME);
    parsed.host = part(handle, CURLUPART_HOST);
    parsed.path = part(handle, CURLUPART_PATH);
    parsed.port = std::atoi(part(handle, CURLUPART_PORT, CURLU_DEFAULT_PORT).c_str());
    if (parsed.host.size() > 2 && parsed.host.front() == '[' && parsed.host.back() == ']')
        parsed.host = parsed.host.substr(1, parsed.host.size() - 2);
    for (std::string* text : {&parsed.scheme, &parsed.host})
        *text = base::lower(std::move(*text));
    // "example.com." is the same host as "example.com", and must not be a way around a rule.
    while (!parsed.host.empty() && parsed.host.back() == '.')
        parsed.host.pop_back();
    if (parsed.text.empty() || parsed.scheme.empty() || parsed.host.empty())
        return false;
    // libcurl turns other letters into ASCII on its own, full-width digits into an address among
    // them, after all checks; a name in punycode is taken.
    if (std::any_of(parsed.host.begin(), parsed.host.end(),
                    [](char c) { return static_cast<unsigned char>(c) >= 0x80; }))
        return false;
    if (parsed.path.empty())
        parsed.path = "/";
    url = std::move(parsed);
    return true;
}

} // namespace

std::string Url::origin() const
{
    const bool v6 = host.find(':') != std::string::npos;
    return scheme + "://" + (v6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

bool parse_url(const std::string& text, Url& url)
{
    // A NUL would end the text for libcurl, and not for us.
    if (text.find('\0') != std::string::npos)
        return false;
    const Handle handle(curl_url());
    return handle
        && curl_url_set(handle.get(), CURLUPART_URL, text.c_str(), parse_flags) == CURLUE_OK
        && take_apart(handle.get(), url);
}

bool resolve_url(const Url& base, const std::string& location, Url& url)
{
    if (location.find('\0') != std::string::npos)
        return false;
    const Handle handle(curl_url());
    return handle
        && curl_url_set(handle.get(), CURLUPART_URL, base.text.c_str(), parse_flags) == CURLUE_OK
        && curl_url_set(handle.get(), CURLUPART_URL, location.c_str(), parse_flags) == CURLUE_OK
        && take_apart(handle.get(), url);
}

bool is_loopback_host(const std::string& host)
{
    const std::string suffix = ".localhost";
    if (host == "localhost"
        || (host.size() > suffix.size()
            && host.compare(host.size() - suffix.size(), suffix.size(), suffix) == 0))
        return true;
    Address address;
    return parse_address(host, address) && is_loopback(address);
}

} // namespace klio::transport
