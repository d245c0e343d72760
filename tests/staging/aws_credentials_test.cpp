#include "staging/aws_credentials.h"

#include "base/file.h"
#include "base/secret.h"

#include <klio/error.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <map>

using namespace klio;
using ::testing::HasSubstr;
using ::testing::Not;

namespace {

class AwsCredentials : public ::testing::Test {
protected:
    void SetUp() override
    {
        m_folder = ::testing::TempDir() + "klio-aws-" + std::to_string(::getpid());
        std::filesystem::create_directories(m_folder + "/.aws");
        set("HOME", m_folder);
    }
    void TearDown() override { std::filesystem::remove_all(m_folder); }
    void set(const std::string& name, const std::string& value) { m_values[name] = value; }
    void write(const std::string& name, const std::string& text)
    {
        base::write_file_atomic(m_folder + "/" + name, text);
    }
    staging::AwsSettings find(const std::string& profile = {})
    {
        return staging::find_aws_settings(profile, [this](const char* name) {
            const auto found = m_values.find(name);
            return found == m_values.end() ? std::string() : found->second;
        });
    }
    std::string error(const std::string& profile = {})
    {
        try {
            find(profile);
        } catch (const StagingError& error) {
            return error.what();
        }
        return "no error";
    }

    std::string m_folder;
    std::map<std::string, std::string> m_values;
};

constexpr const char* credentials_file = R"(# comment
[default]
aws_access_key_id = DEFAULTID
aws_secret_access_key=default/secret+key==

[studio]
aws_access_key_id=STUDIOID
aws_secret_access_key=studiosecretkey
aws_session_token=studiosessiontoken
)";

constexpr const char* config_file = R"([default]
region = us-west-2
[profile studio]
region=eu-central-1
endpoint_url = https://s3.studio.example.com
s3 =
    addressing_style = path
[profile sso]
sso_start_url = https://example.awsapps.com/start
region=eu-west-3
[profile half]
aws_access_key_id = HALFID
)";

} // namespace

TEST_F(AwsCredentials, EnvironmentFirst)
{
    write(".aws/credentials", credentials_file);
    set("AWS_ACCESS_KEY_ID", "ENVID");
    set("AWS_SECRET_ACCESS_KEY", "environmentsecret");
    set("AWS_SESSION_TOKEN", "environmenttoken");
    set("AWS_CREDENTIAL_EXPIRATION", "2026-01-31T12:00:00Z");
    const auto settings = find();
    EXPECT_EQ(settings.credentials.access_key, "ENVID");
    EXPECT_EQ(settings.credentials.secret_key.reveal(), "environmentsecret");
    EXPECT_EQ(settings.credentials.session_token.reveal(), "environmenttoken");
    EXPECT_EQ(settings.credentials.expires_at, 1769860800);
    EXPECT_EQ(base::mask("x environmentsecret y environmenttoken"), "x *** y ***");
}

TEST_F(AwsCredentials, ProfilesFromTheUsualFiles)
{
    write(".aws/credentials", credentials_file);
    write(".aws/config", config_file);
    auto settings = find();
    EXPECT_EQ(settings.credentials.access_key, "DEFAULTID");
    EXPECT_EQ(settings.credentials.secret_key.reveal(), "default/secret+key==");
    EXPECT_EQ(settings.region, "us-west-2");
    set("AWS_PROFILE", "studio");
    settings = find();
    EXPECT_EQ(settings.credentials.access_key, "STUDIOID");
    EXPECT_EQ(settings.credentials.session_token.reveal(), "studiosessiontoken");
    EXPECT_EQ(settings.region, "eu-central-1");
    EXPECT_EQ(settings.endpoint, "https://s3.studio.example.com");
}

TEST_F(AwsCredentials, AProfileAskedForByNameWinsOverTheEnvironment)
{
    write(".aws/credentials", credentials_file);
    write(".aws/config", config_file);
    set("AWS_ACCESS_KEY_ID", "ENVID");
    set("AWS_SECRET_ACCESS_KEY", "environmentsecret");
    set("AWS_REGION", "ap-south-1");
    const auto settings = find("studio");
    EXPECT_EQ(settings.credentials.access_key, "STUDIOID");
    EXPECT_EQ(settings.region, "eu-central-1");
}

TEST_F(AwsCredentials, FilesNamedByTheEnvironment)
{
    write("keys.ini", credentials_file);
    write("conf.ini", config_file);
    set("AWS_SHARED_CREDENTIALS_FILE", m_folder + "/keys.ini");
    set("AWS_CONFIG_FILE", m_folder + "/conf.ini");
    EXPECT_EQ(find("studio").credentials.access_key, "STUDIOID");
    EXPECT_EQ(find("studio").region, "eu-central-1");
}

TEST_F(AwsCredentials, SaysWhatIsMissingWithoutShowingAKey)
{
    EXPECT_THAT(error(), HasSubstr("AWS_ACCESS_KEY_ID"));
    EXPECT_THAT(error("studio"), HasSubstr("no profile 'studio'"));
    write(".aws/config", config_file);
    EXPECT_THAT(error("sso"), HasSubstr("export-credentials --profile 'sso'"));
    EXPECT_THAT(error("half"), HasSubstr("only one of"));
    set("AWS_SECRET_ACCESS_KEY", "environmentsecret");
    EXPECT_THAT(error(), HasSubstr("AWS_ACCESS_KEY_ID is not set"));
    EXPECT_THAT(error(), Not(HasSubstr("environmentsecret")));
}

TEST(IsoTime, WithZoneAndFractions)
{
    EXPECT_EQ(staging::parse_iso_time("2013-05-24T00:00:00Z"), 1369353600);
    EXPECT_EQ(staging::parse_iso_time("2013-05-24T02:00:00.5+02:00"), 1369353600);
    EXPECT_EQ(staging::parse_iso_time("yesterday"), 0);
}
