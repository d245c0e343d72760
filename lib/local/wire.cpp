#include "local/wire.h"

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace klio::local {

namespace {

constexpr int patience = 60'000; // milliseconds without a byte
constexpr int pieces = 20;       // of a dripping body

} // namespace

Wire::Wire(int socket, std::function<bool(double)> pause)
    : m_socket(socket), m_pause(std::move(pause))
{
}

Wire::~Wire()
{
    if (m_reset) {
        const linger now {1, 0};
        ::setsockopt(m_socket, SOL_SOCKET, SO_LINGER, &now, sizeof now);
        ::close(m_socket);
        return;
    }
    // Unread bytes would turn the close into a reset that can overtake the answer.
    ::shutdown(m_socket, SHUT_WR);
    pollfd waiting {m_socket, POLLIN, 0};
    for (int i = 0; i < 64 && ::poll(&waiting, 1, 20) > 0; ++i)
        if (::recv(m_socket, m_in, sizeof m_in, MSG_DONTWAIT) <= 0)
            break;
    ::close(m_socket);
}

bool Wire::wait_for_request(double seconds)
{
    if (m_in_at < m_in_size)
        return true;
    pollfd waiting {m_socket, POLLIN, 0};
    return !m_reset && ::poll(&waiting, 1, int(seconds * 1000)) > 0;
}

void Wire::reset()
{
    m_reset = true;
    m_in_at = m_in_size = 0;
}

bool Wire::is_readable() const
{
    return !m_reset;
}

bool Wire::is_writable() const
{
    return !m_reset;
}

ssize_t Wire::read(char* data, size_t size)
{
    // "100 Continue" has to leave before the client sends its body.
    if (!m_out.empty()) {
        const std::string interim = std::move(m_out);
        m_out.clear();
        if (!send_all(interim.data(), interim.size()))
            return -1;
    }
    if (m_in_at == m_in_size) {
        pollfd waiting {m_socket, POLLIN, 0};
        if (m_reset || ::poll(&waiting, 1, patience) <= 0)
            return -1;
        const ssize_t got = ::recv(m_socket, m_in, sizeof m_in, 0);
        if (got <= 0)
            return got;
        m_in_at = 0;
        m_in_size = size_t(got);
    }
    const size_t taken = std::min(size, m_in_size - m_in_at);
    std::memcpy(data, m_in + m_in_at, taken);
    m_in_at += taken;
    return ssize_t(taken);
}

ssize_t Wire::write(const char* data, size_t size)
{
    if (m_reset)
        return -1;
    m_out.append(data, size);
    return ssize_t(size);
}

void Wire::get_remote_ip_and_port(std::string& ip, int& port) const
{
    ip = "127.0.0.1";
    port = 0;
}

void Wire::get_local_ip_and_port(std::string& ip, int& port) const
{
    get_remote_ip_and_port(ip, port);
}

bool Wire::send_all(const char* data, size_t size)
{
    while (size > 0 && !m_reset) {
        const ssize_t sent = ::send(m_socket, data, size, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent <= 0)
            return false;
        data += sent;
        size -= size_t(sent);
    }
    return !m_reset;
}

bool Wire::deliver(Delivery delivery, double seconds)
{
    std::string answer = std::move(m_out);
    m_out.clear();
    const size_t head
        = std::min(answer.find("\r\n\r\n"), answer.size() - std::min<size_t>(4, answer.size())) + 4;
    const size_t body = answer.size() > head ? answer.size() - head : 0;
    switch (delivery) {
    case Delivery::whole:
        return send_all(answer.data(), answer.size());
    case Delivery::none:
        m_pause(seconds);
        return false;
    case Delivery::reset:
        reset();
        return false;
    case Delivery::late:
        return m_pause(seconds) && send_all(answer.data(), answer.size());
    case Delivery::drip:
        if (!send_all(answer.data(), head))
            return false;
        for (size_t i = 0; i < pieces; ++i) {
            const size_t from = body * i / pieces;
            const size_t to = body * (i + 1) / pieces;
            if (!m_pause(seconds / pieces) || !send_all(answer.data() + head + from, to - from))
                return false;
        }
        return true;
    case Delivery::truncated:
        send_all(answer.data(), head + body / 2);
        return false;
    case Delivery::short_length: {
        const size_t field = answer.find("Content-Length: ");
        if (field < head) {
            const size_t number = field + std::strlen("Content-Length: ");
            answer.replace(number, answer.find("\r\n", number) - number,
                           std::to_string(body * 2 / 3));
        }
        send_all(answer.data(), answer.size());
        return false;
    }
    }
    return false;
}

} // namespace klio::local
