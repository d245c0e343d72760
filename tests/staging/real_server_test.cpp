// Real servers, which tests/hosts/staging.py starts and names in the environment: nginx with its
// WebDAV module, and an S3 server that checks signatures.

#include "staging/server_support.h"

#include "staging/sigv4.h"

#include <klio/error.h>
#include <klio/staging.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

using namespace klio;
using staging::make_stage;
using staging::Object;
using staging::StagedUrl;
using ::testing::HasSubstr;

namespace {

std::string variable(const char* name)
{
    const char* value = std::getenv(name);
    return value ? value : "";
}

/// Skips its tests where the servers are not there.
class RealServer : public ::testing::Test {
protected:
    explicit RealServer(const char* needed) : m_base(variable(needed)) { }
    void SetUp() override
    {
        if (m_base.empty())
            GTEST_SKIP() << "tests/hosts/staging.py starts the servers that this needs";
    }
    std::unique_ptr<staging::Stage> stage(const std::string& setting, base::Clock* clock = nullptr)
    {
        staging::StageOptions options;
        options.secret = "a secret of the test's own";
        options.clock = clock;
        options.tries = 1;
        return make_stage(setting, m_transport, options);
    }
    transport::HttpResponse get(const std::string& url)
    {
        transport::HttpRequest request;
        request.url = url;
        request.allow_private = true;
        return m_transport.perform(request);
    }
    std::string error_of(const std::string& setting, base::Clock* clock = nullptr)
    {
        try {
            const double now = clock ? clock->unix_time() : base::system_clock().unix_time();
            stage(setting, clock)->put(test_object(1000000, 99), now, m_cancel);
        } catch (const StagingError& error) {
            return error.what();
        }
        return "no error";
    }
    // There, unchanged, once, and gone again.
    void expect_whole_way(const std::string& setting)
    {
        const auto made = stage(setting);
        const Object object = test_object(1000000, 3);
        const double until = base::system_clock().unix_time() + 1200;
        const StagedUrl first = made->put(object, until, m_cancel);
        EXPECT_TRUE(first.uploaded);
        EXPECT_EQ(get(first.url).body, object.bytes);
        EXPECT_FALSE(made->put(object, until, m_cancel).uploaded);
        made->remove(first.name, m_cancel);
        EXPECT_EQ(get(first.url).status, 404);
        made->remove(first.name, m_cancel);
    }

    std::string m_base;
    transport::Transport m_transport {[] {
        transport::TransportOptions options;
        options.cacert = variable("KLIO_TEST_CACERT");
        return options;
    }()};
    CancelToken m_cancel;
};

class RealDav : public RealServer {
protected:
    RealDav() : RealServer("KLIO_TEST_DAV") { }
};

class RealDavTls : public RealServer {
protected:
    RealDavTls() : RealServer("KLIO_TEST_DAV_TLS") { }
};

class RealS3 : public RealServer {
protected:
    RealS3() : RealServer("KLIO_TEST_S3") { }
    std::string setting(const std::string& more = {}) const
    {
        return "s3://plates/Größe 1/ä&+b?region=eu-west-1&endpoint=" + m_base + more;
    }
    Folder m_home;
    Variable m_home_variable {"HOME", m_home.path()};
    Variable m_access {"AWS_ACCESS_KEY_ID", "S3RVER"};
    Variable m_secret {"AWS_SECRET_ACCESS_KEY", "S3RVER"};
};

} // namespace

TEST_F(RealDav, WithoutAuthorization)
{
    expect_whole_way(m_base + "/open/");
    expect_whole_way(m_base + "/open/Größe 1/ä b/");
}

TEST_F(RealDav, WithBasicAuthorization)
{
    EXPECT_THAT(error_of(m_base + "/basic/"), HasSubstr("401 Unauthorized"));
    const Variable user("KLIO_STAGE_USER", "artist");
    {
        const Variable password("KLIO_STAGE_PASSWORD", "a wrong password");
        EXPECT_THAT(error_of(m_base + "/basic/"), HasSubstr("check KLIO_STAGE_USER"));
    }
    const Variable password("KLIO_STAGE_PASSWORD", "correct horse");
    expect_whole_way(m_base + "/basic/");
}

TEST_F(RealDav, WhereStrangersMayNotRead)
{
    const Variable user("KLIO_STAGE_USER", "artist");
    const Variable password("KLIO_STAGE_PASSWORD", "correct horse");
    EXPECT_THAT(error_of(m_base + "/closed/"),
                HasSubstr("does not give it back without credentials: 401"));
}

TEST_F(RealDav, AUserWhoMayNotWriteOrASizeThatIsTooMuch)
{
    EXPECT_THAT(error_of(m_base + "/"), HasSubstr("405"));
    EXPECT_THAT(error_of(m_base + "/small/"),
                HasSubstr("raise the server's limit to at least 2 MB"));
}

TEST_F(RealDav, AFullDisk)
{
    if (variable("KLIO_TEST_DAV_FULL").empty())
        GTEST_SKIP() << "no small filesystem could be mounted here";
    EXPECT_THAT(error_of(m_base + "/full/"), HasSubstr("is the server's disk full?"));
}

TEST_F(RealDav, AFolderThatItPublishes)
{
    expect_whole_way("file://" + variable("KLIO_TEST_DAV_FOLDER") + "/open?public=" + m_base
                     + "/open");
}

TEST_F(RealDav, IsCheckedFromOutside)
{
    Settings settings;
    settings.set("endpoint", "http://127.0.0.1:1");
    for (const StageStep& step : check_stage(settings, m_base + "/open/"))
        EXPECT_TRUE(step.ok) << step.name << ": " << step.result;
    for (const StageStep& step : check_stage(settings, m_base + "/listed/"))
        EXPECT_EQ(step.ok, step.name != "listing") << step.name << ": " << step.result;
}

TEST_F(RealDavTls, WithACertificateOfOurOwn)
{
    const Variable user("KLIO_STAGE_USER", "artist");
    const Variable password("KLIO_STAGE_PASSWORD", "correct horse");
    expect_whole_way(m_base + "/basic/");
}

TEST_F(RealDavTls, ACertificateThatIsNotTrusted)
{
    transport::Transport distrustful;
    staging::StageOptions options;
    options.secret = "s";
    options.tries = 1;
    try {
        make_stage(m_base + "/open/", distrustful, options)->put(test_object(), 0, m_cancel);
        FAIL();
    } catch (const StagingError& error) {
        EXPECT_THAT(error.what(), HasSubstr("certificate"));
    }
}

TEST_F(RealS3, PathStyle)
{
    expect_whole_way(setting());
    expect_whole_way("s3://plates?region=eu-west-1&endpoint=" + m_base);
}

TEST_F(RealS3, VirtualHostStyle)
{
    const size_t port = m_base.rfind(':');
    expect_whole_way("s3://plates/a b?region=eu-west-1&style=virtual&endpoint=http://s3.localhost"
                     + m_base.substr(port));
}

TEST_F(RealS3, APresignedUrlIsForOneObjectAndAWhile)
{
    const auto made = stage(setting());
    const Object object = test_object(5000, 4);
    const StagedUrl staged = made->put(object, 0, m_cancel);
    std::string url = staged.url;
    EXPECT_EQ(get(url).body, object.bytes);
    EXPECT_EQ(get(url.substr(0, url.find('?'))).status, 403) << "without its signature";
    url.back() = url.back() == '0' ? '1' : '0';
    EXPECT_THAT(get(url).body, HasSubstr("SignatureDoesNotMatch"));
    url = staged.url;
    const size_t life = url.find("X-Amz-Expires=3600");
    ASSERT_NE(life, std::string::npos);
    url.replace(life, 18, "X-Amz-Expires=7200");
    EXPECT_THAT(get(url).body, HasSubstr("SignatureDoesNotMatch")) << "the life is signed";
    made->remove(staged.name, m_cancel);
}

TEST_F(RealS3, AnExpiredUrlIsRefusedByTheServersOwnClock)
{
    const Object object = test_object(5000, 5);
    const auto made = stage("s3://plates?region=eu-west-1&endpoint=" + m_base);
    const std::string name = made->put(object, 0, m_cancel).name;
    staging::sigv4::Credentials keys;
    keys.access_key = "S3RVER";
    keys.secret_key = base::Secret("S3RVER");
    staging::sigv4::Request request;
    request.host = m_base.substr(m_base.find("://") + 3);
    request.path = "/plates/" + name;
    request.payload_hash = staging::sigv4::unsigned_payload;
    const double now = base::system_clock().unix_time();
    const auto signed_for = [&](double seconds) {
        return m_base + request.path + "?"
            + staging::sigv4::presign(request, keys, {"eu-west-1"}, now - 7200, seconds);
    };
    EXPECT_EQ(get(signed_for(7260)).body, object.bytes);
    const transport::HttpResponse expired = get(signed_for(3600));
    EXPECT_EQ(expired.status, 403);
    EXPECT_THAT(expired.body, HasSubstr("Request has expired"));
    made->remove(name, m_cancel);
}

TEST_F(RealS3, WrongKeys)
{
    {
        const Variable secret("AWS_SECRET_ACCESS_KEY", "of-somebody-else");
        EXPECT_THAT(error_of(setting()),
                    HasSubstr("403 SignatureDoesNotMatch: Judged by AWS' own "
                              "signer.; the secret key does not belong"));
    }
    ::setenv("AWS_SECRET_ACCESS_KEY", "S3RVER", 1);
    EXPECT_THAT(error_of("s3://nothing?region=eu-west-1&endpoint=" + m_base),
                HasSubstr("404 NoSuchBucket"));
    EXPECT_THAT(error_of("s3://plates?region=us-east-1&endpoint=" + m_base),
                HasSubstr("in region eu-west-1, not us-east-1: set region=eu-west-1"));
}

TEST_F(RealS3, ClockSkewIsNamed)
{
    FakeClock ahead;
    ahead.set(base::system_clock().unix_time() + 1500);
    EXPECT_THAT(error_of(setting(), &ahead),
                HasSubstr("RequestTimeTooSkewed: The difference between the request time and the "
                          "current time is too large.; this machine's clock is 2"));
    EXPECT_THAT(error_of(setting(), &ahead), HasSubstr("ahead of the server's"));
}

TEST_F(RealS3, IsCheckedFromOutside)
{
    Settings settings;
    settings.set("endpoint", "http://127.0.0.1:1");
    std::string names;
    for (const StageStep& step : check_stage(settings, setting())) {
        EXPECT_TRUE(step.ok) << step.name << ": " << step.result;
        names += step.name + " ";
    }
    EXPECT_EQ(names, "setting upload fetch bytes type signature reachable listing delete gone ");
}
