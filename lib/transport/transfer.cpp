#include "transport/transfer.h"

#include "base/clock.h"
#include "base/encoding.h"
#include "base/log.h"
#include "base/secret.h"
#include "transport/address.h"
#include "transport/http_rules.h"

#include <algorithm>
#include <cstdio>
#include <cstring>

namespace klio::transport {

namespace {

std::string seconds_text(double seconds)
{
    char text[32];
    std::snprintf(text, sizeof text, "%g s", seconds);
    return text;
}

Fault fault_of(CURLcode code)
{
    switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
        return Fault::dns;
    case CURLE_COULDNT_CONNECT:
        return Fault::connect;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_USE_SSL_FAILED:
        return Fault::tls;
    case CURLE_OPERATION_TIMEDOUT:
        return Fault::timeout;
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_URL_MALFORMAT:
        return Fault::bad_url;
    case CURLE_PARTIAL_FILE:
        return Fault::truncated;
    case CURLE_GOT_NOTHING:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_BAD_CONTENT_ENCODING:
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
        return Fault::broken;
    default:
        return Fault::other;
    }
}

} // namespace

Transfer::Transfer(HttpRequest request, CancelToken cancel)
    : m_request(std::move(request)), m_cancel(std::move(cancel)),
      m_curl_error(CURL_ERROR_SIZE, '\0')
{
}

Transfer::~Transfer()
{
    if (m_easy)
        curl_easy_cleanup(m_easy);
    curl_slist_free_all(m_headers);
    if (m_file)
        std::fclose(m_file);
}

void Transfer::fail(Fault fault, const std::string& error)
{
    m_failed = true;
    m_response.outcome = m_response.sent ? Outcome::maybe_sent : Outcome::not_sent;
    m_response.fault = fault;
    m_response.error = base::mask(error);
}

void Transfer::stop_cancelled()
{
    fail(Fault::cancelled, "cancelled: " + m_request.method + " " + m_url.text);
    m_response.outcome = Outcome::cancelled;
}

void Transfer::deliver()
{
    m_response.effective_url = m_url.text.empty() ? m_request.url : m_url.text;
    m_response.seconds = base::system_clock().monotonic() - m_begun;
    if (base::log_enabled(base::LogLevel::debug))
        base::log(base::LogLevel::debug,
                  m_request.method + " " + m_response.effective_url + " -> "
                      + (m_response.outcome == Outcome::answered ? std::to_string(m_response.status)
                                                                 : m_response.error));
    m_promise.set_value(std::move(m_response));
}

bool Transfer::allowed_by_name(const Url& url) const
{
    if (m_request.allow_private)
        return true;
    const std::string with_port = url.host + ":" + std::to_string(url.port);
    for (const std::string& entry : m_request.allow_private_hosts) {
        const std::string name = base::lower(entry);
        if (name == url.host || name == with_port || name == "[" + url.host + "]")
            return true;
    }
    return false;
}

bool Transfer::may_go_to(const Url& url, std::string& why) const
{
    if (url.scheme != "https" && url.scheme != "http") {
        why = "'" + url.scheme + ":' is not spoken, only https is";
        return false;
    }
    if (url.scheme == "http" && !is_loopback_host(url.host)) {
        why = "http is for loopback only; use https";
        return false;
    }
    return true;
}

bool Transfer::address_allowed(const std::string& numeric) const
{
    Address address;
    if (!parse_address(numeric, address))
        return false;
    // Whatever the name promised: clear text stays on this machine.
    if (m_url.scheme == "http" && !is_loopback(address))
        return false;
    return is_public(address) || allowed_by_name(m_url);
}

bool Transfer::begin(const TransportOptions& options)
{
    m_options = options;
    m_begun = base::system_clock().monotonic();
    if (m_cancel.cancelled()) {
        stop_cancelled();
        return false;
    }
    if (!parse_url(m_request.url, m_url)) {
        fail(Fault::bad_url, "'" + base::mask_url(m_request.url) + "' is no URL");
        return false;
    }
    for (const Headers* headers : {&m_request.headers, &m_request.secret_headers})
        for (const auto& [name, value] : *headers)
            if (!fit_for_a_header(name, value)) {
                fail(Fault::other,
                     "a header's name or value has a line break in it: '"
                         + name.substr(0, name.find_first_of("\r\n")) + "'");
                return false;
            }
    m_body_size = m_request.body.size();
    if (!m_request.body_file.empty()) {
        m_file = std::fopen(m_request.body_file.c_str(), "rb");
        if (!m_file || fseeko(m_file, 0, SEEK_END) != 0) {
            fail(Fault::other, "can't read " + m_request.body_file + ": " + std::strerror(errno));
            return false;
        }
        m_body_size = uint64_t(ftello(m_file));
    }
    m_easy = curl_easy_init();
    return m_easy && set_up_hop();
}

bool Transfer::finish_hop(CURLcode code)
{
    if (m_failed)
        return false;
    if (code == CURLE_OK) {
        const bool follows = m_request.max_redirects > 0 && repeatable(m_request.method)
            && is_redirect(m_response.status) && !m_response.header("location").empty();
        if (!follows) {
            m_response.outcome = Outcome::answered;
            m_response.fault = Fault::none;
            return false;
        }
        const std::string location = m_response.header("location");
        if (++m_hop > m_request.max_redirects) {
            fail(Fault::bad_redirect,
                 m_request.url + ": more than " + std::to_string(m_request.max_redirects)
                     + " redirects");
            return false;
        }
        Url next;
        std::string why;
        if (!resolve_url(m_url, location, next)) {
            fail(Fault::bad_redirect, m_url.text + ": redirects to no URL");
            return false;
        }
        if (!may_go_to(next, why) || (m_url.scheme == "https" && next.scheme != "https")) {
            fail(Fault::bad_redirect,
                 m_url.text + ": redirects to " + next.text
                     + ", which is refused: " + (why.empty() ? "https leads to https only" : why));
            return false;
        }
        m_url = next;
        return set_up_hop();
    }
    if (m_blocked) {
        fail(Fault::blocked_address,
             m_url.text
                 + ": the host resolves to a private, loopback or special address; allow it "
                   "by name (allow_hosts) if it is meant");
        return false;
    }
    const char* detail = m_curl_error[0] ? m_curl_error.c_str() : curl_easy_strerror(code);
    // Once the request is out, this is no protocol of ours but stray bytes (libcurl: "HTTP/0.9")
    // that an earlier, wrongly counted answer left on a kept connection.
    const bool stray = code == CURLE_UNSUPPORTED_PROTOCOL && m_response.sent;
    fail(stray ? Fault::broken : fault_of(code), m_url.text + ": " + trimmed(detail));
    return false;
}

bool Transfer::must_stop(double now)
{
    if (m_cancelled_at < 0 && m_cancel.cancelled())
        m_cancelled_at = now;
    if (m_cancelled_at >= 0
        && (!m_response.sent || now - m_cancelled_at >= m_request.cancel_grace)) {
        stop_cancelled();
        return true;
    }
    if (m_request.total_timeout > 0 && now - m_begun >= m_request.total_timeout) {
        fail(Fault::timeout,
             m_url.text + ": no whole answer within " + seconds_text(m_request.total_timeout));
        return true;
    }
    if (!m_response.sent)
        return false; // libcurl's own connect timeout
    const bool uploading = m_body_at < m_body_size && !m_first_byte;
    if (!uploading && m_sent_at < 0) {
        m_sent_at = now;
        m_window_start = now;
        m_window_bytes = m_received + m_header_bytes;
    }
    if (!uploading && !m_first_byte) {
        if (now - m_sent_at < m_request.first_byte_timeout)
            return false;
        fail(Fault::timeout,
             m_url.text + ": the server has not begun to answer within "
                 + seconds_text(m_request.first_byte_timeout));
        return true;
    }
    // Either the body goes out or the answer comes in; both must go on.
    const uint64_t moved = m_body_at + m_received + m_header_bytes;
    const double patience = !uploading && m_request.slow_answer_seconds > 0
        ? m_request.slow_answer_seconds
        : m_request.low_speed_seconds;
    if (now - m_window_start < patience)
        return false;
    if (double(moved - m_window_bytes) < patience) {
        fail(Fault::too_slow,
             m_url.text + ": less than 1 byte a second for " + seconds_text(patience));
        return true;
    }
    m_window_start = now;
    m_window_bytes = moved;
    return false;
}

std::string HttpResponse::header(const std::string& name) const
{
    for (const auto& [key, value] : headers)
        if (key == name)
            return value;
    return {};
}

} // namespace klio::transport
