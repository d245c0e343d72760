#include "staging/s3_answer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace klio;
using staging::explain_answer;
using staging::explain_s3_error;
using ::testing::HasSubstr;
using ::testing::Not;
using transport::HttpResponse;

namespace {

HttpResponse answer(int status, const std::string& body, transport::Headers headers = {})
{
    HttpResponse response;
    response.outcome = transport::Outcome::answered;
    response.status = status;
    response.body = body;
    response.headers = std::move(headers);
    return response;
}

} // namespace

TEST(S3Answer, PassesOnS3sOwnWords)
{
    const std::string text = explain_s3_error(
        answer(403,
               "<?xml version=\"1.0\"?><Error><Code>SignatureDoesNotMatch</Code>"
               "<Message>The request signature we calculated &quot;does not match&quot;</Message>"
               "<StringToSign>AWS4-HMAC-SHA256 secret stuff</StringToSign></Error>"),
        "us-east-1", 0);
    EXPECT_THAT(text,
                HasSubstr("403 SignatureDoesNotMatch: The request signature we calculated "
                          "\"does not match\""));
    EXPECT_THAT(text, HasSubstr("the secret key does not belong"));
    EXPECT_THAT(text, Not(HasSubstr("secret stuff")));
}

TEST(S3Answer, ComputesTheClocksSkew)
{
    const char* body
        = "<Error><Code>RequestTimeTooSkewed</Code><Message>The difference between the request "
          "time and the current time is too large.</Message>"
          "<ServerTime>2013-05-24T00:00:00Z</ServerTime></Error>";
    EXPECT_THAT(explain_s3_error(answer(403, body), "x", 1369353600 + 1203),
                HasSubstr("too large.; this machine's clock is 20 min 3 s ahead of the server's"));
    EXPECT_THAT(explain_s3_error(answer(403, body), "x", 1369353600 - 7320),
                HasSubstr("2 h 2 min behind the server's"));
    // A server that does not say its time in the body says it in the Date header.
    EXPECT_THAT(explain_s3_error(answer(403, "<Error><Code>AccessDenied</Code></Error>",
                                        {{"date", "Fri, 24 May 2013 00:00:00 GMT"}}),
                                 "x", 1369353600 + 400),
                HasSubstr("6 min 40 s ahead"));
    EXPECT_THAT(explain_s3_error(answer(403, "<Error><Code>AccessDenied</Code></Error>",
                                        {{"date", "Fri, 24 May 2013 00:00:00 GMT"}}),
                                 "x", 1369353600 + 4),
                Not(HasSubstr("clock")));
}

TEST(S3Answer, NamesTheBucketsRegion)
{
    EXPECT_THAT(
        explain_s3_error(answer(301,
                                "<Error><Code>PermanentRedirect</Code><Message>m"
                                "</Message></Error>",
                                {{"x-amz-bucket-region", "eu-west-1"}}),
                         "us-east-1", 0),
        HasSubstr("the bucket is in region eu-west-1, not us-east-1: set region=eu-west-1"));
    EXPECT_THAT(
        explain_s3_error(answer(400,
                                "<Error><Code>AuthorizationHeaderMalformed</Code><Message>the "
                                "region 'us-east-1' is wrong; expecting 'ap-south-1'</Message>"
                                "<Region>ap-south-1</Region></Error>"),
                         "us-east-1", 0),
        HasSubstr("set region=ap-south-1"));
    EXPECT_THAT(
        explain_s3_error(answer(307,
                                "<Error><Code>TemporaryRedirect</Code><Message>m</Message>"
                                "<Endpoint>b.s3-eu-west-1.amazonaws.com</Endpoint></Error>"),
                         "us-east-1", 0),
        HasSubstr("at b.s3-eu-west-1.amazonaws.com"));
}

TEST(Answer, WordsOfEveryKindOnOneLine)
{
    EXPECT_EQ(explain_answer(answer(507,
                                    "<html><head><title>507 Insufficient Storage</title>"
                                    "</head></html>")),
              "507 Insufficient Storage");
    EXPECT_EQ(explain_answer(answer(403, "{\"errors\":[{\"status\":403}],\"message\":\"quota\"}")),
              "403 Forbidden: quota");
    EXPECT_EQ(explain_answer(answer(409, "no such\r\n folder ")), "409 Conflict: no such folder");
    EXPECT_EQ(explain_answer(answer(418, "")), "418");
    EXPECT_LT(explain_answer(answer(500, std::string(100000, 'x'))).size(), 400u);
    HttpResponse none;
    none.error = "could not connect";
    EXPECT_EQ(explain_answer(none), "could not connect");
}
