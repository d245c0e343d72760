#include "service_server.h"

#include "base/log.h"

#include <gmock/gmock.h>

#include <future>

namespace klio::test {
namespace {

using service::Answer;
using service::PollOutcome;
using service::TaskState;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

const Reply waiting {200, R"({"data":{"status":"processing"}})"};
const Reply done {200, R"({"data":{"status":"done","images":["https://r.example/1"]}})"};

std::string json(const std::string& message)
{
    return R"({"error":{"message":")" + message + "\"}}";
}

// What poll() threw, as its kind and message.
template <typename Call> std::pair<ErrorKind, std::string> thrown(Call call)
{
    try {
        call();
    } catch (const Error& error) {
        return {error.kind(), error.what()};
    }
    ADD_FAILURE() << "nothing was thrown";
    return {ErrorKind::internal, ""};
}

TEST(Poll, IsRepeatedThroughWhatPasses)
{
    for (const Reply& reply :
         {Reply {408, ""}, Reply {425, ""}, Reply {429, json("x")}, Reply {500, json("x")},
          Reply {500, "<html>"}, Reply {502, "<html>"}, Reply {503, ""}, Reply {504, ""},
          Reply {520, ""}, Reply {524, ""}, Reply {200, ""}, Reply {200, "<html>", "text/html"},
          Reply {200, R"({"data":{"stat)"}, Reply {200, R"({"code":500,"message":"x"})"},
          Reply {200, std::string(9u << 20, '['), "image/png"}}) {
        ServiceServer server;
        server.tasks = {reply, reply, done};
        TestClient one(server.endpoint());
        if (reply.body.size() > (8u << 20)) {
            // Too large is final: it would be as large the next time.
            const auto [kind, message]
                = thrown([&] { one.client.poll("t", 1000, one.soon, one.cancel); });
            EXPECT_EQ(kind, ErrorKind::network);
            EXPECT_THAT(message, HasSubstr("KLIO_MAX_JSON_BYTES"));
            continue;
        }
        EXPECT_EQ(one.client.poll("t", 1000, one.soon, one.cancel).answer.state, TaskState::done)
            << reply.status;
        EXPECT_THAT(one.clock.sleeps(), ElementsAre(1, 2)) << reply.status;
    }
}

TEST(Poll, WaitsAtLeastAsLongAsTheServiceAsks)
{
    ServiceServer server;
    server.tasks = {{429, "{}", "application/json", {{"Retry-After", "17"}}},
                    {503, "", "text/plain", {{"Retry-After", "Fri, 15 Jan 2027 08:17:27 GMT"}}},
                    {503, "", "text/plain", {{"Retry-After", "-3"}}},
                    done};
    TestClient one(server.endpoint());
    one.client.poll("t", 1000, one.soon, one.cancel);
    EXPECT_THAT(one.clock.sleeps(), ElementsAre(17, 30, 4));
}

TEST(Poll, AnAbsurdRetryAfterEndsWithALastLookAtTheDeadline)
{
    ServiceServer server;
    server.tasks = {{429, "{}", "application/json", {{"Retry-After", "99999999"}}}, done};
    TestClient one(server.endpoint());
    EXPECT_EQ(one.client.poll("t", 1000, one.soon, one.cancel).answer.state, TaskState::done);
    EXPECT_THAT(one.clock.sleeps(), ElementsAre(600));
}

TEST(Poll, GivesUpAtTheDeadline)
{
    ServiceServer server;
    server.tasks = {{500, json("still broken")}};
    TestClient one(server.endpoint());
    auto [kind, message] = thrown([&] { one.client.poll("t", 1000, 1010, one.cancel); });
    EXPECT_EQ(kind, ErrorKind::timeout);
    EXPECT_THAT(message, HasSubstr("still broken"));
    EXPECT_THAT(message, HasSubstr("the next run collects it"));
    EXPECT_THAT(one.clock.sleeps(), ElementsAre(1, 2, 4, 3));

    ServiceServer busy;
    busy.tasks = {{429, json("x")}};
    TestClient two(busy.endpoint());
    EXPECT_EQ(thrown([&] { two.client.poll("t", 1000, 1010, two.cancel); }).first, ErrorKind::rate);
}

TEST(Poll, FinalFailuresAreClassesOfTheirOwn)
{
    const std::vector<std::pair<Reply, ErrorKind>> all
        = {{{401, json("key")}, ErrorKind::key},
           {{403, json("key")}, ErrorKind::key},
           {{402, json("pay")}, ErrorKind::credits},
           {{429, json("out of credits")}, ErrorKind::credits},
           {{400, json("bad id")}, ErrorKind::bad_request},
           {{403, json("content policy")}, ErrorKind::refusal},
           {{410, json("gone")}, ErrorKind::bad_request}};
    for (const auto& [reply, expected] : all) {
        ServiceServer server;
        server.tasks = {reply};
        TestClient one(server.endpoint());
        const auto [kind, message]
            = thrown([&] { one.client.poll("t", 1000, one.soon, one.cancel); });
        EXPECT_EQ(kind, expected) << reply.status;
        EXPECT_THAT(message, HasSubstr("task t"));
        EXPECT_EQ(server.task_requests().size(), 1u);
    }
}

TEST(Poll, ATaskUnknownAtFirstIsAskedForAgain)
{
    ServiceServer server;
    server.tasks = {{404, json("no such task")}, {404, json("no such task")}, done};
    TestClient one(server.endpoint());
    EXPECT_EQ(one.client.poll("t", 1000, one.soon, one.cancel).answer.state, TaskState::done);
}

// The code in the body says it where HTTP does not.
TEST(Poll, ATaskUnknownByTheBodysCodeIsAskedForAgain)
{
    ServiceServer server;
    const Reply unknown {200, R"({"code":404,"message":"no such task"})"};
    server.tasks = {unknown, unknown, done};
    TestClient one(server.endpoint());
    EXPECT_EQ(one.client.poll("t", 1000, one.soon, one.cancel).answer.state, TaskState::done);
    ServiceServer lost;
    lost.tasks = {unknown};
    TestClient two(lost.endpoint());
    EXPECT_EQ(thrown([&] { two.client.poll("t", 1000, two.soon, two.cancel); }).first,
              ErrorKind::failed);
}

TEST(Poll, BytesThatAreNoUtf8HideNothing)
{
    ServiceServer server;
    server.tasks = {{200,
                     "{\"data\":{\"status\":\"done\",\"note\":\"\xE5\xA4\",\"images\":"
                     "[\"https://r.example/1\"]}}"}};
    TestClient one(server.endpoint());
    const PollOutcome outcome = one.client.poll("t", 1000, one.soon, one.cancel);
    EXPECT_EQ(outcome.answer.images.size(), 1u);
    EXPECT_THAT(outcome.raw, HasSubstr("\xE5\xA4")); // kept as it came
}

TEST(Poll, ATaskUnknownForLongIsLost)
{
    ServiceServer server;
    server.tasks = {{404, json("no such task")}};
    TestClient one(server.endpoint());
    const auto [kind, message] = thrown([&] { one.client.poll("t", 1000, one.soon, one.cancel); });
    EXPECT_EQ(kind, ErrorKind::failed);
    EXPECT_THAT(message, HasSubstr("no such task"));
    EXPECT_GE(server.task_requests().size(), 3u);
    EXPECT_GE(one.clock.monotonic() - 1000, 10); // tries over at least ten seconds
    EXPECT_LE(one.clock.monotonic() - 1000, 30);
}

TEST(Poll, AnOldTaskTooIsAskedForThreeTimesOverTenSeconds)
{
    ServiceServer server;
    server.tasks = {{404, json("no such task")}};
    TestClient one(server.endpoint());
    thrown([&] { one.client.poll("t", -100000, one.soon, one.cancel); });
    EXPECT_GE(server.task_requests().size(), 3u);
    EXPECT_GE(one.clock.monotonic() - 1000, 10);
}

TEST(Poll, TheTaskIdCanNotLeaveItsPlaceInTheUrl)
{
    ServiceServer server;
    server.tasks = {done};
    std::string path;
    server.server.set_pre_routing_handler([&](const httplib::Request& request, auto& response) {
        path = request.target;
        response.set_content(done.body, "application/json");
        return httplib::Server::HandlerResponse::Handled;
    });
    TestClient one(server.endpoint());
    one.client.poll("../../admin?x=1#y z\r\nX: y", 1000, one.soon, one.cancel);
    EXPECT_EQ(path, "/api/v1/tasks/..%2F..%2Fadmin%3Fx%3D1%23y%20z%0D%0AX%3A%20y");
    server.stop();
}

TEST(Poll, ARedirectIsNotFollowed)
{
    ServiceServer server;
    server.tasks = {{302, "", "text/plain", {{"Location", "/api/v1/tasks/other"}}}, done};
    TestClient one(server.endpoint());
    EXPECT_EQ(thrown([&] { one.client.poll("t", 1000, one.soon, one.cancel); }).first,
              ErrorKind::network);
    EXPECT_EQ(server.task_requests().size(), 1u);
}

TEST(Poll, ABrokenConnectionIsTriedAgain)
{
    std::string endpoint;
    {
        const ServiceServer gone;
        endpoint = gone.endpoint();
    }
    TestClient one(endpoint);
    EXPECT_EQ(thrown([&] { one.client.poll("t", 1000, 1020, one.cancel); }).first,
              ErrorKind::timeout);
    EXPECT_THAT(one.clock.sleeps(), ElementsAre(1, 2, 4, 8, 5));
}

TEST(Poll, ABadCertificateIsNotTriedAgain)
{
    ServiceServer plain; // speaks no TLS at all
    TestClient one("https://127.0.0.1:" + std::to_string(plain.port()));
    EXPECT_EQ(thrown([&] { one.client.poll("t", 1000, one.soon, one.cancel); }).first,
              ErrorKind::network);
    EXPECT_THAT(one.clock.sleeps(), IsEmpty());
}

TEST(Poll, Cancels)
{
    ServiceServer server;
    server.tasks = {{500, json("x")}};
    TestClient one(server.endpoint());
    one.clock.on_sleep = [&] { one.cancel.cancel(); };
    EXPECT_EQ(thrown([&] { one.client.poll("t", 1000, one.soon, one.cancel); }).first,
              ErrorKind::cancelled);
    EXPECT_EQ(server.task_requests().size(), 1u);
    EXPECT_EQ(thrown([&] { one.client.poll("t", 1000, one.soon, one.cancel); }).first,
              ErrorKind::cancelled);
    EXPECT_EQ(server.task_requests().size(), 1u);
}

// --- waiting ---

TEST(Wait, TheScheduleAddsAtMostASecondOrATenth)
{
    // Between any two looks a result waits for less than what the goal allows.
    for (const double jitter : {0.0, 0.5, 0.999}) {
        double at = 0;
        int looks = 0;
        while (at < 1200) {
            const double next = service::next_look(at, jitter);
            const double gap = next - at;
            EXPECT_GT(gap, 0.5) << at;
            EXPECT_TRUE(at == 0 || gap <= std::max(0.8, 0.08 * at) + 1e-9) << at;
            EXPECT_LE(gap, 30);
            at = next;
            ++looks;
        }
        EXPECT_LT(looks, 120);
    }
    EXPECT_EQ(service::next_look(0, 0), 1.5);
    EXPECT_EQ(service::next_look(0.9, 0.7), 1.5);
    EXPECT_DOUBLE_EQ(service::next_look(1.5, 0), 2.3);
    EXPECT_DOUBLE_EQ(service::next_look(100, 0), 108);
    EXPECT_DOUBLE_EQ(service::next_look(10000, 0), 10030);
}

TEST(Wait, LooksInGrowingIntervals)
{
    ServiceServer server;
    server.tasks = std::vector<Reply>(20, waiting);
    server.tasks.push_back(done);
    TestClient one(server.endpoint());
    one.random = FakeRandom(0);
    int looks = 0;
    const PollOutcome outcome
        = one.client.wait("t", 1000, one.soon, one.cancel, [&](const PollOutcome&) { ++looks; });
    EXPECT_EQ(outcome.answer.state, TaskState::done);
    EXPECT_EQ(looks, 21);
    const std::vector<double> sleeps = one.clock.sleeps();
    ASSERT_EQ(sleeps.size(), 21u);
    EXPECT_NEAR(sleeps[0], 1.5, 1e-9);
    for (size_t i = 1; i <= 11; ++i)
        EXPECT_NEAR(sleeps[i], 0.8, 1e-9) << i;
    EXPECT_GT(sleeps[20], sleeps[12]);
}

TEST(Wait, ATaskOfAnEarlierRunIsLookedAtAtOnce)
{
    ServiceServer server;
    server.tasks = {done};
    TestClient one(server.endpoint());
    one.client.wait("t", 900, one.soon, one.cancel);
    EXPECT_THAT(one.clock.sleeps(), IsEmpty());
}

TEST(Wait, AnAnswersOwnRetryAfterIsHonoured)
{
    ServiceServer server;
    server.tasks = {{200, waiting.body, "application/json", {{"Retry-After", "9"}}}, done};
    TestClient one(server.endpoint());
    one.client.wait("t", 1000, one.soon, one.cancel);
    EXPECT_THAT(one.clock.sleeps(), ElementsAre(1.5, 9));
}

TEST(Wait, EndsAtTheDeadlineWithTheTaskAlive)
{
    ServiceServer server;
    server.tasks = {waiting};
    TestClient one(server.endpoint());
    const auto [kind, message] = thrown([&] { one.client.wait("t", 1000, 1030, one.cancel); });
    EXPECT_EQ(kind, ErrorKind::timeout);
    EXPECT_THAT(message, HasSubstr("processing"));
    EXPECT_THAT(message, HasSubstr("the next run collects it"));
    EXPECT_DOUBLE_EQ(one.clock.monotonic(), 1030); // the last look is at the deadline itself
}

TEST(Wait, AnUnknownWordIsWarnedOfOnceAndWaitedFor)
{
    std::string log;
    base::set_log_sink([&](base::LogLevel, const std::string& line) { log += line + "\n"; });
    ServiceServer server;
    const Reply odd {200, R"({"data":{"status":"MARINATING"}})"};
    server.tasks = {odd, odd, odd, done};
    TestClient one(server.endpoint());
    EXPECT_EQ(one.client.wait("t", 1000, one.soon, one.cancel).answer.state, TaskState::done);
    base::set_log_sink({});
    EXPECT_THAT(log, HasSubstr("MARINATING"));
    EXPECT_EQ(log.find("MARINATING"), log.rfind("MARINATING"));
}

TEST(Wait, AFailedTaskIsReturned)
{
    ServiceServer server;
    server.tasks = {{200, R"({"data":{"status":"failed","fail_reason":"unsafe: safety"}})"}};
    TestClient one(server.endpoint());
    const PollOutcome outcome = one.client.wait("t", 1000, one.soon, one.cancel);
    EXPECT_EQ(outcome.answer.state, TaskState::failed);
    EXPECT_EQ(service::failure_of(outcome.answer).kind, ErrorKind::refusal);
    EXPECT_THAT(outcome.raw, HasSubstr("fail_reason"));
}

TEST(Wait, CancelsWhileALookHangs)
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
    EXPECT_EQ(thrown([&] { one.client.wait("t", 1000, one.soon, one.cancel); }).first,
              ErrorKind::cancelled);
    over.set_value();
    server.stop();
}

} // namespace
} // namespace klio::test
