#pragma once

#include "transport/http.h"
#include "transport/url.h"

#include <curl/curl.h>

#include <cstdio>
#include <future>
#include <memory>
#include <string>

/// \file
/// One request on its way through libcurl: its callbacks, limits and redirects.

namespace klio::transport {

/// Owned and used by the loop's thread alone, but for construction.
class Transfer {
public:
    Transfer(HttpRequest request, CancelToken cancel);
    ~Transfer();
    Transfer(const Transfer&) = delete;
    Transfer& operator=(const Transfer&) = delete;

    std::future<HttpResponse> future() { return m_promise.get_future(); }
    CURL* handle() const { return m_easy; }

    /// Checks the request and sets the handle up for the first hop. False where nothing may be
    /// sent; the response then says why.
    bool begin(const TransportOptions& options);
    /// What libcurl says when it is done with the handle. True where the handle is set up again,
    /// for a redirect's next hop.
    bool finish_hop(CURLcode code);
    /// Looks at the clock and the token: true where the transfer must be stopped now; the response
    /// then says why.
    bool must_stop(double now);
    /// Ends it as cancelled, whatever it was doing.
    void stop_cancelled();
    /// Hands the response over. Nothing may be called after it.
    void deliver();

private:
    bool set_up_hop();
    bool set_up_method();
    void set_up_headers(bool has_body);
    bool may_go_to(const Url& url, std::string& why) const;
    bool allowed_by_name(const Url& url) const;
    bool address_allowed(const std::string& numeric) const;
    void fail(Fault fault, const std::string& error);
    void take_status_line(const std::string& line);
    void take_header_line(const std::string& line);
    void take_head(const std::string& line);
    void take_body(const char* data, size_t bytes);
    template <typename Work> size_t guarded(size_t bytes, Work work);

    static size_t on_write(char* data, size_t size, size_t count, void* self);
    static size_t on_header(char* data, size_t size, size_t count, void* self);
    static size_t on_read(char* buffer, size_t size, size_t count, void* self);
    static int on_seek(void* self, curl_off_t offset, int origin);
    static curl_socket_t on_open_socket(void* self, curlsocktype purpose, curl_sockaddr* address);
    static int on_prerequest(void* self, char* peer, char* local, int peer_port, int local_port);

    HttpRequest m_request;
    CancelToken m_cancel;
    std::promise<HttpResponse> m_promise;
    HttpResponse m_response;
    TransportOptions m_options;
    Url m_url;
    std::string m_proxy; ///< of this hop; empty for none
    int m_hop = 0;

    CURL* m_easy = nullptr;
    curl_slist* m_headers = nullptr;
    std::string m_curl_error;
    std::FILE* m_file = nullptr;
    uint64_t m_body_size = 0;
    uint64_t m_body_at = 0;

    uint64_t m_header_bytes = 0;
    uint64_t m_received = 0; ///< body bytes of this hop, decompressed
    uint64_t m_expected = 0; ///< body bytes by Content-Length; 0 unknown
    bool m_blocked = false;  ///< a socket was refused for its address
    bool m_failed = false;   ///< fail() was called: libcurl's own code is only its consequence

    double m_begun = 0;
    double m_sent_at = -1;      ///< all of the request was handed over
    double m_cancelled_at = -1; ///< seen by the loop
    double m_window_start = 0;  ///< of the low-speed measurement
    uint64_t m_window_bytes = 0;
    bool m_first_byte = false;
};

} // namespace klio::transport
