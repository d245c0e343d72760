#include "staging/setting.h"

#include "base/secret.h"

#include <klio/error.h>
#include <klio/staging.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace klio;
using staging::parse_stage_setting;
using ::testing::HasSubstr;
using ::testing::Not;

namespace {

std::string error_of(const std::string& text)
{
    try {
        parse_stage_setting(text);
    } catch (const UsageError& error) {
        return error.what();
    }
    return "no error";
}

} // namespace

TEST(StageSetting, KnowsTheFourWays)
{
    EXPECT_EQ(parse_stage_setting("inline").kind, "inline");
    const auto s3 = parse_stage_setting("s3://plates/shots/a?region=eu-west-1");
    EXPECT_EQ(s3.kind, "s3");
    EXPECT_EQ(s3.base, "plates");
    EXPECT_EQ(s3.path, "shots/a/");
    EXPECT_EQ(s3.parameter("region"), "eu-west-1");
    const auto http = parse_stage_setting("HTTPS://Dav.Example.com:443/klio?public=https://cdn/x");
    EXPECT_EQ(http.base, "https://dav.example.com");
    EXPECT_EQ(http.path, "/klio/");
    const auto file = parse_stage_setting("file:///srv/www/klio?public=https://p.example.com/k");
    EXPECT_EQ(file.kind, "file");
    EXPECT_EQ(file.path, "/srv/www/klio/");
}

TEST(StageSetting, ItsTextMakesTheSameSettingAgain)
{
    for (const char* text :
         {"inline", "s3://b", "s3://b/two words/Größe?endpoint=http://127.0.0.1:9000&style=path",
          "s3://b/two%20words/Gr%C3%B6%C3%9Fe?endpoint=http%3A%2F%2F127.0.0.1%3A9000&style=path",
          "https://h:8443/a%20b/", "file:///srv/ä b?public=https://p/%C3%A4%20b/"}) {
        const auto once = parse_stage_setting(text);
        const auto twice = parse_stage_setting(once.text());
        EXPECT_EQ(once.text(), twice.text()) << text;
        EXPECT_EQ(once.path, twice.path) << text;
        EXPECT_EQ(once.parameters, twice.parameters) << text;
    }
    EXPECT_EQ(parse_stage_setting("s3://b/two words/Größe").path, "two words/Größe/");
    EXPECT_EQ(parse_stage_setting("s3://b/two%20words/Gr%C3%B6%C3%9Fe").path, "two words/Größe/");
}

TEST(StageSetting, AnEmptyOneNamesTheFourWays)
{
    for (const char* text : {"", "ftp://x/y", "plates"})
        for (const char* way : {"s3://", "https://", "file:///", "inline"})
            EXPECT_THAT(error_of(text), HasSubstr(way)) << text;
    EXPECT_THAT(error_of("ftp://x/y"), HasSubstr("ftp://x/y"));
}

TEST(StageSetting, ItsExamplesCanBeCopiedFromAMaskedMessage)
{
    EXPECT_EQ(base::mask(stage_help()), stage_help());
    EXPECT_EQ(base::mask("s3://b?endpoint=https://user:hunter2@h&region=eu-1&X-Amz-Signature=ab12"),
              "s3://b?endpoint=https://***@h&region=eu-1&X-Amz-Signature=***");
}

TEST(StageSetting, SaysWhatIsMissing)
{
    EXPECT_THAT(error_of("s3:///prefix"), HasSubstr("a bucket is missing"));
    EXPECT_THAT(error_of("file:///srv/www"), HasSubstr("?public="));
    EXPECT_THAT(error_of("file://?public=https://p/"), HasSubstr("a folder is missing"));
    EXPECT_THAT(error_of("file://srv/www?public=https://p/"), HasSubstr("three slashes"));
    EXPECT_THAT(error_of("https:///x"), HasSubstr("a host is missing"));
}

TEST(StageSetting, SuggestsTheNearestParameter)
{
    EXPECT_THAT(error_of("s3://b?regoin=x"), HasSubstr("did you mean 'region'?"));
    EXPECT_THAT(error_of("https://h/?sig=abc"), HasSubstr("KLIO_STAGE_QUERY"));
}

TEST(StageSetting, RefusesWhatServersFoldInDifferentWays)
{
    EXPECT_THAT(error_of("s3://b/a/../c"), HasSubstr("'..'"));
    EXPECT_THAT(error_of("s3://b/a/%2e%2e/c"), HasSubstr("'..'"));
    EXPECT_THAT(error_of("https://h/a//c"), HasSubstr("'//'"));
    EXPECT_THAT(error_of("s3://b/a%0Ab"), HasSubstr("a character"));
    EXPECT_THAT(error_of("s3://b/a%2Fb"), HasSubstr("a character"));
    EXPECT_THAT(error_of("s3://b/%ff"), HasSubstr("UTF-8"));
    EXPECT_THAT(error_of("s3://b/a#b"), HasSubstr("%23"));
}

TEST(StageSetting, HttpIsForLoopbackAlone)
{
    EXPECT_THAT(error_of("http://dav.example.com/x"), HasSubstr("use https"));
    EXPECT_THAT(error_of("http://127.0.0.1.example.com/x"), HasSubstr("use https"));
    EXPECT_THAT(error_of("s3://b?endpoint=http://minio:9000"), HasSubstr("use https"));
    EXPECT_THAT(error_of("file:///srv?public=http://p.example.com/"), HasSubstr("use https"));
    EXPECT_EQ(parse_stage_setting("http://127.0.0.1:80/x").base, "http://127.0.0.1");
    EXPECT_EQ(parse_stage_setting("http://[::1]:8080/x").base, "http://[::1]:8080");
    EXPECT_EQ(parse_stage_setting("s3://b?endpoint=http://localhost:9000").parameter("endpoint"),
              "http://localhost:9000");
}

TEST(StageSetting, KeysDoNotBelongInIt)
{
    for (const char* text :
         {"https://user:hunter2secret@h/x", "s3://key:hunter2secret@b/x",
          "file:///srv?public=https://user:hunter2secret@h/",
          "s3://b?endpoint=https://u:hunter2secret@h", "s3://b?secret_key=hunter2secret"}) {
        EXPECT_THAT(error_of(text), Not(HasSubstr("hunter2"))) << text;
        EXPECT_NE(error_of(text), "no error") << text;
    }
}
