#include <klio/request.h>

#include "base/encoding.h"
#include "base/file.h"
#include "base/json.h"
#include "base/sha256.h"
#include "request/model.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstdio>
#include <cstdlib>

namespace klio {

using base::Json;

namespace {

std::string list(const std::vector<std::string>& values)
{
    std::string text;
    for (const std::string& value : values)
        text += (text.empty() ? "" : ", ") + value;
    return text;
}

bool contains(const std::vector<std::string>& values, const std::string& value)
{
    return std::find(values.begin(), values.end(), value) != values.end();
}

std::string one_of(const std::vector<std::string>& values, const std::string& given)
{
    const std::string near = base::nearest(given, values);
    return "must be one of " + list(values)
        + (near.empty() || near == given ? std::string() : "; did you mean " + near + "?");
}

// "5:4", "5x4" or "1.25" is a ratio that the model does not have: the nearest by value is meant.
std::string ratio_rule(const std::vector<std::string>& ratios, const std::string& given)
{
    char* end = nullptr;
    const double width = std::strtod(given.c_str(), &end);
    const double height = (*end == ':' || *end == 'x') ? std::strtod(end + 1, &end) : 1;
    if (*end != '\0' || given.empty() || !(width > 0) || !(height > 0) || !(width / height < 100)
        || !(width / height > 0.01))
        return one_of(ratios, given);
    const int thousandths = static_cast<int>(std::lround(1000 * width / height));
    return "must be one of " + list(ratios) + "; did you mean "
        + nearest_aspect_ratio(thousandths, 1000) + "?";
}

// Every <<<image_N>>> of a prompt, in order.
std::vector<long> named_references(const std::string& prompt)
{
    std::vector<long> numbers;
    const std::string mark = "<<<image_";
    for (size_t at = 0; (at = prompt.find(mark, at)) != std::string::npos;) {
        at += mark.size();
        const size_t end = prompt.find(">>>", at);
        if (end == std::string::npos)
            break;
        const std::string digits = prompt.substr(at, end - at);
        if (!digits.empty() && digits.size() < 6
            && std::all_of(digits.begin(), digits.end(),
                           [](unsigned char c) { return std::isdigit(c); }))
            numbers.push_back(std::stol(digits));
    }
    return numbers;
}

void check_images(const Request& request, std::vector<Problem>& problems)
{
    for (const std::string& image : request.images) {
        const size_t colon = image.find("://");
        if (image.empty())
            problems.push_back({"images", "", "an empty name; give a file or an https URL"});
        else if (colon != std::string::npos && !base::is_url(image))
            problems.push_back(
                {"images", image, "only http and https URLs, or local files, can be references"});
    }
}

// The rules that are kling-image-o1's own.
void check_model(const Request& request, std::vector<Problem>& problems)
{
    const size_t length = base::utf8_length(request.prompt);
    if (length > kling::max_prompt)
        problems.push_back({"prompt", "",
                            "has " + std::to_string(length) + " characters, "
                                + std::to_string(length - kling::max_prompt) + " over the "
                                + std::to_string(kling::max_prompt) + " that the model takes"});
    if (!contains(kling::types(), request.type))
        problems.push_back({"type", request.type, one_of(kling::types(), request.type)});
    if (request.images.size() > kling::max_references)
        problems.push_back({"images", std::to_string(request.images.size()) + " references",
                            "the model takes at most " + std::to_string(kling::max_references)
                                + "; leave out "
                                + std::to_string(request.images.size() - kling::max_references)});
    if (request.type == "ai-multi-shot" && request.images.empty())
        problems.push_back({"images", "", "ai-multi-shot needs one reference image"});
    for (long number : named_references(request.prompt))
        if (number < 1 || size_t(number) > request.images.size())
            problems.push_back({"prompt", "<<<image_" + std::to_string(number) + ">>>",
                                "names a reference that is not there; there are "
                                    + std::to_string(request.images.size())});
    std::vector<std::string> ratios = aspect_ratios();
    ratios.emplace_back("auto");
    if (!contains(ratios, request.aspect_ratio))
        problems.push_back(
            {"aspect_ratio", request.aspect_ratio, ratio_rule(ratios, request.aspect_ratio)});
    if (!contains(kling::resolutions(), request.resolution))
        problems.push_back(
            {"resolution", request.resolution, one_of(kling::resolutions(), request.resolution)});
    if (request.num_images < 1 || request.num_images > kling::max_images)
        problems.push_back({"num_images", std::to_string(request.num_images),
                            "must be 1 to " + std::to_string(kling::max_images)});
    for (const auto& [name, value] : request.params)
        problems.push_back(
            {name, value, "kling-image-o1 has no such field; --param is for other models"});
}

} // namespace

std::string Price::text() const
{
    if (!known)
        return "price unknown";
    char dollars[32];
    std::snprintf(dollars, sizeof dollars, "%.2f", credits_at_least * 0.01);
    return "at least " + std::to_string(credits_at_least) + " credits (about $" + dollars + ")";
}

std::vector<Problem> validate(const Request& request)
{
    std::vector<Problem> problems;
    if (request.model.empty())
        problems.push_back({"model", "", "is empty; the default is " + std::string(default_model)});
    if (std::all_of(request.prompt.begin(), request.prompt.end(),
                    [](unsigned char c) { return std::isspace(c); }))
        problems.push_back({"prompt", "", "is required and is empty"});
    if (!base::utf8_valid(request.prompt))
        problems.push_back({"prompt", "", "is no valid UTF-8"});
    if (request.take < 1)
        problems.push_back({"take", std::to_string(request.take), "must be 1 or more"});
    check_images(request, problems);
    if (request.model == default_model)
        check_model(request, problems);
    else if (request.num_images < 1)
        problems.push_back({"num_images", std::to_string(request.num_images), "must be 1 or more"});
    for (const auto& [name, value] : request.params) {
        Json json;
        base::JsonError error;
        if (!base::parse_json(value, json, error))
            problems.push_back({"param " + name, value,
                                "is no JSON (" + error.message + "); text wants its quotes, as in "
                                    + name + "='\"text\"'"});
        if (contains(kling::fields(), name))
            problems.push_back({"param " + name, value, "has a flag of its own; use that"});
    }
    return problems;
}

std::vector<std::string> warnings(const Request& request)
{
    std::vector<std::string> lines;
    if (request.model != default_model)
        return lines;
    if (request.type == "ai-multi-shot" && request.images.size() > 1)
        lines.push_back("ai-multi-shot is documented for one reference; "
                        + std::to_string(request.images.size()) + " are given");
    if (request.type == "image-to-image" && request.images.empty()
        && request.aspect_ratio == "auto")
        lines.emplace_back("aspect_ratio auto has no reference to follow");
    return lines;
}

void check(const Request& request)
{
    std::vector<Problem> problems = validate(request);
    if (!problems.empty())
        throw RequestError(std::move(problems));
}

Price price(const Request& request)
{
    if (request.model != default_model)
        return {};
    return {true,
            request.type == "ai-multi-shot" ? kling::multi_shot_credits
                                            : kling::image_to_image_credits};
}

const std::vector<std::string>& aspect_ratios()
{
    static const std::vector<std::string> ratios
        = {"1:1", "16:9", "9:16", "4:3", "3:4", "3:2", "2:3", "21:9"};
    return ratios;
}

Size output_size(const std::string& aspect_ratio, const std::string& resolution)
{
    // Contract, "Pixel sizes that the same model gives elsewhere"; portrait is landscape turned.
    struct Row {
        const char* ratio;
        Size at_1k, at_2k;
    };
    static constexpr Row rows[] = {
        {"1:1", {1024, 1024}, {2048, 2048}}, {"3:2", {1248, 832}, {2496, 1664}},
        {"4:3", {1168, 880}, {2336, 1760}},  {"16:9", {1360, 768}, {2720, 1536}},
        {"21:9", {1552, 656}, {3104, 1312}},
    };
    if (resolution != "1k" && resolution != "2k")
        return {};
    const size_t colon = aspect_ratio.find(':');
    const std::string turned = colon == std::string::npos
        ? std::string()
        : aspect_ratio.substr(colon + 1) + ":" + aspect_ratio.substr(0, colon);
    for (const Row& row : rows) {
        const Size size = resolution == "1k" ? row.at_1k : row.at_2k;
        if (aspect_ratio == row.ratio)
            return size;
        if (turned == row.ratio && contains(aspect_ratios(), aspect_ratio))
            return {size.height, size.width};
    }
    return {};
}

std::string nearest_aspect_ratio(int width, int height, const std::string& resolution)
{
    std::string best = "1:1";
    double best_distance = HUGE_VAL;
    for (const std::string& ratio : aspect_ratios()) {
        const Size size = output_size(ratio, resolution);
        if (size.height == 0 || width <= 0 || height <= 0)
            continue;
        const double distance
            = std::fabs(std::log(double(width) / height * size.height / size.width));
        if (distance < best_distance) {
            best_distance = distance;
            best = ratio;
        }
    }
    return best;
}

std::string job_key(const Request& request, const std::string& endpoint,
                    const std::vector<std::string>& reference_ids)
{
    // nlohmann::json sorts its keys, so the text is canonical. "v" changes only together with the
    // meaning of what is hashed: every stored job is found by this key.
    Json json = {{"v", 1},
                 {"endpoint", endpoint},
                 {"model", request.model},
                 {"prompt", request.prompt},
                 {"type", request.type},
                 {"aspect_ratio", request.aspect_ratio},
                 {"resolution", request.resolution},
                 {"num_images", request.num_images},
                 {"take", request.take},
                 {"images", reference_ids}};
    for (const auto& [name, value] : request.params) {
        Json parsed;
        base::JsonError error;
        json["params"][name] = base::parse_json(value, parsed, error) ? parsed : Json(value);
    }
    return base::sha256_hex(base::to_text(json));
}

std::string request_body(const Request& request, const std::vector<std::string>& image_urls)
{
    base::OrderedJson json;
    const bool own = request.model == default_model;
    const Request defaults;
    json["model"] = request.model;
    json["prompt"] = request.prompt;
    if (own || request.type != defaults.type)
        json["type"] = request.type;
    if (!image_urls.empty())
        json["images"] = image_urls;
    if (own || request.aspect_ratio != defaults.aspect_ratio)
        json["aspect_ratio"] = request.aspect_ratio;
    if (own || request.resolution != defaults.resolution)
        json["resolution"] = request.resolution;
    if (own || request.num_images != defaults.num_images)
        json["num_images"] = request.num_images;
    for (const auto& [name, value] : request.params) {
        Json parsed;
        base::JsonError error;
        if (base::parse_json(value, parsed, error))
            json[name] = parsed;
    }
    return base::to_text(json);
}

std::string normalized_endpoint(const std::string& endpoint)
{
    if (endpoint == local_endpoint)
        return endpoint;
    const auto bad
        = [&](const std::string& why) { return UsageError("endpoint '" + endpoint + "': " + why); };
    const size_t scheme_end = endpoint.find("://");
    if (scheme_end == std::string::npos)
        throw bad("needs a scheme, as in https://apiin.one");
    const std::string scheme = base::lower(endpoint.substr(0, scheme_end));
    const size_t host_start = scheme_end + 3;
    const size_t host_end = std::min(endpoint.find_first_of("/?#", host_start), endpoint.size());
    std::string host = base::lower(endpoint.substr(host_start, host_end - host_start));
    std::string path = endpoint.substr(host_end);
    if (host.empty())
        throw bad("has no host");
    if (host.find('@') != std::string::npos)
        throw bad("must not carry a user or a key");
    if (path.find_first_of("?#") != std::string::npos)
        throw bad("must not have a query or a fragment");
    while (!path.empty() && path.back() == '/')
        path.pop_back();
    const std::string port = scheme == "https" ? ":443" : ":80";
    if (host.size() > port.size()
        && host.compare(host.size() - port.size(), port.size(), port) == 0)
        host.resize(host.size() - port.size());
    const std::string name
        = host[0] == '[' ? host.substr(0, host.find(']') + 1) : host.substr(0, host.find(':'));
    // A name like 127.evil.example must not pass for an address.
    const bool loopback = name == "localhost" || name == "[::1]"
        || (name.rfind("127.", 0) == 0
            && name.find_first_not_of("0123456789.") == std::string::npos);
    if (scheme != "https" && !(scheme == "http" && loopback))
        throw bad(scheme == "http" ? "http is for loopback only; use https"
                                   : "only https is spoken");
    return scheme + "://" + host + path;
}

} // namespace klio
