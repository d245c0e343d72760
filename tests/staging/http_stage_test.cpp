#include "staging/server_support.h"

#include "base/secret.h"

#include <klio/error.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace klio;
using staging::make_stage;
using staging::Object;
using staging::Stage;
using staging::StagedUrl;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

namespace {

class HttpStage : public ::testing::Test {
protected:
    std::unique_ptr<Stage> stage(const std::string& path = "/dav/", const std::string& query = {})
    {
        staging::StageOptions options;
        options.secret = "a secret of the test's own";
        options.clock = &m_clock;
        options.random = &m_random;
        return make_stage(m_server.url(path) + query, m_transport, options);
    }
    StagedUrl put(const Object& object) { return stage()->put(object, 0, m_cancel); }
    std::string put_error(const std::string& path = "/dav/", const std::string& query = {})
    {
        try {
            stage(path, query)->put(test_object(), 0, m_cancel);
        } catch (const StagingError& error) {
            return error.what();
        }
        return "no error";
    }
    void answer(const std::string& method, int status, const std::string& body = {})
    {
        m_server.set_hook([=](const httplib::Request& request, httplib::Response& response) {
            if (request.method != method)
                return false;
            response.status = status;
            response.set_content(body, "text/plain");
            return true;
        });
    }

    FakeServer m_server;
    FakeServer m_elsewhere;
    FakeClock m_clock;
    FakeRandom m_random;
    transport::Transport m_transport;
    CancelToken m_cancel;
};

} // namespace

TEST_F(HttpStage, UploadsOnceAndGivesTheBytesBack)
{
    const Object object = test_object();
    const StagedUrl first = put(object);
    EXPECT_TRUE(first.uploaded);
    EXPECT_EQ(first.url, m_server.url("/dav/" + first.name));
    EXPECT_EQ(m_server.files().at("/dav/" + first.name), object.bytes);
    EXPECT_EQ(m_server.seen("PUT")[0].headers.find("Content-Type")->second, "image/jpeg");
    const StagedUrl second = put(object);
    EXPECT_FALSE(second.uploaded);
    EXPECT_EQ(second.url, first.url);
    EXPECT_EQ(m_server.seen("PUT").size(), 1u);
}

TEST_F(HttpStage, TheSecondRunSendsNoBytesOfTheObject)
{
    put(test_object(1000000));
    const size_t before = m_server.seen().size();
    put(test_object(1000000));
    size_t sent = 0;
    const auto seen = m_server.seen();
    for (size_t i = before; i < seen.size(); ++i)
        sent += seen[i].body.size();
    EXPECT_EQ(sent, 0u);
}

TEST_F(HttpStage, UploadsAgainWhereSomethingElseIsThere)
{
    const Object object = test_object();
    const std::string path = "/dav/" + stage()->name_of(object);
    m_server.set_file(path, object.bytes.substr(1)); // an upload that broke off
    EXPECT_TRUE(put(object).uploaded);
    std::string spoiled = object.bytes;
    spoiled.back() = static_cast<char>(~spoiled.back());
    m_server.set_file(path, spoiled); // of the right size
    EXPECT_TRUE(put(object).uploaded);
    EXPECT_EQ(m_server.files().at(path), object.bytes);
}

TEST_F(HttpStage, CredentialsGoWithTheUploadAndNowhereElse)
{
    const Variable user("KLIO_STAGE_USER", "artist");
    const Variable password("KLIO_STAGE_PASSWORD", "correct horse battery");
    FakeServer& cdn = m_elsewhere;
    const Object object = test_object();
    cdn.set_hook([&](const httplib::Request&, httplib::Response& response) {
        response.set_content(object.bytes, "image/jpeg");
        return true;
    });
    const StagedUrl staged
        = stage("/dav/", "?public=" + cdn.url("/plates"))->put(object, 0, m_cancel);
    EXPECT_EQ(staged.url, cdn.url("/plates/" + staged.name));
    const std::string basic = "Basic YXJ0aXN0OmNvcnJlY3QgaG9yc2UgYmF0dGVyeQ==";
    EXPECT_EQ(m_server.seen("PUT").at(0).authorization, basic);
    ASSERT_FALSE(cdn.seen().empty());
    for (const auto& seen : cdn.seen())
        EXPECT_EQ(seen.authorization, "");
    EXPECT_THAT(base::mask("sent " + basic), Not(HasSubstr(basic.substr(6))));
}

TEST_F(HttpStage, TokenHeaderAndQueryFromTheEnvironment)
{
    const Variable token("KLIO_STAGE_TOKEN", "token-of-the-store");
    const Variable header("KLIO_STAGE_HEADER", "x-ms-blob-type: BlockBlob\nX-Store-Key: k1234567");
    const Variable query("KLIO_STAGE_QUERY", "?sv=2024&sig=signature%2Fthat%2Fis%2Flong");
    const StagedUrl staged = put(test_object());
    EXPECT_EQ(staged.url.find('?'), std::string::npos);
    const auto sent = m_server.seen("PUT").at(0);
    EXPECT_EQ(sent.authorization, "Bearer token-of-the-store");
    EXPECT_EQ(sent.headers.find("x-ms-blob-type")->second, "BlockBlob");
    EXPECT_EQ(sent.headers.find("X-Store-Key")->second, "k1234567");
    EXPECT_EQ(sent.query, "sv=2024&sig=signature%2Fthat%2Fis%2Flong");
    stage()->remove(staged.name, m_cancel);
    EXPECT_EQ(m_server.seen("DELETE").at(0).query, sent.query);
    // The public fetch carries none of it.
    EXPECT_EQ(m_server.seen("GET").at(0).authorization, "");
    EXPECT_EQ(m_server.seen("GET").at(0).query, "");
    EXPECT_THAT(stage()->identity(), Not(HasSubstr("signature")));
}

TEST_F(HttpStage, TwoKindsOfCredentialsAreRefused)
{
    const Variable token("KLIO_STAGE_TOKEN", "token-of-the-store");
    const Variable user("KLIO_STAGE_USER", "artist");
    EXPECT_THROW(stage(), UsageError);
}

TEST_F(HttpStage, AServerThatStoresNothingIsNoticed)
{
    answer("PUT", 200);
    EXPECT_THAT(put_error(), HasSubstr("uploaded, but the public URL"));
    EXPECT_THAT(put_error(), HasSubstr("404 Not Found"));
}

TEST_F(HttpStage, AServerThatAnswersEverythingWithAPageIsNoticed)
{
    answer("GET", 200, "<html>Welcome</html>");
    EXPECT_THAT(put_error(), HasSubstr("other bytes come back"));
}

TEST_F(HttpStage, AServerThatKeepsHalfIsNoticed)
{
    m_server.set_hook([&](const httplib::Request& request, httplib::Response& response) {
        if (request.method != "PUT")
            return false;
        m_server.set_file(request.path, request.body.substr(0, request.body.size() / 2));
        response.status = 201;
        return true;
    });
    EXPECT_THAT(put_error(), HasSubstr("does not give it back"));
}

TEST_F(HttpStage, RefusedUploadsSayWhatToSet)
{
    answer("PUT", 403, "only for members");
    EXPECT_THAT(put_error(), HasSubstr("403 Forbidden: only for members; set KLIO_STAGE_USER"));
    const Variable password("KLIO_STAGE_PASSWORD", "correct horse battery");
    EXPECT_THAT(put_error(), HasSubstr("check KLIO_STAGE_USER"));
    EXPECT_THAT(put_error(), Not(HasSubstr("correct")));
    answer("PUT", 409);
    EXPECT_THAT(put_error(), HasSubstr("the folder is not there"));
    answer("PUT", 413);
    EXPECT_THAT(put_error(), HasSubstr("at least 1 MB"));
    answer("PUT", 507, "quota exceeded");
    EXPECT_THAT(put_error(),
                HasSubstr("507 Insufficient Storage: quota exceeded; is the server's"));
}

TEST_F(HttpStage, APublicUrlThatIsNotPublicIsNoticed)
{
    answer("GET", 403, "members only");
    EXPECT_THAT(put_error(), HasSubstr("without credentials: 403 Forbidden: members only"));
}

TEST_F(HttpStage, UploadsAreNotSentOn)
{
    FakeServer& elsewhere = m_elsewhere;
    m_server.set_hook([&](const httplib::Request& request, httplib::Response& response) {
        if (request.method != "PUT")
            return false;
        response.set_redirect(elsewhere.url(request.path), 307);
        return true;
    });
    EXPECT_THAT(put_error(),
                HasSubstr("set the stage to where it leads (" + elsewhere.url("/dav/")));
    EXPECT_TRUE(elsewhere.seen().empty());
}

TEST_F(HttpStage, WhatMayPassIsTriedAgain)
{
    int failures = 2;
    m_server.set_hook([&](const httplib::Request& request, httplib::Response& response) {
        if (request.method != "PUT" || failures-- <= 0)
            return false;
        response.status = 503;
        if (failures == 0)
            response.set_header("Retry-After", "7");
        return true;
    });
    EXPECT_TRUE(put(test_object()).uploaded);
    EXPECT_EQ(m_server.seen("PUT").size(), 3u);
    // Half a second with half of its jitter, then what the server asked for.
    EXPECT_THAT(m_clock.sleeps(), ElementsAre(0.375, 7));
}

TEST_F(HttpStage, WhatDoesNotPassIsGivenUp)
{
    answer("PUT", 500, "");
    EXPECT_THAT(put_error(), HasSubstr("500 Internal Server Error"));
    EXPECT_EQ(m_server.seen("PUT").size(), 4u);
}

TEST_F(HttpStage, ADeadServerIsNamed)
{
    std::string address;
    {
        const FakeServer dead;
        address = dead.url("/dav/");
    }
    staging::StageOptions options;
    options.secret = "s";
    options.clock = &m_clock;
    try {
        make_stage(address, m_transport, options)->put(test_object(), 0, m_cancel);
        FAIL();
    } catch (const StagingError& error) {
        EXPECT_THAT(error.what(), HasSubstr(address));
        EXPECT_THAT(error.what(), HasSubstr("no answer"));
    }
}

TEST_F(HttpStage, RemovesAndIsContentWhereItIsGone)
{
    const StagedUrl staged = put(test_object());
    stage()->remove(staged.name, m_cancel);
    EXPECT_TRUE(m_server.files().empty());
    stage()->remove(staged.name, m_cancel);
    answer("DELETE", 405);
    EXPECT_THROW(stage()->remove(staged.name, m_cancel), StagingError);
}

TEST_F(HttpStage, CancellingEndsIt)
{
    answer("PUT", 503);
    m_cancel.cancel();
    EXPECT_THROW(put(test_object()), CancelledError);
}

TEST_F(HttpStage, APrefixMayHaveSpacesAndUmlauts)
{
    const StagedUrl staged = stage("/dav/Größe 1/ä&b=c/")->put(test_object(), 0, m_cancel);
    EXPECT_THAT(staged.url, HasSubstr("/dav/Gr%C3%B6%C3%9Fe%201/%C3%A4%26b%3Dc/"));
    EXPECT_EQ(m_server.files().count("/dav/Größe 1/ä&b=c/" + staged.name), 1u);
}

TEST_F(HttpStage, ItsIdentityMakesItAgain)
{
    const auto once = stage("/dav/Größe 1/", "?public=" + m_server.url("/dav/Gr%C3%B6%C3%9Fe%201"));
    staging::StageOptions options;
    options.secret = "a secret of the test's own";
    const auto again = make_stage(once->identity(), m_transport, options);
    EXPECT_EQ(again->identity(), once->identity());
    EXPECT_EQ(again->put(test_object(), 0, m_cancel).url,
              once->put(test_object(), 0, m_cancel).url);
}
