#pragma once

#include "local/fault.h"
#include "local/wire.h"

#include <condition_variable>
#include <functional>
#include <mutex>
#include <set>
#include <string>
#include <thread>

/// \file
/// The gateway's front door: a listener of its own, since faults must be able to close it, and
/// cpp-httplib behind it for all that is HTTP.

namespace klio::local {

/// What the handlers need to know of the exchange that they serve.
struct Exchange {
    Hits hits;
};

/// Binds 127.0.0.1 alone. A thread a connection: kept-alive connections must not starve others.
class Server : private httplib::Server {
public:
    /// `on_head` is called once a request's head is read, before any fault happens to it.
    Server(Faults& faults, double fault_seconds, std::function<void(RequestKind)> on_head);
    ~Server() override;

    using httplib::Server::Get;
    using httplib::Server::Post;
    using httplib::Server::set_error_handler;
    using httplib::Server::set_exception_handler;
    using httplib::Server::set_payload_max_length;
    using httplib::Server::set_pre_routing_handler;

    /// Starts to listen. Throws NetworkError where the port is taken.
    void start(int port);
    /// Ends all connections and takes no more; what is under way is answered no longer.
    void hang_up();
    /// hang_up(), and waits for the connections' threads.
    void stop();
    int port() const { return m_port; }

    /// The exchange that the calling handler serves.
    static Exchange& exchange();

private:
    bool listen_again();
    void accept_loop();
    void serve(int socket);
    bool pause(double seconds);

    Faults& m_faults;
    double m_fault_seconds;
    std::function<void(RequestKind)> m_on_head;
    int m_port = 0;
    int m_listener = -1;
    int m_wake[2] = {-1, -1};
    std::thread m_thread;
    std::mutex m_mutex;
    std::condition_variable m_changed;
    std::set<int> m_sockets;
    size_t m_serving = 0;
    bool m_stopping = false;
    bool m_stopped = false;
};

} // namespace klio::local
