#include "transport/transfer.h"

#include "base/clock.h"
#include "base/encoding.h"
#include "base/log.h"
#include "base/secret.h"
#include "transport/address.h"
#include "transport/proxy.h"

#include <klio/version.h>

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

namespace klio::transport {

namespace {

// Status line and headers of one answer; ten times what any server sends.
constexpr uint64_t max_header_bytes = 256u << 10;

std::string trimmed(const std::string& text)
{
    const size_t start = text.find_first_not_of(" \t\r\n");
    if (start == std::string::npos)
        return {};
    return text.substr(start, text.find_last_not_of(" \t\r\n") + 1 - start);
}

// A line break in a header would let its value write further headers.
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

    const std::string& method = m_request.method;
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
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, m_headers);
    // A proxy learns the host and nothing else.
    curl_easy_setopt(easy, CURLOPT_HEADEROPT, long(CURLHEADER_SEPARATE));
    m_window_start = base::system_clock().monotonic();
    m_window_bytes = 0;
    return true;
}

// libcurl is C: no exception may pass through it, neither the receiver's nor one of our own.
template <typename Work> size_t Transfer::guarded(size_t bytes, Work work)
{
    m_first_byte = true;
    if (m_failed)
        return 0;
    try {
        work();
    } catch (const std::exception& exception) {
        fail(Fault::other, m_url.text + ": stopped: " + exception.what());
    } catch (...) {
        fail(Fault::other, m_url.text + ": stopped by the receiver");
    }
    return m_failed ? 0 : bytes;
}

size_t Transfer::on_write(char* data, size_t size, size_t count, void* self)
{
    auto& me = *static_cast<Transfer*>(self);
    return me.guarded(size * count, [&] { me.take_body(data, size * count); });
}

size_t Transfer::on_header(char* data, size_t size, size_t count, void* self)
{
    auto& me = *static_cast<Transfer*>(self);
    return me.guarded(size * count, [&] { me.take_head(std::string(data, size * count)); });
}

void Transfer::take_body(const char* data, size_t bytes)
{
    if (bytes > m_request.max_body - std::min(m_request.max_body, m_received)) {
        fail(Fault::too_large,
             m_url.text + ": the answer is larger than " + std::to_string(m_request.max_body)
                 + " bytes");
        return;
    }
    m_received += bytes;
    if (m_request.sink && (m_response.status == 200 || m_response.status == 206)) {
        if (!m_request.sink(data, bytes)) {
            fail(Fault::other, m_url.text + ": stopped by the receiver");
            return;
        }
    } else {
        m_response.body.append(data, bytes);
    }
    if (m_request.on_progress)
        m_request.on_progress(m_received, m_expected);
}

void Transfer::take_head(const std::string& line)
{
    m_header_bytes += line.size();
    if (m_header_bytes > max_header_bytes)
        fail(Fault::too_large,
             m_url.text + ": the answer's headers are larger than "
                 + std::to_string(max_header_bytes) + " bytes");
    else if (line.compare(0, 5, "HTTP/") == 0)
        take_status_line(line);
    else
        take_header_line(line);
}

void Transfer::take_status_line(const std::string& line)
{
    const size_t space = line.find(' ');
    m_response.status = space == std::string::npos ? 0 : std::atoi(line.c_str() + space + 1);
    m_response.headers.clear();
    m_expected = 0;
}

void Transfer::take_header_line(const std::string& line)
{
    const size_t colon = line.find(':');
    if (colon == std::string::npos)
        return;
    std::string name = base::lower(trimmed(line.substr(0, colon)));
    std::string value = trimmed(line.substr(colon + 1));
    if (name == "content-length") {
        m_expected = std::strtoull(value.c_str(), nullptr, 10);
        const bool goes_on = m_request.max_redirects > 0 && is_redirect(m_response.status);
        if (m_request.method != "HEAD" && !goes_on && m_expected > m_request.max_body) {
            fail(Fault::too_large,
                 m_url.text + ": the answer has " + value + " bytes, more than "
                     + std::to_string(m_request.max_body));
            return;
        }
    }
    if (name == "content-encoding")
        m_expected = 0;
    m_response.headers.emplace_back(std::move(name), std::move(value));
}

size_t Transfer::on_read(char* buffer, size_t size, size_t count, void* self)
{
    auto& me = *static_cast<Transfer*>(self);
    const size_t wanted = size_t(std::min<uint64_t>(size * count, me.m_body_size - me.m_body_at));
    if (wanted == 0)
        return 0;
    if (me.m_file) {
        if (std::fread(buffer, 1, wanted, me.m_file) != wanted) {
            me.fail(Fault::other, me.m_request.body_file + " changed while it was sent");
            return CURL_READFUNC_ABORT;
        }
    } else {
        std::memcpy(buffer, me.m_request.body.data() + me.m_body_at, wanted);
    }
    me.m_body_at += wanted;
    return wanted;
}

int Transfer::on_seek(void* self, curl_off_t offset, int origin)
{
    auto& me = *static_cast<Transfer*>(self);
    if (origin != SEEK_SET || offset < 0 || uint64_t(offset) > me.m_body_size)
        return CURL_SEEKFUNC_CANTSEEK;
    if (me.m_file && fseeko(me.m_file, off_t(offset), SEEK_SET) != 0)
        return CURL_SEEKFUNC_FAIL;
    me.m_body_at = uint64_t(offset);
    return CURL_SEEKFUNC_OK;
}

curl_socket_t Transfer::on_open_socket(void* self, curlsocktype, curl_sockaddr* address)
{
    auto& me = *static_cast<Transfer*>(self);
    if (me.m_proxy.empty()) {
        // Checked here, on the address itself, so that no second look-up can give another answer.
        Address to;
        const bool known = from_sockaddr(&address->addr, to);
        const bool clear_text_leaves = me.m_url.scheme == "http" && known && !is_loopback(to);
        if (!known || clear_text_leaves || (!is_public(to) && !me.allowed_by_name(me.m_url))) {
            me.m_blocked = true;
            return CURL_SOCKET_BAD;
        }
    }
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

int Transfer::on_prerequest(void* self, char* peer, char*, int, int)
{
    auto& me = *static_cast<Transfer*>(self);
    // libcurl starts over by itself where a connection died or a server asks for another HTTP
    // version. What creates something must not leave a second time.
    if (me.m_response.sent && !repeatable(me.m_request.method)) {
        if (me.m_request.method == "POST") {
            me.fail(Fault::broken, me.m_url.text + ": the connection broke before the answer");
            return CURL_PREREQFUNC_ABORT;
        }
    }
    // A connection that another transfer opened under other rules opens no socket here.
    if (me.m_proxy.empty() && !me.address_allowed(peer)) {
        me.m_blocked = true;
        return CURL_PREREQFUNC_ABORT;
    }
    me.m_response.peer = peer;
    me.m_response.sent = true;
    me.m_window_start = base::system_clock().monotonic();
    return CURL_PREREQFUNC_OK;
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
    if (now - m_window_start < m_request.low_speed_seconds)
        return false;
    if (double(moved - m_window_bytes) < m_request.low_speed_seconds) {
        fail(Fault::too_slow,
             m_url.text + ": less than 1 byte a second for "
                 + seconds_text(m_request.low_speed_seconds));
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
