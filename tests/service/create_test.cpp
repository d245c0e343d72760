#include "service_server.h"

#include "base/encoding.h"
#include "base/log.h"

#include <gmock/gmock.h>

#include <chrono>
#include <future>

namespace klio::test {
namespace {

using service::CreateOutcome;
using Kind = CreateOutcome::Kind;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

const char* const accepted = R"({"data":{"task_id":"t1","status":"queued"}})";

CreateOutcome create(TestClient& one)
{
    return one.client.create(R"({"prompt":"x"})", "the-job", one.soon, one.cancel);
}

std::string json(const std::string& message)
{
    return R"({"error":{"message":")" + message + "\"}}";
}

TEST(Create, ATaskWhoseIdHoldsTheKeysTextIsReadAsItIs)
{
    ServiceServer server;
    const std::string task = std::string(test_key) + "_1";
    server.creates = {{200, R"({"data":{"task_id":")" + task + R"(","status":"queued"}})"}};
    TestClient one(server.endpoint());
    const CreateOutcome outcome = create(one);
    ASSERT_EQ(outcome.kind, Kind::accepted) << outcome.failure.message;
    EXPECT_EQ(outcome.answer.task_id, task);
    EXPECT_THAT(outcome.raw, Not(HasSubstr(test_key)));
}

// --- sent again: only where it surely was not accepted ---

TEST(Create, IsSentAgainAfterARejectionInTheServicesOwnWords)
{
    for (const Reply& rejection :
         {Reply {408, json("slow")}, Reply {425, json("early")}, Reply {429, json("slow down")},
          Reply {500, json("oops")}, Reply {503, json("busy")},
          Reply {503, "", "text/plain", {{"Retry-After", "1"}}},
          Reply {200, R"({"code":429,"message":"slow down"})"}}) {
        ServiceServer server;
        server.creates = {rejection, {200, accepted}};
        TestClient one(server.endpoint());
        const CreateOutcome outcome = create(one);
        EXPECT_EQ(outcome.kind, Kind::accepted) << rejection.status << outcome.failure.message;
        EXPECT_EQ(outcome.sends, 2);
        const auto requests = server.create_requests();
        ASSERT_EQ(requests.size(), 2u);
        // The same key and body on every try.
        for (const auto& request : requests) {
            EXPECT_EQ(request.get_header_value("Idempotency-Key"), "the-job");
            EXPECT_EQ(request.body, R"({"prompt":"x"})");
        }
    }
}

TEST(Create, WaitsLongerEachTimeAndGivesUp)
{
    ServiceServer server;
    server.creates = {{429, json("slow down")}};
    TestClient one(server.endpoint());
    const CreateOutcome outcome = create(one);
    EXPECT_EQ(outcome.kind, Kind::rejected);
    EXPECT_EQ(outcome.failure.kind, ErrorKind::rate);
    EXPECT_THAT(outcome.failure.message, HasSubstr("slow down"));
    EXPECT_EQ(server.create_requests().size(), 6u);
    EXPECT_THAT(one.clock.sleeps(), ElementsAre(1, 2, 4, 8, 16));
}

TEST(Create, WaitsAsLongAsTheServiceAsks)
{
    ServiceServer server;
    // The clock begins at 1'800'001'000, that is 08:16:40 on 15 January 2027.
    server.creates
        = {{429, json("x"), "application/json", {{"Retry-After", "21"}}},
           {503, json("x"), "application/json", {{"Retry-After", "Fri, 15 Jan 2027 08:18:41 GMT"}}},
           {429, json("x"), "application/json", {{"Retry-After", "whenever"}}},
           {200, accepted}};
    TestClient one(server.endpoint());
    EXPECT_EQ(create(one).kind, Kind::accepted);
    EXPECT_THAT(one.clock.sleeps(), ElementsAre(21, 100, 4));
}

TEST(Create, DoesNotWaitForATryBeyondTheDeadline)
{
    ServiceServer server;
    server.creates = {{429, json("x"), "application/json", {{"Retry-After", "3600"}}}};
    TestClient one(server.endpoint());
    const CreateOutcome outcome = create(one);
    EXPECT_EQ(outcome.kind, Kind::rejected);
    EXPECT_EQ(outcome.failure.kind, ErrorKind::rate);
    EXPECT_THAT(outcome.failure.message, HasSubstr("3600 s"));
    EXPECT_THAT(one.clock.sleeps(), IsEmpty());
    EXPECT_EQ(server.create_requests().size(), 1u);
}

TEST(Create, IsSentAgainWhereNoConnectionWasMade)
{
    std::string endpoint;
    {
        const ServiceServer gone;
        endpoint = gone.endpoint();
    }
    TestClient one(endpoint);
    const CreateOutcome outcome = create(one);
    EXPECT_EQ(outcome.kind, Kind::rejected);
    EXPECT_EQ(outcome.failure.kind, ErrorKind::network);
    EXPECT_EQ(outcome.sends, 0);
    EXPECT_THAT(outcome.failure.message, HasSubstr("nothing was sent"));
    EXPECT_THAT(outcome.failure.message, HasSubstr("https_proxy"));
    EXPECT_THAT(one.clock.sleeps(), ElementsAre(1, 2, 4, 8, 16));
}

// --- final ---

TEST(Create, AFinalRejectionIsNotSentAgain)
{
    const std::vector<std::pair<Reply, ErrorKind>> rejections
        = {{{400, json("wrong")}, ErrorKind::bad_request},
           {{422, json("wrong")}, ErrorKind::bad_request},
           {{401, json("key")}, ErrorKind::key},
           {{403, json("key")}, ErrorKind::key},
           {{402, json("pay")}, ErrorKind::credits},
           // The id of the request, or of the error, is no task's.
           {{401, R"({"id":"req_1","error":{"message":"bad key"}})"}, ErrorKind::key},
           {{400, R"({"code":400,"message":"bad prompt","data":"error"})"}, ErrorKind::bad_request},
           {{429, json("balance is zero")}, ErrorKind::credits},
           {{500, json("content policy")}, ErrorKind::refusal},
           {{200, R"({"status":"error","message":"insufficient balance"})"}, ErrorKind::credits},
           {{200, R"({"data":{"status":"failed","fail_reason":"unsafe: moderation"}})"},
            ErrorKind::refusal},
           {{200, R"({"code":400,"message":"sensitive prompt"})"}, ErrorKind::refusal},
           {{307, "", "text/plain", {{"Location", "https://elsewhere.example/"}}},
            ErrorKind::network}};
    for (const auto& [reply, kind] : rejections) {
        ServiceServer server;
        server.creates = {reply};
        TestClient one(server.endpoint());
        const CreateOutcome outcome = create(one);
        EXPECT_EQ(outcome.kind, Kind::rejected) << reply.status;
        EXPECT_EQ(outcome.failure.kind, kind) << reply.status << outcome.failure.message;
        EXPECT_TRUE(outcome.failure.rejected);
        EXPECT_EQ(server.create_requests().size(), 1u);
    }
}

// --- unknown: never sent again ---

TEST(Create, IsUnknownWhereItMayHaveBeenAccepted)
{
    for (const Reply& reply : {Reply {502, json("x")},
                               Reply {502, "<html>"},
                               Reply {504, json("x")},
                               Reply {520, ""},
                               Reply {524, "<html>"},
                               Reply {500, "<html>oops</html>", "text/html"},
                               Reply {500, ""},
                               Reply {500, json("upstream timed out")},
                               Reply {503, "<html>"},
                               Reply {408, ""},
                               Reply {200, ""},
                               Reply {200, "<html>hello</html>", "text/html"},
                               Reply {200, R"({"data":{"task_id":"t)"},
                               Reply {200, "{}"},
                               Reply {200, "null"},
                               Reply {200, "[]"},
                               Reply {200, R"({"code":200,"message":"success","data":null})"},
                               Reply {204, ""},
                               Reply {302, ""},
                               Reply {200, std::string(9u << 20, '['), "image/png"},
                               Reply {200, R"({"code":502,"message":"x"})"},
                               Reply {200, R"({"code":1,"message":"ok"})"},
                               Reply {200, R"({"code":77,"message":"odd","ticket":"abc"})"},
                               Reply {200, R"({"code":"S0","result":{"taskNo":"t9"}})"},
                               Reply {200, R"({"status":"error","message":"upstream timed out"})"},
                               Reply {500, json("unexpected EOF")},
                               Reply {500,
                                      R"({"message":"Internal error",)"
                                      R"("detail":"connection reset by peer"})"},
                               Reply {500,
                                      R"({"error":{"message":"Internal error",)"
                                      R"("details":{"cause":"upstream timed out"}}})"},
                               Reply {500, json("task n49abcd_kio1 could not be written")},
                               Reply {400, R"({"id":"task_77","error":{"message":"x"}})"},
                               Reply {503,
                                      "upstream connect error or disconnect/reset before headers. "
                                      "reset reason: connection termination",
                                      "text/plain",
                                      {{"Retry-After", "1"}}},
                               Reply {502, R"({"code":5000,"message":"server error"})"},
                               Reply {422, json("idempotency key reused")},
                               Reply {409, json("idempotency key in use")}}) {
        ServiceServer server;
        server.creates = {reply};
        TestClient one(server.endpoint());
        const CreateOutcome outcome = create(one);
        const std::string what = std::to_string(reply.status) + reply.body.substr(0, 60);
        EXPECT_EQ(outcome.kind, Kind::unknown) << what;
        EXPECT_EQ(outcome.failure.kind, ErrorKind::unknown) << what;
        EXPECT_THAT(outcome.failure.message, HasSubstr("may or may not")) << what;
        EXPECT_EQ(server.create_requests().size(), 1u) << what;
        EXPECT_THAT(one.clock.sleeps(), IsEmpty()) << what;
        EXPECT_EQ(outcome.sends, 1);
    }
}

TEST(Create, AFailingAnswerThatNamesATaskIsUnknownAndSaysWhichOne)
{
    for (const Reply& reply :
         {Reply {500, R"({"error":{"message":"x"},"data":{"task_id":"t77"}})"},
          Reply {502, R"({"task_id":"t77"})"},
          Reply {200, R"({"code":500,"message":"x","data":{"task_id":"t77"}})"}}) {
        ServiceServer server;
        server.creates = {reply};
        TestClient one(server.endpoint());
        const CreateOutcome outcome = create(one);
        EXPECT_EQ(outcome.kind, Kind::unknown);
        EXPECT_EQ(outcome.answer.task_id, "t77");
        EXPECT_THAT(outcome.failure.message, HasSubstr("names task t77"));
    }
}

TEST(Create, BytesThatAreNoUtf8DoNotHideTheTask)
{
    ServiceServer server;
    server.creates = {{200, "{\"data\":{\"task_id\":\"t9\",\"prompt\":\"caf\xC3\"}}"}};
    TestClient one(server.endpoint());
    const CreateOutcome outcome = create(one);
    EXPECT_EQ(outcome.kind, Kind::accepted) << outcome.failure.message;
    EXPECT_EQ(outcome.answer.task_id, "t9");
}

TEST(Create, AnAnswerThatBreaksOffIsUnknown)
{
    ServiceServer server;
    server.creates = {{200, accepted}};
    server.server.set_post_routing_handler([](const auto&, httplib::Response& response) {
        response.headers.erase("Content-Length");
        response.set_header("Content-Length", "5000");
    });
    server.server.set_keep_alive_max_count(1);
    TestClient one(server.endpoint());
    const CreateOutcome outcome = create(one);
    EXPECT_EQ(outcome.kind, Kind::unknown);
    EXPECT_EQ(server.create_requests().size(), 1u);
}

TEST(Create, ARejectionBeforeItDoesNotMakeAnUnknownOneSafe)
{
    ServiceServer server;
    server.creates = {{429, json("slow down")}, {502, "<html>"}, {200, accepted}};
    TestClient one(server.endpoint());
    EXPECT_EQ(create(one).kind, Kind::unknown);
    EXPECT_EQ(server.create_requests().size(), 2u);
}

// --- accepted ---

TEST(Create, AFinishedAnswerIsAccepted)
{
    ServiceServer server;
    server.creates = {{200, R"({"data":[{"url":"https://r.example/1.png"}]})"}};
    TestClient one(server.endpoint());
    const CreateOutcome outcome = create(one);
    EXPECT_EQ(outcome.kind, Kind::accepted);
    EXPECT_EQ(outcome.answer.images.size(), 1u);
}

TEST(Create, AnAnswerLargerThanJsonNeedsToBeIsStillReadForItsImages)
{
    ServiceServer server;
    const std::string picture = png_like(7u << 20);
    server.creates = {
        {200, R"({"data":[{"b64_json":")" + base::base64(picture.data(), picture.size()) + "\"}]}",
         "application/octet-stream"}};
    TestClient one(server.endpoint());
    const CreateOutcome outcome = create(one);
    ASSERT_EQ(outcome.kind, Kind::accepted) << outcome.failure.message;
    EXPECT_EQ(outcome.answer.images[0].bytes, picture);
}

TEST(Create, AnAnswerMayBringAllImagesOfARequest)
{
    ServiceServer server;
    const std::string picture = png_like(2u << 20);
    std::string body = R"({"data":[)";
    for (int i = 0; i < 9; ++i)
        body += std::string(i ? "," : "") + R"({"b64_json":")"
            + base::base64(picture.data(), picture.size()) + "\"}";
    server.creates = {{200, body + "]}"}};
    // Each picture is within the limit for one, all of them are far beyond it.
    FakeClock clock;
    FakeRandom random;
    auto options = TestClient::options_for(server.endpoint(), clock, random);
    options.max_image_bytes = 2u << 20;
    options.max_json_bytes = 1u << 20;
    EXPECT_GE(service::create_answer_limit(options), body.size());
    transport::Transport transport;
    service::Client client(transport, options);
    const CreateOutcome outcome = client.create("{}", "the-job", 2000, {});
    ASSERT_EQ(outcome.kind, Kind::accepted) << outcome.failure.message;
    ASSERT_EQ(outcome.answer.images.size(), 9u);
    EXPECT_EQ(outcome.answer.images[8].bytes.size(), picture.size());
}

TEST(Create, AnAnswerHasALimitWhateverTheSettingsAllow)
{
    service::ClientOptions options;
    EXPECT_GT(service::create_answer_limit(options), 9u * (64u << 20) / 3 * 4);
    EXPECT_LT(service::create_answer_limit(options), 800u << 20);
    options.max_image_bytes = uint64_t(1) << 62;
    EXPECT_EQ(service::create_answer_limit(options), 900u << 20);
}

TEST(Create, ImagesUnderACodeInNoTableAreTaken)
{
    ServiceServer server;
    server.creates = {{200, R"({"code":1,"msg":"ok","data":[{"url":"https://r.example/1.png"}]})"}};
    TestClient one(server.endpoint());
    const CreateOutcome outcome = create(one);
    EXPECT_EQ(outcome.kind, Kind::accepted) << outcome.failure.message;
    EXPECT_EQ(outcome.answer.images.size(), 1u);
}

TEST(Create, TheContentTypeDoesNotMatter)
{
    for (const char* type : {"text/html", "text/plain", "application/octet-stream", "image/png"}) {
        ServiceServer server;
        server.creates = {{200, std::string("\xEF\xBB\xBF") + accepted, type}};
        TestClient one(server.endpoint());
        EXPECT_EQ(create(one).answer.task_id, "t1") << type;
    }
}

TEST(Create, TheRawAnswerIsKeptWithoutTheKey)
{
    ServiceServer server;
    server.creates = {{200,
                       std::string(R"({"id":"t1","url":"https://r.example/1?sig=2","you":")")
                           + test_key + "\"}"}};
    TestClient one(server.endpoint());
    const CreateOutcome outcome = create(one);
    EXPECT_THAT(outcome.raw, HasSubstr("sig=2")); // needed to collect by hand
    EXPECT_THAT(outcome.raw, Not(HasSubstr(test_key)));
}

// --- cancelled ---

TEST(Create, CancelledBeforeItIsSentIsRejected)
{
    ServiceServer server;
    server.creates = {{200, accepted}};
    TestClient one(server.endpoint());
    one.cancel.cancel();
    const CreateOutcome outcome = create(one);
    EXPECT_EQ(outcome.kind, Kind::rejected);
    EXPECT_EQ(outcome.failure.kind, ErrorKind::cancelled);
    EXPECT_THAT(server.create_requests(), IsEmpty());
}

TEST(Create, CancelledWhileWaitingToTryAgainIsRejected)
{
    ServiceServer server;
    server.creates = {{429, json("x")}};
    TestClient one(server.endpoint());
    one.clock.on_sleep = [&] { one.cancel.cancel(); };
    const CreateOutcome outcome = create(one);
    EXPECT_EQ(outcome.kind, Kind::rejected);
    EXPECT_EQ(outcome.failure.kind, ErrorKind::cancelled);
    EXPECT_EQ(server.create_requests().size(), 1u);
}

TEST(Create, CancelledOnItsWayIsUnknown)
{
    ServiceServer server;
    TestClient one(server.endpoint());
    std::promise<void> over;
    auto future = over.get_future().share();
    server.server.set_pre_routing_handler([&](const auto&, auto&) {
        one.cancel.cancel();
        future.wait();
        return httplib::Server::HandlerResponse::Handled;
    });
    const CreateOutcome outcome = create(one);
    over.set_value();
    EXPECT_EQ(outcome.kind, Kind::unknown);
    EXPECT_EQ(outcome.failure.kind, ErrorKind::unknown);
    server.stop();
}

TEST(Create, AnAnswerThatIsNearlyHereIsWaitedForWhenCancelled)
{
    ServiceServer server;
    server.creates = {{200, accepted}};
    TestClient one(server.endpoint());
    server.server.set_pre_routing_handler([&](const auto&, auto&) {
        one.cancel.cancel();
        std::this_thread::sleep_for(std::chrono::milliseconds(150));
        return httplib::Server::HandlerResponse::Unhandled;
    });
    const CreateOutcome outcome = create(one);
    EXPECT_EQ(outcome.kind, Kind::accepted);
    EXPECT_EQ(outcome.answer.task_id, "t1");
    server.stop();
}

// --- secrets ---

TEST(Create, TheKeyIsInNoMessageAndNoLogLine)
{
    std::string log;
    base::set_log_level(base::LogLevel::debug);
    base::set_log_sink([&](base::LogLevel, const std::string& line) { log += line + "\n"; });
    for (const Reply& reply :
         {Reply {400, json(std::string("bad key ") + test_key)},
          Reply {400, std::string("plain ") + test_key},
          Reply {502, std::string("<html><title>") + test_key}, Reply {200, test_key}}) {
        ServiceServer server;
        server.creates = {reply};
        TestClient one(server.endpoint());
        EXPECT_THAT(create(one).failure.message, Not(HasSubstr(test_key)));
    }
    base::set_log_sink({});
    base::set_log_level(base::LogLevel::warning);
    EXPECT_THAT(log, HasSubstr("POST http://127.0.0.1"));
    EXPECT_THAT(log, Not(HasSubstr(test_key)));
}

} // namespace
} // namespace klio::test
