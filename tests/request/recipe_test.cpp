#include <klio/recipe.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace klio;
using ::testing::HasSubstr;

namespace {

template <class E> std::string message_of(const std::string& text, const std::string& path = {})
{
    try {
        parse_recipe(text, path);
    } catch (const E& error) {
        return error.what();
    }
    return "no error";
}

} // namespace

TEST(Recipe, TheServicesOwnExampleIsOne)
{
    const Recipe recipe = parse_recipe(R"({
  "model": "kling-image-o1",
  "prompt": "A cyberpunk cityscape at night with neon signs, inspired by the reference image",
  "images": [
    "https://example.com/reference.jpg"
  ],
  "aspect_ratio": "16:9",
  "resolution": "1k"
})");
    EXPECT_EQ(recipe.request.images.at(0), "https://example.com/reference.jpg");
    EXPECT_EQ(recipe.request.aspect_ratio, "16:9");
    EXPECT_TRUE(validate(recipe.request).empty());
}

TEST(Recipe, TheWholeCurlCommandIsOneToo)
{
    const Recipe recipe
        = parse_recipe("curl -X POST https://apiin.one/api/v1/images/generations \\\n"
                       "  -H \"Authorization: Bearer aio_your_api_key\" \\\n"
                       "  -H \"Content-Type: application/json\" \\\n"
                       "  --data-raw '{\n  \"model\": \"kling-image-o1\",\n"
                       "  \"prompt\": \"It'\\''s night\"\n}'\n");
    EXPECT_EQ(recipe.request.prompt, "It's night");
}

TEST(Recipe, RelativeReferencesAreRelativeToTheRecipe)
{
    const Recipe recipe = parse_recipe(
        R"({"prompt": "x", "images": ["../plates/a.exr", "/abs/b.exr", "https://h/c.jpg"]})",
        "/show/recipes/shot.kling");
    EXPECT_EQ(recipe.request.images[0], "/show/plates/a.exr");
    EXPECT_EQ(recipe.request.images[1], "/abs/b.exr");
    EXPECT_EQ(recipe.request.images[2], "https://h/c.jpg");
}

TEST(Recipe, SyntaxErrorsNameLineAndColumn)
{
    EXPECT_THAT(message_of<UsageError>("{\n  \"prompt\": \"x\",\n  oops\n}", "/a/shot.kling"),
                HasSubstr("/a/shot.kling:3:3: "));
    EXPECT_THAT(message_of<UsageError>("[1]"), HasSubstr("JSON object"));
    EXPECT_THAT(message_of<UsageError>(std::string(200, '[')), HasSubstr("nested deeper"));
    EXPECT_THAT(message_of<UsageError>(""), HasSubstr("recipe:1:1"));
}

TEST(Recipe, UnknownKeysAreNamedWithTheNearest)
{
    const std::string text = message_of<RequestError>(
        R"({"promt": "x", "gravity": "top", "klio": {"polcy": "view"}})");
    EXPECT_THAT(text, HasSubstr("promt '\"x\"': unknown key; did you mean 'prompt'?"));
    EXPECT_THAT(text, HasSubstr("gravity '\"top\"': unknown key; it stands under \"klio\""));
    EXPECT_THAT(text, HasSubstr("klio.polcy '\"view\"': unknown key; did you mean 'klio.policy'?"));
}

TEST(Recipe, WrongTypesAreAllReported)
{
    const std::string text = message_of<RequestError>(
        R"({"prompt": 7, "images": "a.exr", "num_images": "4", "klio": {"take": 1.5}})");
    EXPECT_THAT(text, HasSubstr("prompt '7': must be text, not a number"));
    EXPECT_THAT(text, HasSubstr("images '\"a.exr\"': must be a list"));
    EXPECT_THAT(text, HasSubstr("num_images '\"4\"': must be a whole number"));
    EXPECT_THAT(text, HasSubstr("klio.take '1.5': must be a whole number"));
}

TEST(Recipe, AnotherModelsFieldsAreKept)
{
    const Recipe recipe = parse_recipe(R"({"model": "other", "prompt": "x", "seed": 7})");
    EXPECT_EQ(recipe.request.params.at("seed"), "7");
}

TEST(Recipe, AFitThatIsASizeIsTheFrames)
{
    const Recipe sized = parse_recipe(R"({"prompt": "x", "klio": {"fit": "640x360:width"}})");
    EXPECT_EQ(sized.options.count("fit"), 0u);
    EXPECT_EQ(sized.options.at("frame_fit"), "640x360:width");
    const Recipe both
        = parse_recipe(R"({"prompt": "x", "klio": {"fit": "pad", "frame_fit": "640x360"}})");
    EXPECT_EQ(both.options.at("fit"), "pad");
    EXPECT_EQ(both.options.at("frame_fit"), "640x360");
    EXPECT_EQ(parse_recipe(write_recipe(both)).options, both.options);
}

TEST(Recipe, WhatIsWrittenIsReadBackTheSame)
{
    const Recipe recipe = parse_recipe(R"({"prompt": "caf\u00e9 \"q\"", "images": ["/a/b.exr"],
        "num_images": 3, "klio": {"take": 2, "policy": "view", "exposure": -2.5}})");
    const Recipe again = parse_recipe(write_recipe(recipe));
    EXPECT_EQ(again.request.prompt, recipe.request.prompt);
    EXPECT_EQ(again.request.images, recipe.request.images);
    EXPECT_EQ(again.request.num_images, 3);
    EXPECT_EQ(again.request.take, 2);
    EXPECT_EQ(again.options, recipe.options);
    EXPECT_EQ(again.options.at("exposure"), "-2.5");
}
