#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

struct ssl_ctx_st;
struct ssl_st;

namespace klio::test {

/// What a server's handler does with one connection.
class Connection {
public:
    Connection(int socket, ssl_st* tls) : m_socket(socket), m_tls(tls) { }
    ~Connection();
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    /// Head and body (by Content-Length) of the next request; empty at the end of the connection.
    std::string read_request();
    /// Only the head; the body stays in the socket.
    std::string read_head();
    /// At most `size` bytes; empty at the end.
    std::string read_some(size_t size = 65536);
    bool send(const std::string& text); ///< false where the other end is gone
    /// Status 200 with Content-Length.
    void answer(const std::string& body, const std::string& headers = {});
    void reset();       ///< RST instead of FIN
    void close_now();   ///< FIN
    void wait_closed(); ///< until the other end closes
    int socket() const { return m_socket; }

private:
    int m_socket;
    ssl_st* m_tls;
    std::string m_buffer;
};

/// Certificates for a TLS server, made when asked for.
struct Certificate {
    std::string cert_pem;
    std::string key_pem;
    std::string ca_pem; ///< who trusts this trusts the certificate
};
/// Signed by an authority of its own; valid from now - 1 day to now + `days`. `names` are DNS names
/// or "IP:127.0.0.1".
Certificate make_certificate(const std::vector<std::string>& names, int days = 1);

/// A server on loopback that does exactly what its handler says, one thread a connection.
class RawServer {
public:
    using Handler = std::function<void(Connection&, int number)>;
    /// `number` counts connections from 0.
    explicit RawServer(Handler handler, const Certificate* certificate = nullptr);
    ~RawServer();
    int port() const { return m_port; }
    std::string url(const std::string& path = "/") const;
    int connections() const { return m_count; }

private:
    void listen();
    Handler m_handler;
    ssl_ctx_st* m_tls = nullptr;
    int m_listener = -1;
    int m_port = 0;
    std::atomic<int> m_count {0};
    std::atomic<bool> m_stopping {false};
    std::mutex m_mutex;
    std::vector<int> m_open;
    std::vector<std::thread> m_threads;
    std::thread m_listen_thread;
};

/// A folder that goes away with the object.
class TemporaryFolder {
public:
    TemporaryFolder();
    ~TemporaryFolder();
    std::string file(const std::string& name, const std::string& content) const;
    const std::string path;
};

/// What getaddrinfo() says of `name` in this process, from now until the object ends; an address
/// "hang" makes it wait for the object's end.
class Name {
public:
    Name(std::string name, std::vector<std::string> addresses);
    ~Name();
    int lookups() const;

private:
    std::string m_name;
};

} // namespace klio::test
