#pragma once

#include "transport/url.h"

#include <string>

/// \file
/// Which proxy a URL goes through, by curl's own conventions.

namespace klio::transport {

/// The proxy for `url`, empty for none: `https_proxy` or `HTTPS_PROXY` for https, else `all_proxy`
/// or `ALL_PROXY`; not where `no_proxy` or `NO_PROXY` names the host ("*", a name with all below
/// it, an address, or a network such as 10.0.0.0/8), separated by commas or blanks. Unlike curl's
/// own rule, loopback never goes through a proxy: http is spoken there, and a key must not leave
/// the machine in clear text. klio asks this itself, and not libcurl, because what may be
/// connected to depends on the answer.
std::string proxy_for(const Url& url);

/// Whether a no_proxy list names `host`.
bool named_in_no_proxy(const std::string& list, const std::string& host);

} // namespace klio::transport
