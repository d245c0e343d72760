#include "local/server.h"

#include <klio/error.h>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>

namespace klio::local {

namespace {

constexpr double idle_seconds = 30;
constexpr double refusing_seconds = 1;

// cpp-httplib hands a handler nothing of the connection; one thread serves one exchange at a time.
thread_local Exchange* current_exchange = nullptr;

// A bound socket that does not listen refuses connections and keeps its port.
int bound_socket(int port)
{
    const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int on = 1;
    ::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    sockaddr_in address {};
    address.sin_family = AF_INET;
    address.sin_port = htons(uint16_t(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (socket >= 0
        && ::bind(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0)
        return socket;
    const int error = errno;
    if (socket >= 0)
        ::close(socket);
    errno = error;
    return -1;
}

RequestKind kind_of(const httplib::Request& request)
{
    if (request.method == "POST" && request.path == "/api/v1/images/generations")
        return RequestKind::create;
    if (request.method == "GET" && request.path.rfind("/api/v1/tasks/", 0) == 0)
        return RequestKind::poll;
    if (request.method == "GET" && request.path.rfind("/results/", 0) == 0)
        return RequestKind::download;
    return RequestKind::connection;
}

// cpp-httplib packs with brotli at its greatest effort: seconds for the megabytes of an answer that
// has its images inside.
void prefer_gzip(httplib::Request& request)
{
    const bool gzip = request.get_header_value("Accept-Encoding").find("gzip") != std::string::npos;
    request.headers.erase("Accept-Encoding");
    if (gzip)
        request.headers.emplace("Accept-Encoding", "gzip");
}

Delivery delivery_of(const std::string& fault)
{
    if (fault == "reset-before-body" || fault == "reset-after-body")
        return Delivery::reset;
    if (fault == "drop" || fault == "hang")
        return Delivery::none;
    if (fault == "slow-headers")
        return Delivery::late;
    if (fault == "drip")
        return Delivery::drip;
    if (fault == "truncate")
        return Delivery::truncated;
    return fault == "wrong-length" ? Delivery::short_length : Delivery::whole;
}

} // namespace

Server::Server(Faults& faults, double fault_seconds, std::function<void(RequestKind)> on_head)
    : m_faults(faults), m_fault_seconds(fault_seconds), m_on_head(std::move(on_head))
{
    keep_alive_timeout_sec_ = time_t(idle_seconds);
    keep_alive_max_count_ = 10'000;
}

Server::~Server()
{
    stop();
}

Exchange& Server::exchange()
{
    return *current_exchange;
}

void Server::start(int port)
{
    m_port = port;
    m_listener = bound_socket(port);
    if (m_listener < 0)
        throw NetworkError("the local gateway can't listen on 127.0.0.1:" + std::to_string(port)
                           + " (" + std::strerror(errno) + "); choose another port, or 0 for any");
    sockaddr_in address {};
    socklen_t size = sizeof address;
    ::getsockname(m_listener, reinterpret_cast<sockaddr*>(&address), &size);
    m_port = ntohs(address.sin_port);
    if (::pipe2(m_wake, O_CLOEXEC) != 0)
        throw NetworkError(std::string("the local gateway can't start (") + std::strerror(errno)
                           + ")");
    const bool refusing = m_faults.next(RequestKind::connection).exchange == "refuse";
    if (!refusing && ::listen(m_listener, 256) != 0)
        throw NetworkError("the local gateway can't listen on 127.0.0.1:" + std::to_string(port)
                           + " (" + std::strerror(errno) + "); choose another port, or 0 for any");
    m_thread = std::thread([this, refusing] {
        if (refusing && !listen_again())
            return;
        accept_loop();
    });
}

// After a while in which connections are refused; false where that is for good.
bool Server::listen_again()
{
    if (m_faults.always("refuse"))
        return false;
    return pause(refusing_seconds) && ::listen(m_listener, 256) == 0;
}

void Server::accept_loop()
{
    for (;;) {
        pollfd waiting[2] = {{m_listener, POLLIN, 0}, {m_wake[0], POLLIN, 0}};
        if (::poll(waiting, 2, -1) < 0 && errno != EINTR)
            return;
        if (waiting[1].revents)
            return;
        if (!waiting[0].revents)
            continue;
        const int socket = ::accept4(m_listener, nullptr, nullptr, SOCK_CLOEXEC);
        if (socket < 0) {
            // Out of descriptors: they come back when connections end.
            if (errno == EMFILE || errno == ENFILE)
                pause(0.05);
            continue;
        }
        const int on = 1;
        ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        {
            std::lock_guard<std::mutex> lock(m_mutex);
            if (m_stopping) {
                ::close(socket);
                return;
            }
            m_sockets.insert(socket);
            ++m_serving;
        }
        std::thread([this, socket] { serve(socket); }).detach();
        if (m_faults.next(RequestKind::connection).exchange == "refuse") {
            const int fresh = [&] {
                std::lock_guard<std::mutex> lock(m_mutex);
                ::close(m_listener);
                return m_listener = bound_socket(m_port);
            }();
            if (fresh < 0 || !listen_again())
                return;
        }
    }
}

bool Server::pause(double seconds)
{
    std::unique_lock<std::mutex> lock(m_mutex);
    return !m_changed.wait_for(lock, std::chrono::duration<double>(seconds),
                               [this] { return m_stopping; });
}

void Server::serve(int socket)
{
    {
        Wire wire(socket, [this](double seconds) { return pause(seconds); });
        bool more = true;
        while (more && wire.wait_for_request(idle_seconds)) {
            Exchange exchange;
            current_exchange = &exchange;
            bool closed = false;
            const auto head_read = [&](httplib::Request& request) {
                const RequestKind kind = kind_of(request);
                prefer_gzip(request);
                m_on_head(kind);
                if (kind != RequestKind::connection)
                    exchange.hits = m_faults.next(kind);
                if (exchange.hits.exchange == "reset-before-body")
                    wire.reset();
            };
            more = process_request(wire, false, closed, head_read) && !closed;
            const std::string& fault = exchange.hits.exchange;
            more = wire.deliver(delivery_of(fault), fault == "drop" ? 0 : m_fault_seconds) && more;
            current_exchange = nullptr;
        }
        std::lock_guard<std::mutex> lock(m_mutex);
        m_sockets.erase(socket);
    }
    std::lock_guard<std::mutex> lock(m_mutex);
    --m_serving;
    m_changed.notify_all();
}

void Server::hang_up()
{
    {
        std::lock_guard<std::mutex> lock(m_mutex);
        m_stopping = true;
        for (const int socket : m_sockets)
            ::shutdown(socket, SHUT_RDWR);
    }
    m_changed.notify_all();
}

void Server::stop()
{
    hang_up();
    {
        std::lock_guard<std::mutex> lock(m_mutex);
        if (m_stopped)
            return;
        m_stopped = true;
    }
    if (m_wake[1] >= 0 && ::write(m_wake[1], "x", 1) != 1)
        return;
    if (m_thread.joinable())
        m_thread.join();
    std::unique_lock<std::mutex> lock(m_mutex);
    m_changed.wait(lock, [this] { return m_serving == 0; });
    for (const int descriptor : {m_listener, m_wake[0], m_wake[1]})
        if (descriptor >= 0)
            ::close(descriptor);
}

} // namespace klio::local
