#include <klio/recipe.h>
#include <klio/request.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

using namespace klio;
using ::testing::HasSubstr;

namespace {

Request good()
{
    Request request;
    request.prompt = "a plate";
    return request;
}

std::string rules(const Request& request)
{
    std::string text;
    for (const Problem& problem : validate(request))
        text += problem.field + "=" + problem.value + ": " + problem.rule + "\n";
    return text;
}

} // namespace

TEST(Validate, DefaultsWithAPromptAreFit)
{
    EXPECT_EQ(rules(good()), "");
}

TEST(Validate, EveryProblemIsReportedAtOnce)
{
    Request request;
    request.prompt = std::string(2507, 'x');
    request.type = "image-to-imgae";
    request.images.assign(11, "a.exr");
    request.aspect_ratio = "16x9";
    request.resolution = "4k";
    request.num_images = 10;
    request.take = 0;
    const std::string text = rules(request);
    EXPECT_THAT(text, HasSubstr("7 over the 2500"));
    EXPECT_THAT(text, HasSubstr("did you mean image-to-image?"));
    EXPECT_THAT(text, HasSubstr("leave out 1"));
    EXPECT_THAT(text,
                HasSubstr("1:1, 16:9, 9:16, 4:3, 3:4, 3:2, 2:3, 21:9, auto; did you mean 16:9?"));
    EXPECT_THAT(text, HasSubstr("resolution=4k"));
    EXPECT_THAT(text, HasSubstr("num_images=10: must be 1 to 9"));
    EXPECT_THAT(text, HasSubstr("take=0"));
    EXPECT_EQ(validate(request).size(), 7u);
}

TEST(Validate, AnotherRatioIsAnsweredWithTheNearestByValue)
{
    Request request = good();
    const auto meant = [&](const char* ratio) {
        request.aspect_ratio = ratio;
        return rules(request);
    };
    EXPECT_THAT(meant("5:4"), HasSubstr("did you mean 4:3?"));
    EXPECT_THAT(meant("2.39"), HasSubstr("did you mean 21:9?"));
    EXPECT_THAT(meant("1080x1920"), HasSubstr("did you mean 9:16?"));
    EXPECT_THAT(meant("16;9"), HasSubstr("did you mean 16:9?"));
    EXPECT_THAT(meant("0:0"), HasSubstr("must be one of"));
}

TEST(Validate, ThePromptIsCountedInCharactersNotBytes)
{
    Request request;
    for (int i = 0; i < 2500; ++i)
        request.prompt += "\xE7\x8C\xAB"; // a cat, three bytes
    EXPECT_EQ(rules(request), "");
    request.prompt += "\xE7\x8C\xAB";
    EXPECT_THAT(rules(request), HasSubstr("has 2501 characters, 1 over"));
}

TEST(Validate, BlankAndBrokenPromptsAreRefused)
{
    Request request = good();
    request.prompt = " \n\t";
    EXPECT_THAT(rules(request), HasSubstr("required"));
    request.prompt = "\xFF\xFE";
    EXPECT_THAT(rules(request), HasSubstr("UTF-8"));
}

TEST(Validate, APromptMayNameOnlyReferencesThatAreThere)
{
    Request request = good();
    request.prompt = "<<<image_1>>> beside <<<image_2>>>";
    request.images = {"a.exr"};
    EXPECT_THAT(rules(request), HasSubstr("<<<image_2>>>"));
    request.images.push_back("b.exr");
    EXPECT_EQ(rules(request), "");
}

TEST(Validate, MultiShotNeedsAReferenceAndWarnsOfTwo)
{
    Request request = good();
    request.type = "ai-multi-shot";
    EXPECT_THAT(rules(request), HasSubstr("needs one reference"));
    request.images = {"a.exr"};
    EXPECT_EQ(rules(request), "");
    EXPECT_TRUE(warnings(request).empty());
    request.images.push_back("b.exr");
    EXPECT_EQ(rules(request), "");
    EXPECT_EQ(warnings(request).size(), 1u);
}

TEST(Validate, OtherSchemesThanHttpAreNoReferences)
{
    Request request = good();
    request.images = {"file:///etc/passwd", "ftp://host/a.png", ""};
    EXPECT_EQ(validate(request).size(), 3u);
}

TEST(Validate, AnotherModelHasNoneOfThisModelsLimits)
{
    Request request;
    request.model = "other-model";
    request.prompt = std::string(9000, 'x');
    request.aspect_ratio = "5:4";
    request.resolution = "4k";
    request.num_images = 12;
    request.params["seed"] = "7";
    EXPECT_EQ(rules(request), "");
    EXPECT_FALSE(price(request).known);
    request.params["style"] = "bold";
    EXPECT_THAT(rules(request), HasSubstr("no JSON"));
}

TEST(Price, IsAFloorByType)
{
    Request request = good();
    EXPECT_EQ(price(request).credits_at_least, 6);
    EXPECT_THAT(price(request).text(), HasSubstr("at least 6 credits"));
    request.num_images = 9; // whether the count multiplies is unknown: the floor stays
    EXPECT_EQ(price(request).credits_at_least, 6);
    request.type = "ai-multi-shot";
    EXPECT_EQ(price(request).credits_at_least, 16);
}

TEST(OutputSize, FollowsTheContractsTable)
{
    const auto is = [](const char* ratio, const char* resolution, int width, int height) {
        const Size size = output_size(ratio, resolution);
        return size.width == width && size.height == height;
    };
    EXPECT_TRUE(is("16:9", "2k", 2720, 1536));
    EXPECT_TRUE(is("9:16", "1k", 768, 1360));
    EXPECT_TRUE(is("21:9", "1k", 1552, 656));
    EXPECT_TRUE(is("3:4", "2k", 1760, 2336));
    EXPECT_TRUE(is("auto", "2k", 0, 0));
    EXPECT_TRUE(is("9:21", "2k", 0, 0)); // not one of the eight
    EXPECT_TRUE(is("1:1", "4k", 0, 0));
}

TEST(OutputSize, NearestRatioIsByTheRatioOfRatios)
{
    EXPECT_EQ(nearest_aspect_ratio(4096, 2160), "16:9");
    EXPECT_EQ(nearest_aspect_ratio(1080, 1920), "9:16");
    EXPECT_EQ(nearest_aspect_ratio(2048, 858), "21:9");
    EXPECT_EQ(nearest_aspect_ratio(1000, 1001), "1:1");
    EXPECT_EQ(nearest_aspect_ratio(2048, 1536), "4:3");
}

TEST(JobKey, ChangesWithAllThatDecidesTheResult)
{
    const Request base = good();
    const std::string key = job_key(base, "https://apiin.one", {"aa"});
    EXPECT_EQ(key.size(), 64u);
    EXPECT_EQ(key, job_key(base, "https://apiin.one", {"aa"}));
    std::vector<Request> others(7, base);
    others[0].prompt += "!";
    others[1].type = "ai-multi-shot";
    others[2].aspect_ratio = "3:2";
    others[3].resolution = "2k";
    others[4].num_images = 2;
    others[5].take = 2;
    others[6].params["x"] = "1";
    for (const Request& other : others)
        EXPECT_NE(job_key(other, "https://apiin.one", {"aa"}), key);
    EXPECT_NE(job_key(base, "https://other.example", {"aa"}), key);
    EXPECT_NE(job_key(base, "https://apiin.one", {"ab"}), key);
    EXPECT_NE(job_key(base, "https://apiin.one", {"aa", "ab"}), key);
}

TEST(JobKey, IsTheSameAsInEveryReleaseSoFar)
{
    // Paid sets are found by this key: it may never change for the same request.
    EXPECT_EQ(job_key(good(), "https://apiin.one", {"aa"}),
              "5f76d70becc16b40aad5fce82a0f8a8275a31b3c48b8d4ea4af9e0162b8e657f");
}

TEST(JobKey, ThePathOfAReferenceDoesNotCount)
{
    Request a = good(), b = good();
    a.images = {"/one/plate.exr"};
    b.images = {"/two/plate.exr"};
    EXPECT_EQ(job_key(a, "https://apiin.one", {"aa"}), job_key(b, "https://apiin.one", {"aa"}));
}

TEST(RequestBody, SendsEveryFieldExplicitly)
{
    Request request = good();
    const auto body = nlohmann::json::parse(request_body(request, {"https://x/y.jpg"}));
    EXPECT_EQ(body["aspect_ratio"], "1:1");
    EXPECT_EQ(body["resolution"], "1k");
    EXPECT_EQ(body["num_images"], 1);
    EXPECT_EQ(body["type"], "image-to-image");
    EXPECT_EQ(body["images"][0], "https://x/y.jpg");
    EXPECT_FALSE(body.contains("take"));
}

TEST(RequestBody, AnotherModelGetsItsOwnFieldsAndNoneOfOurs)
{
    Request request = good();
    request.model = "other";
    request.params["seed"] = "7";
    const auto body = nlohmann::json::parse(request_body(request, {}));
    EXPECT_EQ(body, nlohmann::json::parse(R"({"model":"other","prompt":"a plate","seed":7})"));
}

TEST(Endpoint, IsNormalized)
{
    EXPECT_EQ(normalized_endpoint("HTTPS://ApiIn.One:443/"), "https://apiin.one");
    EXPECT_EQ(normalized_endpoint("http://127.0.0.1:8080//"), "http://127.0.0.1:8080");
    EXPECT_EQ(normalized_endpoint("https://host/prefix/"), "https://host/prefix");
    EXPECT_EQ(normalized_endpoint("local"), "local");
}

TEST(Endpoint, OnlyHttpsSaveForLoopback)
{
    EXPECT_THROW(normalized_endpoint("http://apiin.one"), UsageError);
    EXPECT_THROW(normalized_endpoint("http://127.0.0.1.example.com"), UsageError);
    EXPECT_THROW(normalized_endpoint("ftp://127.0.0.1"), UsageError);
    EXPECT_THROW(normalized_endpoint("apiin.one"), UsageError);
    EXPECT_THROW(normalized_endpoint("https://key@apiin.one"), UsageError);
    EXPECT_THROW(normalized_endpoint("https://apiin.one?x=1"), UsageError);
    EXPECT_NO_THROW(normalized_endpoint("http://localhost:1"));
    EXPECT_NO_THROW(normalized_endpoint("http://[::1]:1"));
}
