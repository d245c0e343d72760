#pragma once

#include <string>

/// \file
/// URLs, taken apart by libcurl's own parser, so that what is checked is what is connected to.

namespace klio::transport {

struct Url {
    std::string text;   ///< normalized, without a fragment
    std::string scheme; ///< lower case
    std::string host;   ///< lower case, IPv6 without brackets; numeric IPv4 in dotted form
    int port = 0;
    std::string path; ///< dot segments resolved, never empty
    std::string origin() const;
};

/// False where `text` is no absolute URL with a host. Any scheme is parsed: who may use it is for
/// the caller to say.
bool parse_url(const std::string& text, Url& url);
/// `location` seen from `base`, as a redirect gives it.
bool resolve_url(const Url& base, const std::string& location, Url& url);
/// localhost, *.localhost, 127.0.0.0/8 or ::1 by name; nothing is resolved.
bool is_loopback_host(const std::string& host);

} // namespace klio::transport
