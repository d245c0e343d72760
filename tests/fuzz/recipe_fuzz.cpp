// Fuzzes the recipe parser: any text is either refused with klio's own errors, or becomes a recipe
// that survives being written and read again.

#include <klio/recipe.h>

#include <cstdint>
#include <cstdlib>
#include <string>

namespace {

void require(bool truth)
{
    if (!truth)
        std::abort();
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size)
{
    using namespace klio;
    const std::string text(reinterpret_cast<const char*>(data), size);
    Recipe recipe;
    try {
        recipe = parse_recipe(text, "/plates/fuzz.kling");
    } catch (const Error&) {
        return 0;
    }
    validate(recipe.request);
    warnings(recipe.request);
    price(recipe.request).text();
    const std::string written = write_recipe(recipe);
    const Recipe again = parse_recipe(written, "/plates/fuzz.kling");
    require(again.request.prompt == recipe.request.prompt);
    require(again.request.images == recipe.request.images);
    require(again.request.take == recipe.request.take);
    require(again.request.num_images == recipe.request.num_images);
    require(again.request.params == recipe.request.params);
    require(again.options == recipe.options);
    const std::vector<std::string> references(recipe.request.images.size(), "url:x");
    require(job_key(again.request, "https://apiin.one", references)
            == job_key(recipe.request, "https://apiin.one", references));
    request_body(recipe.request, references);
    return 0;
}
