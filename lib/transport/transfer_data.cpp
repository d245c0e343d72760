#include "base/clock.h"
#include "base/encoding.h"
#include "transport/address.h"
#include "transport/http_rules.h"
#include "transport/transfer.h"

#include <sys/socket.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

// What libcurl calls while a transfer goes on: bytes in both directions, sockets, and the last
// moment before a request leaves.

namespace klio::transport {

namespace {

// Status line and headers of one answer; ten times what any server sends.
constexpr uint64_t max_header_bytes = 256u << 10;

} // namespace

// libcurl is C: no exception may pass through it, neither the receiver's nor one of our own.
template <typename Work> size_t Transfer::guarded(size_t bytes, Work work)
{
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
    me.m_first_byte = true;
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
    // "100 Continue" and "103 Early Hints" are no answer yet.
    m_first_byte = m_first_byte || m_response.status >= 200;
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

} // namespace klio::transport
