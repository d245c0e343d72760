#include "base/clock.h"
#include "base/encoding.h"
#include "transport/address.h"
#include "transport/http_rules.h"
#include "transport/proxy.h"
#include "transport/transfer.h"

#include <klio/version.h>

#include <algorithm>

// How one hop of a transfer is asked for: addresses, method, headers, libcurl's options.

namespace klio::transport {

// Returns whether the request has a body.
bool Transfer::set_up_method()
{
    const std::string& method = m_request.method;
    CURL* easy = m_easy;
    const bool has_body = method == "POST" || method == "PUT" || m_body_size > 0;
    if (has_body) {
        curl_easy_setopt(easy, CURLOPT_READFUNCTION, on_read);
        curl_easy_setopt(easy, CURLOPT_READDATA, this);
        curl_easy_setopt(easy, CURLOPT_SEEKFUNCTION, on_seek);
        curl_easy_setopt(easy, CURLOPT_SEEKDATA, this);
    }
    if (method == "HEAD") {
        curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
    } else if (method == "POST") {
        curl_easy_setopt(easy, CURLOPT_POST, 1L);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, curl_off_t(m_body_size));
    } else if (has_body) {
        curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L);
        curl_easy_setopt(easy, CURLOPT_INFILESIZE_LARGE, curl_off_t(m_body_size));
        if (method != "PUT")
            curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, method.c_str());
    } else if (method != "GET") {
        curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, method.c_str());
    }
    if (method == "POST") {
        // A connection of its own: libcurl repeats a request where a kept one turns out to be dead.
        curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
        curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L);
    }
    if (has_body) {
        // Over HTTP/2, libcurl 7.88 hangs where a server answers before it has read the body, as
        // one does that refuses it: the refusal would be taken for no answer.
        curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, long(CURL_HTTP_VERSION_1_1));
    } else {
        curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, long(CURL_HTTP_VERSION_2TLS));
        // Waits for the handshake, which says whether a connection can be shared. Without TLS there
        // is none: all would wait for the first one's whole answer.
        if (m_url.scheme == "https")
            curl_easy_setopt(easy, CURLOPT_PIPEWAIT, 1L);
    }
    return has_body;
}

void Transfer::set_up_headers(bool has_body)
{
    curl_slist_free_all(m_headers);
    m_headers = nullptr;
    bool content_type = false;
    const auto add
        = [&](const std::string& line) { m_headers = curl_slist_append(m_headers, line.c_str()); };
    const auto add_header = [&](const std::string& name, const std::string& value) {
        // libcurl takes "Name:" for "leave it out" and "Name;" for an empty value.
        add(value.empty() ? name + ";" : name + ": " + value);
    };
    for (const auto& [name, value] : m_request.headers) {
        const std::string known = base::lower(name);
        content_type = content_type || known == "content-type";
        const bool tells
            = known == "authorization" || known == "cookie" || known == "proxy-authorization";
        if (m_hop == 0 || !tells)
            add_header(name, value);
    }
    if (m_hop == 0)
        for (const auto& [name, value] : m_request.secret_headers)
            add_header(name, value);
    if (m_request.resume_from > 0) {
        add("Range: bytes=" + std::to_string(m_request.resume_from) + "-");
        if (!m_request.if_range.empty() && fit_for_a_header("If-Range", m_request.if_range))
            add("If-Range: " + m_request.if_range);
    }
    if (has_body) {
        // "100 Continue" would make libcurl wait, and send a second time after a 417.
        add("Expect:");
        if (!content_type)
            add("Content-Type:");
    }
}

bool Transfer::set_up_hop()
{
    std::string why;
    if (!may_go_to(m_url, why)) {
        fail(Fault::bad_url, m_url.text + ": " + why);
        return false;
    }
    m_proxy = proxy_for(m_url);
    Address literal;
    const bool numeric = parse_address(m_url.host, literal);
    if ((numeric && !is_public(literal) && !allowed_by_name(m_url))
        || (is_loopback_host(m_url.host) && !allowed_by_name(m_url))) {
        fail(Fault::blocked_address,
             m_url.text
                 + ": the host is a private, loopback or special address; allow it by name "
                   "(allow_hosts) if it is meant");
        return false;
    }

    CURL* easy = m_easy;
    curl_easy_reset(easy);
    m_response.status = 0;
    m_response.headers.clear();
    m_response.body.clear();
    m_header_bytes = m_received = m_expected = 0;
    m_blocked = m_first_byte = false;
    m_sent_at = -1;
    m_body_at = 0;
    if (m_file)
        std::rewind(m_file);

    curl_easy_setopt(easy, CURLOPT_PRIVATE, this);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, m_curl_error.data());
    m_curl_error[0] = '\0';
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_URL, m_url.text.c_str());
#if LIBCURL_VERSION_NUM >= 0x075500
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
#else
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS, long(CURLPROTO_HTTP | CURLPROTO_HTTPS));
#endif
#if LIBCURL_VERSION_NUM >= 0x075700
    // Else the end of a transfer waits for a resolver thread that hangs.
    curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
#endif
    curl_easy_setopt(easy, CURLOPT_PROXY, m_proxy.c_str());
    curl_easy_setopt(easy, CURLOPT_NOPROXY, "");
    curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
    curl_easy_setopt(easy, CURLOPT_SSLVERSION, long(CURL_SSLVERSION_TLSv1_2));
    if (!m_options.cacert.empty()) {
        curl_easy_setopt(easy, CURLOPT_CAINFO, m_options.cacert.c_str());
        curl_easy_setopt(easy, CURLOPT_CAPATH, nullptr);
        curl_easy_setopt(easy, CURLOPT_PROXY_CAINFO, m_options.cacert.c_str());
    }
    const std::string agent
        = m_options.user_agent.empty() ? "klio/" KLIO_VERSION_STRING : m_options.user_agent;
    curl_easy_setopt(easy, CURLOPT_USERAGENT, agent.c_str());
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPIDLE, 30L);
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPINTVL, 15L);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS,
                     std::max(1L, long(m_request.connect_timeout * 1000)));
    if (m_request.accept_compressed && m_request.resume_from == 0)
        curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "");

    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_write);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, this);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, this);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_open_socket);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, this);
    curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, on_prerequest);
    curl_easy_setopt(easy, CURLOPT_PREREQDATA, this);

    const bool has_body = set_up_method();
    set_up_headers(has_body);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, m_headers);
    // A proxy learns the host and nothing else.
    curl_easy_setopt(easy, CURLOPT_HEADEROPT, long(CURLHEADER_SEPARATE));
    m_window_start = base::system_clock().monotonic();
    m_window_bytes = 0;
    return true;
}

} // namespace klio::transport
