#pragma once

#include <klio/progress.h>

#include <cstdint>
#include <functional>
#include <future>
#include <memory>
#include <string>
#include <utility>
#include <vector>

/// \file
/// One HTTP exchange, as the floors above ask for it. This floor knows no service: it says what
/// happened on the wire, and above all whether the request's bytes may have left.

namespace klio::transport {

using Headers = std::vector<std::pair<std::string, std::string>>;

/// How far a request got. What may be sent again depends on nothing else.
enum class Outcome {
    answered,   ///< a whole answer came; its status may be anything
    not_sent,   ///< surely nothing of the request reached a server (DNS, connect, TLS, blocked)
    maybe_sent, ///< bytes may have left, and no whole answer came
    cancelled   ///< as maybe_sent or not_sent (see `sent`), because the user asked
};

/// Why there is no (whole) answer, where a caller acts differently.
enum class Fault {
    none,
    dns,
    connect,
    tls,
    blocked_address,
    bad_url,
    bad_redirect,
    timeout,
    too_slow,
    too_large,
    truncated,
    broken,
    cancelled,
    other
};

struct HttpRequest {
    std::string method = "GET";
    std::string url;
    Headers headers;
    /// Sent only to the origin of `url`, never across a redirect, not even within the origin; never
    /// in an error. E.g. {"Authorization", "Bearer …"}.
    Headers secret_headers;
    std::string body;               ///< for POST and PUT, may be empty
    std::string body_file;          ///< or a file that is streamed (PUT)
    uint64_t max_body = 8u << 20;   ///< cap on the answer's body, after decompression
    bool accept_compressed = true;  ///< offer what libcurl can decode (gzip, brotli, …)
    double connect_timeout = 20;    ///< seconds
    double first_byte_timeout = 60; ///< seconds from the request sent to the answer's first byte
    double low_speed_seconds = 30;  ///< gives up below 1 byte/s for so long
    double slow_answer_seconds = 0; ///< the same while the answer comes; 0: low_speed_seconds
    double total_timeout = 0;       ///< seconds; 0: none
    /// Seconds that a request whose bytes may have left still has for its answer once it is
    /// cancelled: an answer that is nearly here tells what was paid.
    double cancel_grace = 0;
    /// GET and HEAD only: https to https only (from http on loopback also to http on loopback).
    /// Secret headers, Authorization and Cookie never go along. With 0, and for all other methods,
    /// the redirect itself is the answer.
    int max_redirects = 0;
    /// Addresses that the host may resolve to. By default loopback, private, link-local and other
    /// special addresses are refused, after resolution, at every hop. Through a proxy the address
    /// is the proxy's to resolve: then only what the URL itself says (a numeric address, a loopback
    /// name) can be checked.
    bool allow_private = false;
    std::vector<std::string> allow_private_hosts; ///< exceptions by name: "host" or "host:port"
    /// Where a body of status 200 or 206 goes instead of HttpResponse::body; return false to stop.
    /// Called on the transport's thread.
    std::function<bool(const char* data, size_t size)> sink;
    uint64_t resume_from = 0; ///< asks for "Range: bytes=N-"; see HttpResponse::status
    std::string if_range;     ///< an ETag or date for the range
    /// Bytes got and the total (0 unknown), on the transport's thread.
    std::function<void(uint64_t got, uint64_t total)> on_progress;
};

struct HttpResponse {
    Outcome outcome = Outcome::not_sent;
    Fault fault = Fault::none;
    bool sent = false; ///< bytes of the request may have left
    int status = 0;    ///< 0 where no status line came
    Headers headers;   ///< of the last hop, names in lower case
    std::string body;  ///< decompressed; what came so far where it broke off
    std::string effective_url;
    std::string error; ///< one line for a person, secrets masked; empty when answered
    double seconds = 0;
    /// The other end's numeric address, the proxy's where one is used; for logs.
    std::string peer;
    bool ok() const { return outcome == Outcome::answered && status >= 200 && status < 300; }
    /// First header of that lower-case name, or empty.
    std::string header(const std::string& name) const;
};

struct TransportOptions {
    std::string cacert;     ///< a file of certificates; empty: the system's
    int max_per_host = 8;   ///< connections; further transfers wait
    std::string user_agent; ///< empty: "klio/VERSION"
};

/// One libcurl multi loop on one thread of its own, which serves all transfers; HTTP/2 is
/// multiplexed where offered, connections are kept alive. The thread starts with the first
/// transfer and ends with the object. Thread-safe. http is refused but for loopback. Certificates
/// are always checked; TLS is 1.2 or newer. Proxies are taken from the environment as curl does
/// (see proxy.h).
///
/// Requests with a body go by HTTP/1.1. A POST leaves at most once: it takes a connection of its
/// own, since libcurl repeats a request by itself where a kept-alive connection turns out to be
/// dead, and it is stopped before it would be sent again. Other methods may be repeated by libcurl
/// in that one case.
///
/// A transfer that is cancelled ends within a tenth of a second (and its `cancel_grace`).
class Transport {
public:
    explicit Transport(TransportOptions options = {});
    ~Transport(); ///< cancels what is under way
    Transport(const Transport&) = delete;
    Transport& operator=(const Transport&) = delete;

    /// Starts a transfer; the future never throws but for std::bad_alloc.
    std::future<HttpResponse> start(HttpRequest request, CancelToken cancel = {});
    /// start() and wait.
    HttpResponse perform(HttpRequest request, CancelToken cancel = {});

private:
    struct Impl;
    std::unique_ptr<Impl> m_impl;
};

} // namespace klio::transport
