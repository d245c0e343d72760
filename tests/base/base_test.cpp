#include "base/encoding.h"
#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "base/secret.h"
#include "base/sha256.h"

#include <klio/error.h>
#include <klio/progress.h>
#include <klio/settings.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <thread>

using namespace klio;
using namespace klio::base;
using ::testing::HasSubstr;
using ::testing::Not;

namespace {

class Folder {
public:
    Folder()
    {
        std::string name = "/tmp/klio-test-XXXXXX";
        m_path = mkdtemp(name.data());
    }
    ~Folder()
    {
        std::error_code ignored;
        std::filesystem::remove_all(m_path, ignored);
    }
    std::string operator/(const std::string& name) const { return m_path + "/" + name; }
    const std::string& path() const { return m_path; }

private:
    std::string m_path;
};

} // namespace

TEST(Sha256, KnownAnswers)
{
    // FIPS 180-4 examples; RFC 4231, test case 2.
    EXPECT_EQ(sha256_hex("abc"),
              "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    EXPECT_EQ(sha256_hex(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    const Digest mac = hmac_sha256("Jefe", "what do ya want for nothing?");
    EXPECT_EQ(hex(mac.data(), mac.size()),
              "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

TEST(Sha256, OfAFileIsThatOfItsBytes)
{
    Folder folder;
    const std::string bytes = random_bytes(3'000'000);
    write_file_atomic(folder / "x", bytes);
    EXPECT_EQ(sha256_file(folder / "x"), sha256_hex(bytes));
    EXPECT_THROW(sha256_file(folder / "missing"), ReferenceError);
}

TEST(Base64, RoundTripsEverySizeAndAlphabet)
{
    for (size_t size = 0; size < 70; ++size) {
        const std::string bytes = random_bytes(size);
        std::string back;
        ASSERT_TRUE(base64_decode(base64(bytes.data(), size), back));
        EXPECT_EQ(back, bytes);
        ASSERT_TRUE(base64_decode(base64url(bytes.data(), size), back));
        EXPECT_EQ(back, bytes);
    }
    EXPECT_EQ(base64("foob", 4), "Zm9vYg=="); // RFC 4648, section 10
    std::string out;
    EXPECT_FALSE(base64_decode("Zm9v!", out));
    EXPECT_FALSE(base64_decode("Z", out));
    EXPECT_TRUE(base64_decode("Zm9v\nYmFy", out));
    EXPECT_EQ(out, "foobar");
    const std::string large(7'000'001, 'x');
    ASSERT_TRUE(base64_decode(base64(large.data(), large.size()), out));
    EXPECT_EQ(out, large);
}

TEST(PercentEncoding, RoundTrips)
{
    EXPECT_EQ(percent_encode("a b/\xC3\xA9", "/"), "a%20b/%C3%A9");
    EXPECT_EQ(percent_decode("a%20b%2F%C3%a9"), "a b/\xC3\xA9");
    EXPECT_EQ(percent_decode("100%"), "100%");
    EXPECT_EQ(percent_decode("%zz%4"), "%zz%4");
}

TEST(Utf8, CountsCharactersAndFindsBrokenText)
{
    EXPECT_EQ(utf8_length("h\xC3\xA9\xE7\x8C\xAB\xF0\x9F\x90\xB1"), 4u);
    EXPECT_TRUE(utf8_valid("\xF4\x8F\xBF\xBF"));
    EXPECT_FALSE(utf8_valid("\xF4\x90\x80\x80")); // beyond Unicode
    EXPECT_FALSE(utf8_valid("\xED\xA0\x80"));     // a surrogate
    EXPECT_FALSE(utf8_valid("\xC0\x80"));         // overlong
    EXPECT_FALSE(utf8_valid("\xE7\x8C"));         // cut off
}

TEST(Nearest, FindsSlipsAndNothingElse)
{
    const std::vector<std::string> words = {"prompt", "images", "aspect_ratio"};
    EXPECT_EQ(nearest("promtp", words), "prompt");
    EXPECT_EQ(nearest("aspect-ratio", words), "aspect_ratio");
    EXPECT_EQ(nearest("zzzzz", words), "");
    EXPECT_EQ(edit_distance("ab", "ba"), 1u);
}

TEST(Mask, HidesRegisteredSecretsEverywhere)
{
    const Secret secret("aio_s3cret/value+1");
    EXPECT_THAT(mask("key aio_s3cret/value+1 used"), Not(HasSubstr("s3cret")));
    EXPECT_THAT(mask("?k=" + percent_encode(secret.reveal())), Not(HasSubstr("s3cret")));
    EXPECT_THAT(secret.hint(), Not(HasSubstr("s3cret")));
    // As JSON has it, with its slashes escaped or not, and as a form has it in lower case.
    const Secret odd("aio/qu\"ote\\tail");
    for (const char* form : {R"(aio/qu\"ote\\tail)", R"(aio\/qu\"ote\\tail)",
                             "aio%2Fqu%22ote%5Ctail", "aio%2fqu%22ote%5ctail"}) {
        EXPECT_EQ(mask(std::string("key ") + form + ", used"), "key ***, used");
        std::string text = std::string("\"") + form + "\"";
        mask_secret(text, odd);
        EXPECT_EQ(text, "\"***\"");
    }
    // A word is no secret: it stands in hosts, ids and pictures.
    std::string text = "http://localhost/x";
    mask_secret(text, Secret("local"));
    EXPECT_EQ(text, "http://localhost/x");
}

TEST(Mask, HidesBearerTokensAndSignedUrls)
{
    EXPECT_EQ(mask("Authorization: Bearer abc123def456"), "Authorization: Bearer ***");
    EXPECT_EQ(mask("GET https://h/p/x.png?X-Amz-Signature=abc&X-Amz-Date=1 failed"),
              "GET https://h/p/x.png?X-Amz-Signature=***&X-Amz-Date=*** failed");
    EXPECT_EQ(mask("https://user:pass@host/path"), "https://***@host/path");
    EXPECT_EQ(mask("https://h/x.png?Signature=abc: HTTP 403"),
              "https://h/x.png?Signature=***: HTTP 403");
    // As PHP and Go write URLs into JSON.
    EXPECT_EQ(mask(R"({"url":"https:\/\/h\/x?X-Amz-Signature=abc","a":1})"),
              R"({"url":"https://h/x?X-Amz-Signature=***","a":1})");
    EXPECT_EQ(mask(R"({"url":"https://h/x?a=1\u0026X-Amz-Signature=abc","a":1})"),
              R"({"url":"https://h/x?a=***&X-Amz-Signature=***","a":1})");
    EXPECT_EQ(mask(R"({"url":"https:\/\/h\/x"})"), R"({"url":"https:\/\/h\/x"})");
    EXPECT_EQ(mask("see https://apiin.one/docs."), "see https://apiin.one/docs.");
    const std::string data = "data:image/png;base64," + std::string(100, 'A');
    EXPECT_THAT(mask("{\"images\": [\"" + data + "\"]}"), Not(HasSubstr("AAAA")));
    EXPECT_EQ(mask(""), "");
    EXPECT_EQ(mask("://"), "://");
}

TEST(Log, LinesAreMaskedBeforeAnythingSeesThem)
{
    const Secret secret("aio_another_secret");
    std::string seen;
    set_log_sink([&](LogLevel, const std::string& line) { seen += line; });
    log(LogLevel::error, "sent aio_another_secret");
    log(LogLevel::debug, "too quiet to be seen");
    set_log_sink({});
    EXPECT_EQ(seen, "sent ***");
}

TEST(Json, SaysWhere)
{
    Json value;
    JsonError error;
    EXPECT_FALSE(parse_json("{\"a\": 1,\n \"b\": }", value, error));
    EXPECT_EQ(error.line, 2u);
    EXPECT_EQ(error.column, 7u);
    EXPECT_TRUE(parse_json("\xEF\xBB\xBF{\"a\": 1}", value, error));
    EXPECT_EQ(value["a"], 1);
    EXPECT_FALSE(parse_json("", value, error));
    EXPECT_FALSE(parse_json("{} trailing", value, error));
}

TEST(Json, DepthIsLimited)
{
    Json value;
    JsonError error;
    EXPECT_TRUE(parse_json(std::string(64, '[') + std::string(64, ']'), value, error));
    std::string many = "[0";
    for (size_t i = 0; i < max_values; ++i)
        many += ",0";
    EXPECT_FALSE(parse_json(many + "]", value, error));
    EXPECT_NE(error.message.find("values"), std::string::npos) << error.message;
    EXPECT_TRUE(parse_json(many.substr(0, many.size() - 4) + "]", value, error));
    EXPECT_FALSE(parse_json(std::string(65, '[') + std::string(65, ']'), value, error));
    EXPECT_THAT(error.message, HasSubstr("64 levels"));
    EXPECT_FALSE(parse_json(std::string(10'000'000, '['), value, error));
    EXPECT_FALSE(parse_json(std::string(5'000'000, '{'), value, error));
}

TEST(File, IsWrittenWholeOrNotAtAll)
{
    Folder folder;
    write_file_atomic(folder / "a", "one");
    write_file_atomic(folder / "a", "two");
    EXPECT_EQ(read_file(folder / "a"), "two");
    EXPECT_THROW(write_file_atomic(folder / "missing/a", "x"), OutputError);
    int entries = 0;
    for (const auto& entry : std::filesystem::directory_iterator(folder.path()))
        entries += entry.exists() ? 1 : 0;
    EXPECT_EQ(entries, 1) << "a temporary file was left behind";
}

TEST(File, ReadingIsCapped)
{
    Folder folder;
    write_file_atomic(folder / "a", std::string(1000, 'x'));
    EXPECT_EQ(read_file(folder / "a", 1000).size(), 1000u);
    EXPECT_THROW(read_file(folder / "a", 999), ReferenceError);
    EXPECT_THROW(read_file("/dev/zero", 100000), ReferenceError);
    EXPECT_THROW(read_file(folder.path()), ReferenceError);
}

TEST(Cancel, WakesAWaiter)
{
    CancelToken token;
    std::thread other([token] { token.cancel(); });
    EXPECT_TRUE(token.wait(60));
    other.join();
    EXPECT_THROW(token.check("x"), CancelledError);
    EXPECT_FALSE(CancelToken().wait(0));
}

class SettingsTest : public ::testing::Test {
protected:
    void SetUp() override
    {
        for (const char* name :
             {"KLIO_API_KEY", "KLIO_KEY_FILE", "KLIO_CONFIG", "KLIO_HOME", "KLIO_BUDGET"})
            unsetenv(name);
        setenv("XDG_CONFIG_HOME", m_folder.path().c_str(), 1);
    }
    void config(const std::string& text)
    {
        make_folders(m_folder / "klio");
        write_file_atomic(m_folder / "klio/config.json", text);
    }
    Folder m_folder;
};

TEST_F(SettingsTest, FlagThenEnvironmentThenFileThenDefault)
{
    EXPECT_EQ(Settings().get("timeout"), "1200");
    config(R"({"timeout": 60, "budget": "100"})");
    EXPECT_EQ(Settings().number("timeout", 0), 60);
    setenv("KLIO_BUDGET", "50", 1);
    Settings settings;
    EXPECT_EQ(settings.get("budget"), "50");
    settings.set("budget", "7");
    EXPECT_EQ(settings.get("budget"), "7");
    for (const Setting& setting : settings.all()) {
        if (setting.name == "timeout") {
            EXPECT_THAT(setting.origin, HasSubstr("config.json"));
        }
    }
}

TEST_F(SettingsTest, MistakesAreNamed)
{
    config(R"({"time_out": 60})");
    EXPECT_THROW(Settings(), UsageError);
    config("{");
    EXPECT_THROW(Settings(), UsageError);
    config(R"({"api_key": "aio_x"})");
    EXPECT_THROW(Settings(), UsageError);
    config(R"({"timeout": "soon"})");
    EXPECT_THROW(Settings().number("timeout", 0), UsageError);
    EXPECT_THROW(Settings().get("nonsense"), UsageError);
}

TEST_F(SettingsTest, TheKeyComesFromTheEnvironmentOrAFileThatIsOnesOwn)
{
    EXPECT_EQ(Settings().api_key(), "");
    EXPECT_EQ(Settings().api_key_origin(), "not set");
    make_folders(m_folder / "klio");
    write_file_atomic(m_folder / "klio/key", "aio_from_file\n", 0600);
    EXPECT_EQ(Settings().api_key(), "aio_from_file");
    chmod((m_folder / "klio/key").c_str(), 0644);
    EXPECT_THROW(Settings().api_key(), KeyError);
    setenv("KLIO_API_KEY", "aio_from_env", 1);
    EXPECT_EQ(Settings().api_key(), "aio_from_env");
    for (const Setting& setting : Settings().all())
        EXPECT_THAT(setting.value, Not(HasSubstr("aio_from")));
    unsetenv("KLIO_API_KEY");
    setenv("KLIO_KEY_FILE", "/nonexistent/key", 1);
    EXPECT_THROW(Settings().api_key(), KeyError);
    unsetenv("KLIO_KEY_FILE");
}

TEST(Errors, EachKindHasItsClassAndANameThatReadsBack)
{
    for (int code : {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 130}) {
        const auto kind = static_cast<ErrorKind>(code);
        ErrorKind back = ErrorKind::internal;
        EXPECT_TRUE(error_kind_from_string(to_string(kind), back));
        EXPECT_EQ(back, kind);
        try {
            throw_error(kind, "x");
        } catch (const Error& error) {
            EXPECT_EQ(error.exit_code(), code);
        }
    }
    EXPECT_THROW(throw_error(ErrorKind::credits, "x"), CreditsError);
    EXPECT_THROW(throw_error(ErrorKind::unknown, "x"), UnknownCreateError);
}
