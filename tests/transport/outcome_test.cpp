#include "raw_server.h"
#include "transport/http.h"

#include <gmock/gmock.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace klio::test {
namespace {

using namespace transport;
using testing::HasSubstr;

HttpRequest post_to(const std::string& url)
{
    HttpRequest request;
    request.method = "POST";
    request.url = url;
    request.body = "{}";
    request.allow_private = true;
    return request;
}

int free_port()
{
    const int s = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    bind(s, reinterpret_cast<sockaddr*>(&address), size);
    getsockname(s, reinterpret_cast<sockaddr*>(&address), &size);
    close(s);
    return ntohs(address.sin_port);
}

// --- surely not sent ---

TEST(Outcome, ARefusedConnectionSentNothing)
{
    Transport transport;
    const HttpResponse response
        = transport.perform(post_to("http://127.0.0.1:" + std::to_string(free_port()) + "/"));
    EXPECT_EQ(response.outcome, Outcome::not_sent);
    EXPECT_EQ(response.fault, Fault::connect);
    EXPECT_FALSE(response.sent);
    EXPECT_EQ(response.status, 0);
}

TEST(Outcome, AnUnknownNameSentNothing)
{
    Transport transport;
    const HttpResponse response = transport.perform(post_to("https://nowhere.example/"));
    EXPECT_EQ(response.outcome, Outcome::not_sent);
    EXPECT_EQ(response.fault, Fault::dns);
    EXPECT_THAT(response.error, HasSubstr("nowhere.example"));
}

TEST(Outcome, ATlsHandshakeThatBreaksSentNothing)
{
    RawServer server([](Connection& connection, int) {
        connection.read_some();
        connection.send("HTTP/1.1 400 This is no TLS\r\n\r\n");
    });
    Transport transport;
    const HttpResponse response
        = transport.perform(post_to("https://127.0.0.1:" + std::to_string(server.port()) + "/"));
    EXPECT_EQ(response.outcome, Outcome::not_sent);
    EXPECT_EQ(response.fault, Fault::tls);
}

TEST(Outcome, AHandshakeThatHangsSentNothing)
{
    RawServer server([](Connection& connection, int) { connection.wait_closed(); });
    Transport transport;
    HttpRequest request = post_to("https://127.0.0.1:" + std::to_string(server.port()) + "/");
    request.connect_timeout = 0.2;
    const HttpResponse response = transport.perform(request);
    EXPECT_EQ(response.outcome, Outcome::not_sent);
    EXPECT_EQ(response.fault, Fault::timeout);
}

TEST(Outcome, ABadUrlSentNothing)
{
    Transport transport;
    for (const char* url :
         {"", "no url", "file:///etc/passwd", "ftp://127.0.0.1/x", "gopher://127.0.0.1/",
          "dict://127.0.0.1/", "http://example.com/", "http://10.0.0.1/", "data:text/plain,x"}) {
        const HttpResponse response = transport.perform(post_to(url));
        EXPECT_EQ(response.outcome, Outcome::not_sent) << url;
        EXPECT_EQ(response.fault, Fault::bad_url) << url << ": " << response.error;
    }
}

// --- may have been sent ---

TEST(Outcome, AResetBeforeAnythingIsReadMayHaveBeenSent)
{
    RawServer server([](Connection& connection, int) {
        char byte = 0;
        recv(connection.socket(), &byte, 1, MSG_PEEK); // it is here, and nobody reads it
        connection.reset();
    });
    Transport transport;
    const HttpResponse response = transport.perform(post_to(server.url()));
    EXPECT_EQ(response.outcome, Outcome::maybe_sent);
    EXPECT_TRUE(response.sent);
    EXPECT_EQ(response.fault, Fault::broken);
}

TEST(Outcome, AResetAfterReadingMayHaveBeenSent)
{
    RawServer server([](Connection& connection, int) {
        connection.read_request();
        connection.reset();
    });
    Transport transport;
    EXPECT_EQ(transport.perform(post_to(server.url())).outcome, Outcome::maybe_sent);
    EXPECT_EQ(server.connections(), 1);
}

TEST(Outcome, AConnectionClosedWithoutAnAnswerMayHaveBeenSent)
{
    RawServer server([](Connection& connection, int) {
        connection.read_request();
        connection.close_now();
    });
    Transport transport;
    EXPECT_EQ(transport.perform(post_to(server.url())).outcome, Outcome::maybe_sent);
    EXPECT_EQ(server.connections(), 1);
}

TEST(Outcome, NoAnswerInTimeMayHaveBeenSent)
{
    RawServer server([](Connection& connection, int) {
        connection.read_request();
        connection.wait_closed();
    });
    Transport transport;
    HttpRequest request = post_to(server.url());
    request.first_byte_timeout = 0.15;
    const HttpResponse response = transport.perform(request);
    EXPECT_EQ(response.outcome, Outcome::maybe_sent);
    EXPECT_EQ(response.fault, Fault::timeout);
    request.first_byte_timeout = 60;
    request.total_timeout = 0.15;
    EXPECT_EQ(transport.perform(request).fault, Fault::timeout);
}

TEST(Outcome, AnAnswerCutOffIsNoAnswer)
{
    RawServer server([](Connection& connection, int) {
        connection.read_request();
        connection.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"id\":");
        connection.close_now();
    });
    Transport transport;
    const HttpResponse response = transport.perform(post_to(server.url()));
    EXPECT_EQ(response.outcome, Outcome::maybe_sent);
    EXPECT_EQ(response.fault, Fault::truncated);
    EXPECT_EQ(response.status, 200);
    EXPECT_EQ(response.body, "{\"id\":");
}

TEST(Outcome, WhatIsNoHttpMayHaveBeenSent)
{
    RawServer server([](Connection& connection, int) {
        connection.read_request();
        connection.send("220 smtp.example ESMTP\r\n");
        connection.close_now();
    });
    Transport transport;
    const HttpResponse response = transport.perform(post_to(server.url()));
    EXPECT_EQ(response.outcome, Outcome::maybe_sent);
}

// --- sent at most once ---

// The server takes one request of each connection and drops the connection when it has read a
// second one: what libcurl takes for a dead kept-alive connection and tries again by itself.
struct Dropping {
    std::atomic<int> posts {0};
    std::atomic<int> gets {0};
    RawServer server {[this](Connection& connection, int) {
        bool first = true;
        for (std::string request; !(request = connection.read_request()).empty();) {
            ++(request.compare(0, 4, "POST") == 0 ? posts : gets);
            if (!first) {
                connection.close_now();
                return;
            }
            first = false;
            connection.answer("ok");
        }
    }};
};

TEST(Outcome, APostNeverUsesAConnectionThatMayBeDead)
{
    Dropping dropping;
    Transport transport;
    for (int i = 0; i < 3; ++i) {
        HttpRequest get = post_to(dropping.server.url());
        get.method = "GET";
        get.body.clear();
        transport.perform(get); // leaves a connection that will drop its next request
        const int before = dropping.posts;
        const HttpResponse response = transport.perform(post_to(dropping.server.url()));
        EXPECT_TRUE(response.ok()) << response.error;
        EXPECT_EQ(dropping.posts - before, 1);
    }
}

TEST(Outcome, AGetMaySurviveADeadConnection)
{
    Dropping dropping;
    Transport transport;
    HttpRequest get = post_to(dropping.server.url());
    get.method = "GET";
    get.body.clear();
    EXPECT_TRUE(transport.perform(get).ok());
    EXPECT_TRUE(transport.perform(get).ok());
    EXPECT_EQ(dropping.gets, 3);
}

TEST(Outcome, AnEarlyRefusalOfABigBodyIsAnAnswer)
{
    RawServer server([](Connection& connection, int) {
        connection.read_head();
        connection.send("HTTP/1.1 401 No\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno");
        connection.wait_closed();
    });
    Transport transport;
    HttpRequest request = post_to(server.url());
    request.body = std::string(8u << 20, 'x');
    const HttpResponse response = transport.perform(request);
    EXPECT_EQ(response.outcome, Outcome::answered) << response.error;
    EXPECT_EQ(response.status, 401);
}

} // namespace
} // namespace klio::test
