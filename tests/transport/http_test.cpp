#include "raw_server.h"
#include "transport/http.h"

#include <gmock/gmock.h>

#include <set>

namespace klio::test {
namespace {

using namespace transport;
using testing::HasSubstr;
using testing::Not;

HttpRequest request_to(const std::string& url, const std::string& method = "GET")
{
    HttpRequest request;
    request.method = method;
    request.url = url;
    request.allow_private = true;
    return request;
}

// Gives every request back as the answer's body.
void echo(Connection& connection, int)
{
    for (std::string request; !(request = connection.read_request()).empty();)
        connection.answer(request);
}

TEST(Http, Gets)
{
    RawServer server(echo);
    Transport transport;
    const HttpResponse response = transport.perform(request_to(server.url("/a?b=c")));
    EXPECT_EQ(response.outcome, Outcome::answered);
    EXPECT_EQ(response.fault, Fault::none);
    EXPECT_TRUE(response.ok());
    EXPECT_TRUE(response.sent);
    EXPECT_EQ(response.error, "");
    EXPECT_EQ(response.peer, "127.0.0.1");
    EXPECT_THAT(response.body, HasSubstr("GET /a?b=c HTTP/1.1\r\n"));
    EXPECT_THAT(response.body, HasSubstr("User-Agent: klio/"));
}

TEST(Http, PostsWithoutWaitingFor100Continue)
{
    RawServer server(echo);
    Transport transport;
    HttpRequest request = request_to(server.url(), "POST");
    request.headers = {{"Content-Type", "application/json"}, {"X-Empty", ""}};
    request.secret_headers = {{"Authorization", "Bearer secret-of-the-test"}};
    request.body = std::string(3u << 20, 'b'); // libcurl asks for 100 from 1 MiB on
    const HttpResponse response = transport.perform(std::move(request));
    ASSERT_TRUE(response.ok()) << response.error;
    const std::string head = response.body.substr(0, response.body.find("\r\n\r\n"));
    EXPECT_THAT(head, HasSubstr("Content-Length: 3145728"));
    EXPECT_THAT(head, HasSubstr("Content-Type: application/json"));
    EXPECT_THAT(head, HasSubstr("Authorization: Bearer secret-of-the-test"));
    EXPECT_THAT(head, HasSubstr("X-Empty:"));
    EXPECT_THAT(head, Not(HasSubstr("Expect")));
    EXPECT_EQ(response.body.size(), head.size() + 4 + (3u << 20));
}

TEST(Http, PutsABodyOrAFileAndNoTypeOfItsOwn)
{
    RawServer server(echo);
    Transport transport;
    const TemporaryFolder folder;
    HttpRequest request = request_to(server.url("/object"), "PUT");
    request.body_file = folder.file("body", std::string(200000, 'f'));
    HttpResponse response = transport.perform(std::move(request));
    ASSERT_TRUE(response.ok()) << response.error;
    EXPECT_THAT(response.body, HasSubstr("PUT /object HTTP/1.1"));
    EXPECT_THAT(response.body, HasSubstr("Content-Length: 200000"));
    EXPECT_THAT(response.body, HasSubstr(std::string(200000, 'f')));
    EXPECT_THAT(response.body, Not(HasSubstr("Content-Type")));
    EXPECT_THAT(response.body, Not(HasSubstr("chunked")));

    request = request_to(server.url(), "PUT");
    response = transport.perform(std::move(request));
    ASSERT_TRUE(response.ok());
    EXPECT_THAT(response.body, HasSubstr("Content-Length: 0"));

    request = request_to(server.url(), "PUT");
    request.body_file = folder.path + "/missing";
    response = transport.perform(std::move(request));
    EXPECT_EQ(response.outcome, Outcome::not_sent);
    EXPECT_THAT(response.error, HasSubstr("missing"));
}

TEST(Http, AHeadHasNoBodyWhateverItsLength)
{
    RawServer server([](Connection& connection, int) {
        while (!connection.read_request().empty())
            connection.send(
                "HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\nETag: \"e\"\r\n\r\n");
    });
    Transport transport;
    const HttpResponse response = transport.perform(request_to(server.url(), "HEAD"));
    EXPECT_TRUE(response.ok()) << response.error;
    EXPECT_EQ(response.header("etag"), "\"e\"");
    EXPECT_EQ(response.body, "");
}

TEST(Http, Deletes)
{
    RawServer server(echo);
    Transport transport;
    const HttpResponse response = transport.perform(request_to(server.url("/gone"), "DELETE"));
    EXPECT_THAT(response.body, HasSubstr("DELETE /gone HTTP/1.1"));
}

TEST(Http, KeepsConnectionsAlive)
{
    RawServer server(echo);
    Transport transport;
    for (int i = 0; i < 5; ++i)
        ASSERT_TRUE(transport.perform(request_to(server.url())).ok());
    EXPECT_EQ(server.connections(), 1);
}

TEST(Http, ServesManyAtOnceWithinTheLimitOfAHost)
{
    std::atomic<int> now {0};
    std::atomic<int> most {0};
    RawServer server([&](Connection& connection, int) {
        while (!connection.read_request().empty()) {
            most = std::max(most.load(), ++now);
            std::this_thread::sleep_for(std::chrono::milliseconds(5));
            --now;
            connection.answer("x");
        }
    });
    TransportOptions options;
    options.max_per_host = 4;
    Transport transport(options);
    std::vector<std::future<HttpResponse>> all;
    for (int i = 0; i < 40; ++i)
        all.push_back(transport.start(request_to(server.url())));
    for (auto& one : all)
        EXPECT_TRUE(one.get().ok());
    EXPECT_LE(most, 4);
    EXPECT_LE(server.connections(), 4);
}

TEST(Http, AWholeBodyGoesToTheSinkOnlyWhereItIsTheThing)
{
    RawServer server([](Connection& connection, int) {
        for (std::string request; !(request = connection.read_request()).empty();) {
            const bool missing = request.find("/missing") != std::string::npos;
            connection.send(std::string("HTTP/1.1 ") + (missing ? "404 No" : "200 OK")
                            + "\r\nContent-Length: 5\r\n\r\nhello");
        }
    });
    Transport transport;
    std::string got;
    std::vector<uint64_t> totals;
    HttpRequest request = request_to(server.url("/here"));
    request.sink = [&](const char* data, size_t size) {
        got.append(data, size);
        return true;
    };
    request.on_progress = [&](uint64_t, uint64_t total) { totals.push_back(total); };
    HttpResponse response = transport.perform(request);
    EXPECT_EQ(got, "hello");
    EXPECT_EQ(response.body, "");
    EXPECT_THAT(totals, testing::ElementsAre(5));

    request.url = server.url("/missing");
    response = transport.perform(request);
    EXPECT_EQ(got, "hello");
    EXPECT_EQ(response.body, "hello");

    request.url = server.url("/here");
    request.sink = [](const char*, size_t) { return false; };
    response = transport.perform(request);
    EXPECT_EQ(response.outcome, Outcome::maybe_sent);
}

TEST(Http, AReceiversExceptionEndsTheTransferAndNothingElse)
{
    RawServer server(echo);
    Transport transport;
    HttpRequest request = request_to(server.url());
    request.sink = [](const char*, size_t) -> bool { throw std::runtime_error("disk full"); };
    HttpResponse response = transport.perform(request);
    EXPECT_EQ(response.outcome, Outcome::maybe_sent);
    EXPECT_THAT(response.error, HasSubstr("disk full"));
    request.sink = {};
    request.on_progress = [](uint64_t, uint64_t) { throw 17; };
    EXPECT_FALSE(transport.perform(request).ok());
    EXPECT_TRUE(transport.perform(request_to(server.url())).ok());
}

TEST(Http, AsksForARange)
{
    RawServer server(echo);
    Transport transport;
    HttpRequest request = request_to(server.url());
    request.resume_from = 1000;
    request.if_range = "\"tag\"";
    const HttpResponse response = transport.perform(request);
    EXPECT_THAT(response.body, HasSubstr("Range: bytes=1000-\r\n"));
    EXPECT_THAT(response.body, HasSubstr("If-Range: \"tag\"\r\n"));
    // A compressed body's bytes are others than those the range counts.
    EXPECT_THAT(response.body, Not(HasSubstr("Accept-Encoding")));
}

TEST(Http, PassesOverInformationalAnswers)
{
    RawServer server([](Connection& connection, int) {
        connection.read_request();
        connection.send("HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"
                        "HTTP/1.1 201 Created\r\nContent-Length: 2\r\nX-Last: yes\r\n\r\nok");
    });
    Transport transport;
    const HttpResponse response = transport.perform(request_to(server.url()));
    EXPECT_EQ(response.status, 201);
    EXPECT_EQ(response.header("link"), "");
    EXPECT_EQ(response.header("x-last"), "yes");
}

TEST(Http, RefusesALineBreakInAHeader)
{
    RawServer server(echo);
    Transport transport;
    for (const bool secret : {false, true}) {
        HttpRequest request = request_to(server.url());
        (secret ? request.secret_headers : request.headers)
            = {{"X-A", "one\r\nX-Injected: two-and-more"}};
        const HttpResponse response = transport.perform(request);
        EXPECT_EQ(response.outcome, Outcome::not_sent);
        EXPECT_THAT(response.error, Not(HasSubstr("two-and-more")));
    }
    EXPECT_EQ(server.connections(), 0);
}

TEST(Http, EndsWithTransfersUnderWay)
{
    RawServer server([](Connection& connection, int) { connection.wait_closed(); });
    std::future<HttpResponse> future;
    {
        Transport transport;
        future = transport.start(request_to(server.url()));
    }
    EXPECT_EQ(future.get().outcome, Outcome::cancelled);
}

} // namespace
} // namespace klio::test
