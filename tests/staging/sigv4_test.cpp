#include "staging/sigv4.h"

#include "base/sha256.h"

#include <gtest/gtest.h>

using namespace klio;
using staging::sigv4::Credentials;
using staging::sigv4::Pairs;
using staging::sigv4::Request;
using staging::sigv4::Scope;

namespace {

// AWS' published Signature Version 4 test suite: its keys, date, region and service.
constexpr double suite_time = 1440938160; // 2015-08-30T12:36:00Z

Credentials suite_keys()
{
    Credentials keys;
    keys.access_key = "AKIDEXAMPLE";
    keys.secret_key = base::Secret("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY");
    return keys;
}

const Scope suite_scope {"us-east-1", "service"};

std::string value_of(const Pairs& headers, const std::string& name)
{
    for (const auto& [header, value] : headers)
        if (header == name)
            return value;
    return {};
}

std::string signature_of(const Pairs& headers)
{
    const std::string authorization = value_of(headers, "Authorization");
    return authorization.substr(authorization.rfind('=') + 1);
}

struct Vector {
    const char* name;
    const char* method;
    const char* path;
    Pairs query;
    Pairs headers;
    const char* body;
    const char* signature;
};

const Vector vectors[] = {
    {"get-vanilla",
     "GET",
     "/",
     {},
     {},
     "",
     "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
    {"get-vanilla-query-order-key-case",
     "GET",
     "/",
     {{"Param2", "value2"}, {"Param1", "value1"}},
     {},
     "",
     "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"},
    {"get-vanilla-empty-query-key",
     "GET",
     "/",
     {{"Param1", "value1"}},
     {},
     "",
     "a67d582fa61cc504c4bae71f336f98b97f1ea3c7a6bfe1b6e45aec72011b9aeb"},
    {"get-vanilla-utf8-query",
     "GET",
     "/",
     {{"\u1234", "bar"}},
     {},
     "",
     "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04"},
    {"get-unreserved",
     "GET",
     "/-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
     {},
     {},
     "",
     "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f"},
    {"get-utf8",
     "GET",
     "/\u1234",
     {},
     {},
     "",
     "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85"},
    {"get-space",
     "GET",
     "/example space/",
     {},
     {},
     "",
     "652487583200325589f1fba4c7e578f72c47cb61beeca81406b39ddec1366741"},
    {"get-header-value-trim",
     "GET",
     "/",
     {},
     {{"My-Header1", " value1"}, {"My-Header2", " \"a   b   c\""}},
     "",
     "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736"},
    {"get-header-key-duplicate",
     "GET",
     "/",
     {},
     {{"My-Header1", "value2"}, {"My-Header1", "value2"}, {"My-Header1", "value1"}},
     "",
     "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea"},
    {"post-vanilla",
     "POST",
     "/",
     {},
     {},
     "",
     "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"},
    {"post-x-www-form-urlencoded",
     "POST",
     "/",
     {},
     {{"Content-Type", "application/x-www-form-urlencoded"}},
     "Param1=value1",
     "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a"},
};

} // namespace

TEST(SigV4, AgreesWithThePublishedTestSuite)
{
    for (const Vector& vector : vectors) {
        Request request;
        request.method = vector.method;
        request.host = "example.amazonaws.com";
        request.path = vector.path;
        request.query = vector.query;
        request.headers = vector.headers;
        request.payload_hash = base::sha256_hex(vector.body);
        EXPECT_EQ(signature_of(
                      staging::sigv4::sign_headers(request, suite_keys(), suite_scope, suite_time)),
                  vector.signature)
            << vector.name;
    }
}

TEST(SigV4, AgreesWithThePublishedSessionToken)
{
    Credentials keys = suite_keys();
    keys.session_token
        = base::Secret("6e86291e8372ff2a2260956d9b8aae1d763fbf315fa00fa31553b73ebf194267");
    Request request;
    request.host = "example.amazonaws.com";
    request.payload_hash = base::sha256_hex("");
    const Pairs headers = staging::sigv4::sign_headers(request, keys, suite_scope, suite_time);
    EXPECT_EQ(signature_of(headers),
              "07ec1639c89043aa0e3e2de82b96708f198cceab042d4a97044c66dd9f74e7f8");
    EXPECT_EQ(value_of(headers, "X-Amz-Security-Token"), keys.session_token.reveal());
}

// S3's own documented examples ("Authenticating Requests (AWS Signature Version 4)").
namespace {

constexpr double s3_time = 1369353600; // 2013-05-24T00:00:00Z

Credentials s3_keys()
{
    Credentials keys;
    keys.access_key = "AKIAIOSFODNN7EXAMPLE";
    keys.secret_key = base::Secret("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY");
    return keys;
}

Request s3_request(const std::string& method, const std::string& path, const std::string& body)
{
    Request request;
    request.method = method;
    request.host = "examplebucket.s3.amazonaws.com";
    request.path = path;
    request.payload_hash = base::sha256_hex(body);
    return request;
}

} // namespace

TEST(SigV4, AgreesWithS3sGetExample)
{
    Request request = s3_request("GET", "/test.txt", "");
    request.headers = {{"Range", "bytes=0-9"}};
    EXPECT_EQ(
        value_of(staging::sigv4::sign_headers(request, s3_keys(), {"us-east-1"}, s3_time),
                 "Authorization"),
        "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, "
        "SignedHeaders=host;range;x-amz-content-sha256;x-amz-date, "
        "Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");
}

TEST(SigV4, AgreesWithS3sPutExample)
{
    Request request = s3_request("PUT", "/test$file.text", "Welcome to Amazon S3.");
    request.headers = {{"Date", "Fri, 24 May 2013 00:00:00 GMT"},
                       {"x-amz-storage-class", "REDUCED_REDUNDANCY"}};
    EXPECT_EQ(
        signature_of(staging::sigv4::sign_headers(request, s3_keys(), {"us-east-1"}, s3_time)),
        "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd");
}

TEST(SigV4, AgreesWithS3sQueryExamples)
{
    Request lifecycle = s3_request("GET", "/", "");
    lifecycle.query = {{"lifecycle", ""}};
    EXPECT_EQ(
        signature_of(staging::sigv4::sign_headers(lifecycle, s3_keys(), {"us-east-1"}, s3_time)),
        "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543");
    Request list = s3_request("GET", "/", "");
    list.query = {{"prefix", "J"}, {"max-keys", "2"}};
    EXPECT_EQ(signature_of(staging::sigv4::sign_headers(list, s3_keys(), {"us-east-1"}, s3_time)),
              "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7");
}

TEST(SigV4, AgreesWithS3sPresignedExample)
{
    Request request = s3_request("GET", "/test.txt", "");
    request.payload_hash = staging::sigv4::unsigned_payload;
    EXPECT_EQ(staging::sigv4::presign(request, s3_keys(), {"us-east-1"}, s3_time, 86400),
              "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2F"
              "us-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&"
              "X-Amz-SignedHeaders=host&X-Amz-Signature="
              "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404");
}

TEST(SigV4, TheSessionTokenIsPartOfWhatAPresignedUrlSigns)
{
    Request request = s3_request("GET", "/test.txt", "");
    request.payload_hash = staging::sigv4::unsigned_payload;
    Credentials keys = s3_keys();
    keys.session_token = base::Secret("session+token/with=signs");
    const std::string query = staging::sigv4::presign(request, keys, {"us-east-1"}, s3_time, 86400);
    EXPECT_NE(query.find("X-Amz-Security-Token=session%2Btoken%2Fwith%3Dsigns"), std::string::npos);
    EXPECT_EQ(query.find("aeeed9bbccd4d02e"), std::string::npos);
}
