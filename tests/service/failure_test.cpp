#include "service/answer.h"

#include <gmock/gmock.h>

namespace klio::test {
namespace {

using namespace service;
using testing::HasSubstr;

Failure failure(int status, const std::string& body, const std::string& retry_after = "")
{
    Answer answer;
    Failure out;
    EXPECT_FALSE(read_answer(status, body, retry_after, 0, answer, out)) << status << " " << body;
    return out;
}

std::string json(const std::string& message)
{
    return R"({"error":{"code":"x","message":")" + message + "\"}}";
}

const char* const html = "<html><head><title>Oops</title></head></html>";

struct Row {
    int status;
    std::string body;
    ErrorKind kind;
    bool rejected;
    bool transient;
    std::string retry_after {};
};

class Rows : public testing::TestWithParam<Row> { };

TEST_P(Rows, Mean)
{
    const Row& row = GetParam();
    const Failure got = failure(row.status, row.body, row.retry_after);
    EXPECT_EQ(got.kind, row.kind) << got.message;
    EXPECT_EQ(got.rejected, row.rejected) << got.message;
    EXPECT_EQ(got.transient, row.transient) << got.message;
}

INSTANTIATE_TEST_SUITE_P(
    ByStatus, Rows,
    testing::Values(
        Row {400, json("aspect_ratio is wrong"), ErrorKind::bad_request, true, false},
        Row {422, json("num_images is wrong"), ErrorKind::bad_request, true, false},
        Row {413, html, ErrorKind::bad_request, true, false},
        Row {401, json("invalid key"), ErrorKind::key, true, false},
        Row {403, json("forbidden"), ErrorKind::key, true, false},
        Row {402, json("pay"), ErrorKind::credits, true, false},
        Row {402, html, ErrorKind::credits, true, false},
        Row {404, json("no such task"), ErrorKind::bad_request, true, false},
        Row {409, json("this Idempotency-Key is in use"), ErrorKind::bad_request, false, false},
        Row {422, R"({"error":{"message":"key reused"},"task_id":"t"})", ErrorKind::bad_request,
             false, false},
        Row {408, json("slow"), ErrorKind::network, true, true},
        Row {408, html, ErrorKind::network, false, true},
        Row {408, "", ErrorKind::network, false, true},
        Row {425, json("early"), ErrorKind::rate, true, true},
        Row {429, json("slow down"), ErrorKind::rate, true, true},
        Row {429, html, ErrorKind::rate, true, true}, Row {429, "", ErrorKind::rate, true, true},
        Row {500, json("oops"), ErrorKind::network, true, true},
        Row {500, html, ErrorKind::network, false, true},
        Row {500, "", ErrorKind::network, false, true},
        Row {500, "{}", ErrorKind::network, false, true},
        Row {500, R"({"error":{"message":"oo)", ErrorKind::network, false, true},
        Row {500, json("upstream request timed out"), ErrorKind::network, false, true},
        Row {500, R"({"error":{"message":"oops"},"data":{"task_id":"t"}})", ErrorKind::network,
             false, true},
        Row {500, R"({"error":{"message":"oops"},"task_id":"t"})", ErrorKind::network, false, true},
        Row {501, json("not here"), ErrorKind::network, true, true},
        Row {502, json("bad gateway"), ErrorKind::network, false, true},
        Row {502, html, ErrorKind::network, false, true},
        Row {503, json("busy"), ErrorKind::network, true, true},
        Row {503, json("busy"), ErrorKind::network, true, true, "5"},
        Row {503, "busy", ErrorKind::network, true, true, "5"},
        Row {503, "busy", ErrorKind::network, false, true},
        Row {503, html, ErrorKind::network, false, true, "5"},
        Row {504, json("timeout"), ErrorKind::network, false, true},
        Row {520, json("x"), ErrorKind::network, false, true},
        Row {522, html, ErrorKind::network, false, true},
        Row {529, json("x"), ErrorKind::network, false, true},
        Row {598, json("network read error"), ErrorKind::network, false, true},
        Row {600, json("odd"), ErrorKind::network, false, true},
        Row {409, json("request exists; 6 credits were taken"), ErrorKind::credits, false, false},
        Row {499, json("credits"), ErrorKind::credits, false, false},
        Row {500, R"({"error":{"message":"oops"},"data":{"images":["https://r.example/1.png"]}})",
             ErrorKind::network, false, true},
        Row {500, R"({"error":{"message":"oops"},"result":{"id":"n49abcd_kio1"}})",
             ErrorKind::network, false, true},
        Row {500, json("generation failed, your credits have been refunded"), ErrorKind::network,
             true, true},
        Row {301, "", ErrorKind::network, false, false},
        Row {302, html, ErrorKind::network, false, false},
        Row {307, "", ErrorKind::network, true, false},
        Row {308, "", ErrorKind::network, true, false}));

INSTANTIATE_TEST_SUITE_P(
    UnderHttp200, Rows,
    testing::Values(
        Row {200, R"({"code":401,"message":"bad key"})", ErrorKind::key, true, false},
        Row {200, R"({"code":"401","message":"bad key"})", ErrorKind::key, true, false},
        Row {200, R"({"code":402,"message":"pay"})", ErrorKind::credits, true, false},
        Row {200, R"({"code":422,"message":"wrong"})", ErrorKind::bad_request, true, false},
        Row {200, R"({"code":429,"message":"slow down"})", ErrorKind::rate, true, true},
        Row {200, R"({"code":500,"message":"oops"})", ErrorKind::network, true, true},
        Row {200, R"({"code":502,"message":"oops"})", ErrorKind::network, false, true},
        Row {200, R"({"code":500,"message":"x","data":{"images":["https://r.example/1.png"]}})",
             ErrorKind::network, false, true},
        Row {200, R"({"code":500,"message":"oops","data":{"task_id":"t"}})", ErrorKind::network,
             false, true},
        Row {200, R"({"code":"InvalidParameter","message":"wrong"})", ErrorKind::bad_request, true,
             false},
        Row {200, R"({"code":77,"message":"odd","data":{"task_id":"t"}})", ErrorKind::bad_request,
             false, false},
        Row {200, R"({"success":false,"message":"no"})", ErrorKind::bad_request, true, false},
        Row {200, R"({"error":{"code":401,"message":"bad key"}})", ErrorKind::key, true, false},
        Row {200, R"({"error":"broken"})", ErrorKind::bad_request, true, false},
        Row {200, R"({"code":1102,"message":"resource pack depleted"})", ErrorKind::credits, true,
             false},
        Row {200, R"({"code":1301,"message":"no"})", ErrorKind::refusal, true, false},
        Row {429, R"({"code":1303,"message":"parallel task over limit"})", ErrorKind::rate, true,
             true},
        Row {429, R"({"code":1101,"message":"account"})", ErrorKind::credits, true, false}));

// A server that lost the one that it had passed the create to: nobody knows what that one did.
INSTANTIATE_TEST_SUITE_P(
    Lost, Rows,
    testing::Values(
        Row {500, json("unexpected EOF"), ErrorKind::network, false, true},
        Row {500, json("do request failed: EOF"), ErrorKind::network, false, true},
        Row {500, json("read tcp 10.0.0.1:80: connection reset by peer"), ErrorKind::network, false,
             true},
        Row {500, json("read ECONNRESET"), ErrorKind::network, false, true},
        Row {500, json("context canceled"), ErrorKind::network, false, true},
        Row {500, json("context deadline exceeded"), ErrorKind::network, false, true},
        Row {500, json("socket hang up"), ErrorKind::network, false, true},
        Row {500, json("write: broken pipe"), ErrorKind::network, false, true},
        Row {500, json("bad response from upstream"), ErrorKind::network, false, true},
        Row {500, json("server closed idle connection"), ErrorKind::network, false, true},
        Row {400, json("context canceled"), ErrorKind::bad_request, false, false},
        Row {408, json("upstream took too long"), ErrorKind::network, false, true},
        Row {499, json("client closed request"), ErrorKind::bad_request, false, false},
        Row {500, R"({"code":504,"message":"x"})", ErrorKind::network, false, true},
        Row {200, R"({"code":500,"message":"unexpected EOF"})", ErrorKind::network, false, true},
        // Envoy, with and without a Retry-After that says nothing about this
        Row {503,
             "upstream connect error or disconnect/reset before headers. reset reason: connection "
             "termination",
             ErrorKind::network, false, true, "5"},
        Row {503,
             "upstream connect error or disconnect/reset before headers. reset reason: remote "
             "reset",
             ErrorKind::network, false, true, "5"},
        Row {503,
             "upstream connect error or disconnect/reset before headers. reset reason: connection "
             "timeout",
             ErrorKind::network, false, true, "5"},
        Row {503,
             "upstream connect error or disconnect/reset before headers. retried and the latest "
             "reset reason: connection failure",
             ErrorKind::network, false, true, "5"},
        Row {503,
             "upstream connect error or disconnect/reset before headers. reset reason: connection "
             "failure",
             ErrorKind::network, true, true, "5"},
        Row {503, json("no healthy upstream"), ErrorKind::network, true, true, "5"},
        Row {503, json("upstream timed out"), ErrorKind::network, false, true, "5"},
        Row {500, json("dial tcp 10.0.0.1:443: connect: connection refused"), ErrorKind::network,
             true, true},
        // the maker's codes under a proxy's status
        Row {502, R"({"code":5000,"message":"server error"})", ErrorKind::network, false, true},
        Row {504, R"({"code":5001,"message":"unavailable"})", ErrorKind::network, false, true},
        Row {520, R"({"code":5000,"message":"server error"})", ErrorKind::network, false, true},
        Row {500, R"({"code":5000,"message":"server error"})", ErrorKind::network, true, true},
        Row {500, R"({"code":5002,"message":"server error"})", ErrorKind::network, false, true},
        // words of money or policy do not undo it
        Row {500, json("balance check: context deadline exceeded"), ErrorKind::credits, false,
             false},
        Row {502, json("insufficient credits"), ErrorKind::credits, false, false}));

// What a service that honours Idempotency-Key says after a create that nobody heard the end of.
INSTANTIATE_TEST_SUITE_P(
    KnowsTheKey, Rows,
    testing::Values(Row {422, json("Idempotency key reused with another body"),
                         ErrorKind::bad_request, false, false},
                    Row {409, json("idempotency_key is in use"), ErrorKind::bad_request, false,
                         false},
                    Row {400, json("a request with the same idempotency key is in progress"),
                         ErrorKind::bad_request, false, false},
                    Row {400, json("Idempotency-Key: at most 64 characters"),
                         ErrorKind::bad_request, true, false}));

// A code in no table may be a success: only words that say otherwise make it a rejection.
INSTANTIATE_TEST_SUITE_P(
    OddCodes, Rows,
    testing::Values(
        Row {200, R"({"code":1,"message":"ok"})", ErrorKind::bad_request, false, false},
        Row {200, R"({"code":77,"message":"odd"})", ErrorKind::bad_request, false, false},
        Row {200, R"({"code":10000,"message":"created","ticket":"abc"})", ErrorKind::bad_request,
             false, false},
        Row {200, R"({"code":"SUBMITTED","result":{"taskNo":"t9"}})", ErrorKind::bad_request, false,
             false},
        Row {200, R"({"code":77,"message":"prompt is not allowed"})", ErrorKind::bad_request, true,
             false},
        Row {200, R"({"code":77,"message":"invalid ratio"})", ErrorKind::bad_request, true, false},
        Row {200, R"({"code":77,"message":"invalid","result":{"task_no":"t9"}})",
             ErrorKind::bad_request, false, false},
        Row {500, R"({"error":{"message":"oops"},"meta":{"taskId":"t9"}})", ErrorKind::network,
             false, true},
        Row {200, R"({"code":77,"message":"error: unexpected EOF"})", ErrorKind::bad_request, false,
             false},
        Row {200, R"({"success":false,"message":"no","task":""})", ErrorKind::bad_request, true,
             false}));

// The body decides, whatever the status.
INSTANTIATE_TEST_SUITE_P(
    ByWords, Rows,
    testing::Values(
        Row {429, json("Account balance is not enough"), ErrorKind::credits, true, false},
        Row {403, json("Insufficient credits"), ErrorKind::credits, true, false},
        Row {400, json("account in arrears"), ErrorKind::credits, true, false},
        Row {500, json("not enough Credits left"), ErrorKind::credits, true, false},
        Row {429, R"({"error":{"code":"insufficient_quota","message":"plan"}})", ErrorKind::credits,
             true, false},
        Row {403, "insufficient credits", ErrorKind::credits, true, false},
        Row {200, R"({"code":500,"message":"余额不足"})", ErrorKind::credits, true, false},
        Row {400, json("violates our content policy"), ErrorKind::refusal, true, false},
        Row {403, json("flagged by Moderation"), ErrorKind::refusal, true, false},
        Row {500, json("safety system"), ErrorKind::refusal, true, false},
        Row {422, json("prompt has sensitive words"), ErrorKind::refusal, true, false},
        Row {200, R"({"code":400,"message":"提示词包含敏感内容"})", ErrorKind::refusal, true,
             false},
        // and what only looks like it
        Row {401, json("key disabled for safety reasons"), ErrorKind::key, true, false},
        Row {503, json("load balancer has no backend"), ErrorKind::network, true, true},
        Row {503, json("load balance failure"), ErrorKind::network, true, true},
        Row {400, json("accreditation missing"), ErrorKind::bad_request, true, false},
        Row {400, json("prompt: insensitive"), ErrorKind::bad_request, true, false},
        Row {503, "<html>out of balance, credits, safety</html>", ErrorKind::network, false,
             true}));

TEST(Failure, KeepsTheServicesOwnWordsAndTheField)
{
    EXPECT_THAT(failure(400, json("ratio 5:4 is not one of ours")).message,
                HasSubstr("ratio 5:4 is not one of ours"));
    EXPECT_THAT(failure(400, R"({"error":{"message":"bad value","param":"aspect_ratio"}})").message,
                HasSubstr("(field: aspect_ratio)"));
    EXPECT_THAT(
        failure(422, R"({"detail":[{"loc":["body","num_images"],"msg":"at most 9"}]})").message,
        testing::AllOf(HasSubstr("at most 9"), HasSubstr("(field: num_images)")));
    EXPECT_THAT(failure(400, R"({"strange":"shape"})").message, HasSubstr("strange"));
    EXPECT_THAT(failure(500, "").message, HasSubstr("an empty answer"));
    EXPECT_THAT(failure(200, R"({"code":1301,"message":"no"})").message, HasSubstr("code 1301"));
}

TEST(Failure, CarriesRetryAfter)
{
    EXPECT_EQ(failure(429, "{}", "17").retry_after, 17);
    EXPECT_EQ(failure(429, "{}", "Thu, 01 Jan 1970 00:01:00 GMT").retry_after, 60);
    EXPECT_EQ(failure(429, "{}", "soon").retry_after, -1);
    EXPECT_EQ(failure(429, "{}").retry_after, -1);
}

TEST(Failure, AnEmptyErrorIsNone)
{
    for (const char* body :
         {R"({"id":"t","error":null})", R"({"id":"t","error":""})", R"({"id":"t","error":{}})",
          R"({"id":"t","error":{"code":0,"message":""}})", R"({"id":"t","error":false})",
          R"({"id":"t","code":0})", R"({"id":"t","code":"0"})", R"({"id":"t","code":null})",
          R"({"id":"t","success":true})", R"({"code":201,"data":{"task_id":"t"}})"}) {
        Answer answer;
        Failure out;
        EXPECT_TRUE(read_answer(200, body, "", 0, answer, out)) << body << out.message;
        EXPECT_EQ(answer.task_id, "t");
    }
}

TEST(Failures, ATaskThatIsDeniedUnderAnotherCodeIsNotFound)
{
    EXPECT_TRUE(failure(404, json("x")).not_found);
    EXPECT_TRUE(failure(200, R"({"code":400,"message":"Task does not exist"})").not_found);
    EXPECT_TRUE(failure(400, json("no such task")).not_found);
    EXPECT_FALSE(failure(400, json("the prompt is missing")).not_found);
}

} // namespace
} // namespace klio::test
