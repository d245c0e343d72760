#include "service_server.h"

#include <gmock/gmock.h>

namespace klio::test {
namespace {

using service::CreateOutcome;
using service::Download;
using service::PollOutcome;
using service::TaskState;

using Kind = CreateOutcome::Kind;

const char* const accepted
    = R"({"code":200,"message":"success","data":{"task_id":"n49_kio1","status":"IN_PROGRESS"}})";
const char* const waiting = R"({"data":{"status":"processing"}})";

TEST(Client, GoesTheWholeWay)
{
    ServiceServer server;
    server.server.Get("/files/1.png", [](const httplib::Request& request, httplib::Response& out) {
        out.set_content(request.has_header("Authorization") ? "leaked" : png_like(5000),
                        "image/png");
    });
    server.creates = {{200, accepted}};
    server.tasks = {{200, waiting},
                    {200,
                     R"({"data":{"status":"SUCCESS","output":{"images":[{"url":")"
                         + server.endpoint() + R"(/files/1.png"}]}}})"}};
    TestClient one(server.endpoint());
    const CreateOutcome created
        = one.client.create(R"({"prompt":"x"})", "the-job", one.soon, one.cancel);
    ASSERT_EQ(created.kind, Kind::accepted) << created.failure.message;
    EXPECT_EQ(created.answer.task_id, "n49_kio1");
    const auto sent = server.create_requests();
    ASSERT_EQ(sent.size(), 1u);
    EXPECT_EQ(sent[0].body, R"({"prompt":"x"})");
    EXPECT_EQ(sent[0].get_header_value("Idempotency-Key"), "the-job");
    EXPECT_EQ(sent[0].get_header_value("Authorization"), std::string("Bearer ") + test_key);
    EXPECT_EQ(sent[0].get_header_value("Content-Type"), "application/json");

    int looks = 0;
    const PollOutcome done
        = one.client.wait("n49_kio1", 1000, one.soon, one.cancel, [&](const auto&) { ++looks; });
    EXPECT_EQ(looks, 2);
    ASSERT_EQ(done.answer.images.size(), 1u);
    const std::vector<Download> images
        = one.client.download(done.answer.images, one.soon, one.cancel);
    ASSERT_EQ(images.size(), 1u);
    EXPECT_TRUE(images[0].ok()) << images[0].failure.message;
    EXPECT_EQ(images[0].media_type, "image/png");
    EXPECT_EQ(images[0].bytes, png_like(5000));
}

TEST(Client, ReadsBrotli)
{
    ServiceServer server; // compresses JSON where it may
    server.tasks = {{200, waiting}};
    transport::Transport transport;
    transport::HttpRequest request;
    request.url = server.endpoint() + "/api/v1/tasks/t";
    request.allow_private = true;
    const auto response = transport.perform(request);
    EXPECT_EQ(response.header("content-encoding"), "br");
    EXPECT_EQ(response.body, waiting);
}

} // namespace
} // namespace klio::test
