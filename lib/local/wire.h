#pragma once

#include <httplib.h>

#include <functional>
#include <string>

/// \file
/// One connection of the gateway, as cpp-httplib reads and writes it, with the faults that happen
/// on the wire.

namespace klio::local {

/// How an answer leaves.
enum class Delivery { whole, none, reset, late, drip, truncated, short_length };

/// Holds an answer back until it is complete, so that it can then be spoilt on its way. Belongs to
/// one thread.
class Wire : public httplib::Stream {
public:
    /// Takes over the socket. `pause` waits for seconds and returns false where the server stops.
    Wire(int socket, std::function<bool(double)> pause);
    ~Wire() override;
    Wire(const Wire&) = delete;
    Wire& operator=(const Wire&) = delete;

    /// Waits for the next request; false where none comes.
    bool wait_for_request(double seconds);
    /// Sends what was written. False where the connection is of no further use.
    bool deliver(Delivery delivery, double seconds);
    /// Nothing more is read or sent; the connection ends with a reset (RST) when this object does.
    void reset();

    bool is_readable() const override;
    bool is_writable() const override;
    ssize_t read(char* data, size_t size) override;
    ssize_t write(const char* data, size_t size) override;
    void get_remote_ip_and_port(std::string& ip, int& port) const override;
    void get_local_ip_and_port(std::string& ip, int& port) const override;
    socket_t socket() const override { return m_socket; }

private:
    bool send_all(const char* data, size_t size);

    int m_socket;
    std::function<bool(double)> m_pause;
    bool m_reset = false;
    std::string m_out;
    char m_in[16384];
    size_t m_in_at = 0;
    size_t m_in_size = 0;
};

} // namespace klio::local
