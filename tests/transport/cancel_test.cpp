#include "raw_server.h"
#include "transport/http.h"

#include <gmock/gmock.h>

namespace klio::test {
namespace {

using namespace transport;

HttpRequest post_to(const std::string& url)
{
    HttpRequest request;
    request.method = "POST";
    request.url = url;
    request.body = "{}";
    request.allow_private = true;
    return request;
}

// Each of these would hang for a minute and more if cancelling did not end it; none measures time.

TEST(Cancel, BeforeTheStartSendsNothing)
{
    RawServer server([](Connection&, int) {});
    Transport transport;
    CancelToken cancel;
    cancel.cancel();
    const HttpResponse response = transport.perform(post_to(server.url()), cancel);
    EXPECT_EQ(response.outcome, Outcome::cancelled);
    EXPECT_FALSE(response.sent);
    EXPECT_EQ(server.connections(), 0);
}

TEST(Cancel, WhileANameIsLookedUp)
{
    auto name = std::make_unique<Name>("slow.example", std::vector<std::string> {"hang"});
    Transport transport;
    CancelToken cancel;
    auto future = transport.start(post_to("https://slow.example/"), cancel);
    while (name->lookups() == 0)
        std::this_thread::yield();
    cancel.cancel();
    const HttpResponse response = future.get(); // while the look-up still hangs
    EXPECT_EQ(response.outcome, Outcome::cancelled);
    EXPECT_FALSE(response.sent);
    name.reset();
}

TEST(Cancel, WhileTheAnswerIsWaitedFor)
{
    CancelToken cancel;
    RawServer server([&](Connection& connection, int) {
        connection.read_request();
        cancel.cancel();
        connection.wait_closed();
    });
    Transport transport;
    const HttpResponse response = transport.perform(post_to(server.url()), cancel);
    EXPECT_EQ(response.outcome, Outcome::cancelled);
    EXPECT_TRUE(response.sent);
}

TEST(Cancel, WhileABodyArrives)
{
    CancelToken cancel;
    RawServer server([&](Connection& connection, int) {
        connection.read_request();
        connection.send("HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\nhalf");
        cancel.cancel();
        connection.wait_closed();
    });
    Transport transport;
    EXPECT_EQ(transport.perform(post_to(server.url()), cancel).outcome, Outcome::cancelled);
}

TEST(Cancel, GraceLetsAnAnswerThatIsNearlyHereArrive)
{
    CancelToken cancel;
    RawServer server([&](Connection& connection, int) {
        connection.read_request();
        cancel.cancel();
        std::this_thread::sleep_for(std::chrono::milliseconds(250)); // two looks of the loop
        connection.answer("task 1");
    });
    Transport transport;
    HttpRequest request = post_to(server.url());
    request.cancel_grace = 30;
    const HttpResponse response = transport.perform(request, cancel);
    EXPECT_EQ(response.outcome, Outcome::answered);
    EXPECT_EQ(response.body, "task 1");
}

TEST(Cancel, GraceEnds)
{
    CancelToken cancel;
    RawServer server([&](Connection& connection, int) {
        connection.read_request();
        cancel.cancel();
        connection.wait_closed();
    });
    Transport transport;
    HttpRequest request = post_to(server.url());
    request.cancel_grace = 0.2;
    EXPECT_EQ(transport.perform(request, cancel).outcome, Outcome::cancelled);
}

TEST(Cancel, OneOfManyLeavesTheOthersAlone)
{
    RawServer server([](Connection& connection, int) {
        while (!connection.read_request().empty()) {
            std::this_thread::sleep_for(std::chrono::milliseconds(50));
            connection.answer("x");
        }
    });
    Transport transport;
    CancelToken cancel;
    auto kept = transport.start(post_to(server.url()));
    auto dropped = transport.start(post_to(server.url()), cancel);
    cancel.cancel();
    dropped.get();
    EXPECT_TRUE(kept.get().ok());
}

} // namespace
} // namespace klio::test
