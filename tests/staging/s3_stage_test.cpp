#include "staging/server_support.h"

#include "base/secret.h"
#include "staging/sigv4.h"

#include <klio/error.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace klio;
using staging::make_stage;
using staging::Object;
using staging::Stage;
using staging::StagedUrl;
using ::testing::HasSubstr;
using ::testing::Not;

namespace {

class S3Stage : public ::testing::Test {
protected:
    std::unique_ptr<Stage> stage(const std::string& more = {})
    {
        return any_stage("s3://plates/shots?region=eu-west-1&endpoint=" + m_server.url("") + more);
    }
    std::unique_ptr<Stage> any_stage(const std::string& setting)
    {
        staging::StageOptions options;
        options.secret = "a secret of the test's own";
        options.clock = &m_clock;
        options.random = &m_random;
        return make_stage(setting, m_transport, options);
    }
    std::string put_error(const std::string& more = {}, double needed = 0)
    {
        try {
            stage(more)->put(test_object(), m_clock.unix_time() + needed, m_cancel);
        } catch (const StagingError& error) {
            return error.what();
        }
        return "no error";
    }
    void refuse(const std::string& method, int status, const std::string& body,
                const httplib::Headers& headers = {})
    {
        m_server.set_hook([=](const httplib::Request& request, httplib::Response& response) {
            if (request.method != method)
                return false;
            response.status = status;
            for (const auto& [name, value] : headers)
                response.set_header(name.c_str(), value);
            response.set_content(body, "application/xml");
            return true;
        });
    }

    FakeServer m_server;
    FakeClock m_clock;
    FakeRandom m_random;
    transport::Transport m_transport;
    CancelToken m_cancel;
    Folder m_home; // of nobody's own keys
    Variable m_home_variable {"HOME", m_home.path()};
    Variable m_access {"AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"};
    Variable m_secret {"AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"};
};

std::string parameter(const std::string& url, const std::string& name)
{
    const size_t at = url.find(name + "=");
    return at == std::string::npos
        ? ""
        : url.substr(at + name.size() + 1, url.find('&', at) - at - name.size() - 1);
}

} // namespace

TEST_F(S3Stage, UploadsOnceAndSignsAUrl)
{
    const Object object = test_object();
    const StagedUrl first = stage()->put(object, 0, m_cancel);
    EXPECT_TRUE(first.uploaded);
    EXPECT_THAT(first.url, HasSubstr(m_server.url("/plates/shots/" + first.name + "?X-Amz-")));
    EXPECT_EQ(parameter(first.url, "X-Amz-Expires"), "3600");
    EXPECT_EQ(first.expires_at, m_clock.unix_time() + 3600);
    const auto sent = m_server.seen("PUT").at(0);
    EXPECT_EQ(sent.headers.find("X-Amz-Content-Sha256")->second, object.sha256);
    EXPECT_THAT(sent.authorization,
                HasSubstr("SignedHeaders=content-type;host;x-amz-content-sha256;x-amz-date"));
    const StagedUrl second = stage()->put(object, 0, m_cancel);
    EXPECT_FALSE(second.uploaded);
    EXPECT_EQ(m_server.seen("PUT").size(), 1u);
}

TEST_F(S3Stage, TheServerCanCheckWhatWasSigned)
{
    const Object object = test_object();
    const StagedUrl staged = stage()->put(object, 0, m_cancel);
    // Signed again from what arrived, as a server does it.
    const auto sent = m_server.seen("PUT").at(0);
    staging::sigv4::Request request;
    request.method = "PUT";
    request.host = sent.headers.find("Host")->second;
    request.path = sent.path;
    request.headers = {{"Content-Type", sent.headers.find("Content-Type")->second}};
    request.payload_hash = base::sha256_hex(sent.body);
    staging::sigv4::Credentials keys;
    keys.access_key = "AKIDEXAMPLE";
    keys.secret_key = base::Secret("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY");
    for (const auto& [name, value] :
         staging::sigv4::sign_headers(request, keys, {"eu-west-1"}, m_clock.unix_time()))
        EXPECT_EQ(sent.headers.find(name)->second, value) << name;
}

TEST_F(S3Stage, TheUrlOutlivesTheJob)
{
    const double now = m_clock.unix_time();
    EXPECT_GE(stage()->put(test_object(), now + 7200, m_cancel).expires_at, now + 7200);
    EXPECT_THAT(put_error({}, 8 * 24 * 3600), HasSubstr("7 days"));
    EXPECT_THAT(put_error("&expires=600", 1200), HasSubstr("expires=600 is shorter"));
    EXPECT_EQ(stage("&expires=1500")->put(test_object(), now + 1200, m_cancel).expires_at,
              now + 1500);
    EXPECT_THAT(put_error("&expires=900000"), HasSubstr("7 days"));
    EXPECT_THROW(stage("&expires=soon"), UsageError);
}

TEST_F(S3Stage, NothingIsSentWhereTheUrlCouldNotLiveLongEnough)
{
    put_error("&expires=600", 1200);
    EXPECT_TRUE(m_server.seen().empty());
}

TEST_F(S3Stage, SessionKeysMustOutliveTheJob)
{
    const Variable token("AWS_SESSION_TOKEN", "session-token");
    const Variable expiry("AWS_CREDENTIAL_EXPIRATION", "2027-01-15T08:10:00Z"); // in 600 s
    EXPECT_EQ(put_error({}, 500), "no error");
    EXPECT_THAT(put_error({}, 1200), HasSubstr("expire in 600 s"));
    m_clock.set(m_clock.unix_time() + 700);
    EXPECT_THAT(put_error({}, 1200), HasSubstr("have expired"));
}

TEST_F(S3Stage, PathAndVirtualHostStyle)
{
    const auto url = [&](const std::string& setting) {
        // The presigned URL is made before anything is answered.
        return any_stage(setting)->listing_requests().at(0).url;
    };
    EXPECT_EQ(url("s3://plates/a?region=eu-west-1"), "https://plates.s3.eu-west-1.amazonaws.com/");
    EXPECT_EQ(url("s3://plates/a?region=eu-west-1&style=path"),
              "https://s3.eu-west-1.amazonaws.com/plates/");
    EXPECT_EQ(url("s3://my.plates/a?region=eu-west-1"),
              "https://s3.eu-west-1.amazonaws.com/my.plates/");
    EXPECT_EQ(url("s3://plates/a?endpoint=https://minio.studio:9000"),
              "https://minio.studio:9000/plates/");
    EXPECT_EQ(url("s3://plates/a?endpoint=https://minio.studio:9000&style=virtual"),
              "https://plates.minio.studio:9000/");
    EXPECT_EQ(url("s3://plates/a?region=cn-north-1"),
              "https://plates.s3.cn-north-1.amazonaws.com.cn/");
    const Variable region("AWS_REGION", "ap-south-1");
    EXPECT_EQ(url("s3://plates/a"), "https://plates.s3.ap-south-1.amazonaws.com/");
}

TEST_F(S3Stage, VirtualHostStyleIsServed)
{
    const StagedUrl staged = any_stage("s3://plates/shots?style=virtual&endpoint=http://localhost:"
                                       + std::to_string(m_server.port()))
                                 ->put(test_object(), 0, m_cancel);
    EXPECT_THAT(staged.url, HasSubstr("http://plates.localhost:"));
    EXPECT_EQ(m_server.files().count("/shots/" + staged.name), 1u);
    EXPECT_EQ(m_server.seen("PUT").at(0).headers.find("Host")->second,
              "plates.localhost:" + std::to_string(m_server.port()));
}

TEST_F(S3Stage, PassesOnS3sWordsTheSkewAndTheRegion)
{
    refuse("PUT", 403,
           "<Error><Code>RequestTimeTooSkewed</Code><Message>The difference is too large."
           "</Message><ServerTime>2027-01-15T07:00:00Z</ServerTime></Error>");
    EXPECT_THAT(put_error(),
                HasSubstr("403 RequestTimeTooSkewed: The difference is too large.; this "
                          "machine's clock is 1 h 0 min ahead of the server's"));
    refuse("PUT", 301, "<Error><Code>PermanentRedirect</Code><Message>Elsewhere.</Message></Error>",
           {{"x-amz-bucket-region", "us-west-2"}, {"Location", m_server.url("/elsewhere")}});
    EXPECT_THAT(put_error(), HasSubstr("in region us-west-2, not eu-west-1: set region=us-west-2"));
    refuse("PUT", 307,
           "<Error><Code>TemporaryRedirect</Code><Message>Elsewhere.</Message>"
           "<Endpoint>plates.s3-us-west-2.amazonaws.com</Endpoint></Error>",
           {{"Location", m_server.url("/elsewhere")}});
    EXPECT_THAT(put_error(), HasSubstr("at plates.s3-us-west-2.amazonaws.com"));
    for (const auto& seen : m_server.seen())
        EXPECT_THAT(seen.path, Not(HasSubstr("elsewhere")));
    refuse("PUT", 404, "<Error><Code>NoSuchBucket</Code><Message>None.</Message></Error>");
    EXPECT_THAT(put_error(), HasSubstr("404 NoSuchBucket: None.; check the bucket's name"));
}

TEST_F(S3Stage, AKeyThatMayNotListIsNoReasonToGiveUp)
{
    m_server.set_hook([](const httplib::Request& request, httplib::Response& response) {
        if (request.method != "HEAD")
            return false;
        response.status = 403;
        return true;
    });
    EXPECT_TRUE(stage()->put(test_object(), 0, m_cancel).uploaded);
}

TEST_F(S3Stage, AStoreThatKeepsNothingIsNoticed)
{
    refuse("PUT", 200, "");
    EXPECT_THAT(put_error(),
                HasSubstr("uploaded, but the presigned URL does not give it back: 404"));
}

TEST_F(S3Stage, NoKeyIsInAnyMessageOrIdentity)
{
    refuse("PUT", 403,
           "<Error><Code>SignatureDoesNotMatch</Code><Message>key "
           "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY?</Message></Error>");
    EXPECT_THAT(put_error(), Not(HasSubstr("wJalr")));
    EXPECT_THAT(put_error(), HasSubstr("environment AWS_ACCESS_KEY_ID"));
    EXPECT_THAT(stage()->identity(), Not(HasSubstr("AKID")));
    const std::string signed_url = "see http://h/x?X-Amz-Signature=abcdef0123456789&a=b";
    EXPECT_THAT(base::mask(signed_url), Not(HasSubstr("abcdef")));
}

TEST_F(S3Stage, ABucketWithVersionsKeepsNoneOfThem)
{
    const std::string name = stage()->name_of(test_object());
    m_server.set_hook([&](const httplib::Request& request, httplib::Response& response) {
        if (request.method == "DELETE") {
            response.status = 204;
            if (!request.has_param("versionId"))
                response.set_header("x-amz-delete-marker", "true");
            return true;
        }
        if (!request.has_param("versions"))
            return false;
        const auto entry = [](const char* kind, const std::string& key, const char* version) {
            return std::string("<") + kind + "><Key>" + key + "</Key><VersionId>" + version
                + "</VersionId></" + kind + ">";
        };
        response.set_content("<ListVersionsResult>" + entry("Version", "shots/" + name, "v1")
                                 + entry("DeleteMarker", "shots/" + name, "m1")
                                 + entry("Version", "shots/" + name + ".other", "v9")
                                 + "</ListVersionsResult>",
                             "application/xml");
        return true;
    });
    stage()->remove(name, m_cancel);
    std::vector<std::string> deleted;
    for (const auto& seen : m_server.seen("DELETE"))
        deleted.push_back(seen.query);
    EXPECT_THAT(deleted, ::testing::ElementsAre("", "versionId=v1", "versionId=m1"));
    EXPECT_THAT(m_server.seen("GET").at(0).query,
                ::testing::StrEq("prefix=shots%2F" + name + "&versions="));
}

TEST_F(S3Stage, ItsIdentityMakesItAgainWhateverTheEnvironment)
{
    std::string identity;
    {
        const Variable region("AWS_REGION", "ap-south-1");
        const Variable endpoint("AWS_ENDPOINT_URL_S3", m_server.url(""));
        identity = any_stage("s3://plates/Größe 1")->identity();
    }
    EXPECT_THAT(identity, HasSubstr("region=ap-south-1"));
    const auto again = any_stage(identity);
    EXPECT_EQ(again->identity(), identity);
    const StagedUrl staged = again->put(test_object(), 0, m_cancel);
    EXPECT_EQ(m_server.files().count("/plates/Größe 1/" + staged.name), 1u);
    again->remove(staged.name, m_cancel);
    EXPECT_TRUE(m_server.files().empty());
}

TEST_F(S3Stage, WithoutKeysItSaysWhichToSet)
{
    ::unsetenv("AWS_ACCESS_KEY_ID");
    ::unsetenv("AWS_SECRET_ACCESS_KEY");
    try {
        stage();
        FAIL();
    } catch (const StagingError& error) {
        EXPECT_THAT(error.what(), HasSubstr("AWS_ACCESS_KEY_ID"));
    }
}
