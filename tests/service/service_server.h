#pragma once

#include "fake_clock.h"
#include "service/client.h"

#include <httplib.h>

#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace klio::test {

/// One answer that the server gives.
struct Reply {
    int status = 200;
    std::string body;
    std::string type = "application/json";
    httplib::Headers headers {};
};

/// A service on loopback that gives scripted answers, the last one for ever, and remembers what it
/// was asked.
class ServiceServer {
public:
    ServiceServer();
    ~ServiceServer();

    /// Ends it, before what its handlers use goes out of scope.
    void stop();

    std::vector<Reply> creates; ///< set before the first request
    std::vector<Reply> tasks;
    httplib::Server server; ///< for further routes, before the first request

    std::string endpoint() const { return "http://127.0.0.1:" + std::to_string(m_port); }
    int port() const { return m_port; }
    std::vector<httplib::Request> create_requests() const;
    std::vector<httplib::Request> task_requests() const;

private:
    mutable std::mutex m_mutex;
    std::vector<httplib::Request> m_creates;
    std::vector<httplib::Request> m_tasks;
    int m_port = 0;
    std::thread m_thread;
};

/// A PNG by its first and last bytes, `size` bytes in all; no decoder is asked here.
std::string png_like(size_t size, char fill = 'x');

/// A client of `server` with a clock that takes no time.
struct TestClient {
    explicit TestClient(const std::string& endpoint);
    static service::ClientOptions options_for(const std::string& endpoint, FakeClock& clock,
                                              FakeRandom& random);

    FakeClock clock;
    FakeRandom random {1.0}; ///< the longest wait that jitter leaves
    transport::Transport transport;
    service::Client client;
    CancelToken cancel;
    double soon = 1000 + 600; ///< a deadline
};

constexpr const char* test_key = "aio_test_key_0123456789";

} // namespace klio::test
