#include "staging/public_url.h"

#include "base/encoding.h"
#include "staging/exchange.h"
#include "staging/setting.h"

namespace klio::staging {

PublicUrl::PublicUrl(const std::string& address)
{
    const WebUrl url = parse_web_url(address, "public");
    m_folder = url.origin + base::percent_encode(url.path, "/");
    if (m_folder.back() != '/')
        m_folder += '/';
}

std::vector<transport::HttpRequest> PublicUrl::listing_requests() const
{
    transport::HttpRequest get = stage_request("GET", m_folder);
    get.max_redirects = 3;
    transport::HttpRequest propfind = stage_request("PROPFIND", m_folder);
    propfind.headers.emplace_back("Depth", "1");
    return {get, propfind};
}

} // namespace klio::staging
