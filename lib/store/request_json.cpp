#include "store/request_json.h"

#include "base/json.h"

namespace klio::store {

using base::Json;

namespace {

// What this build can't read is empty rather than an error: the job's other columns still count.
Json parse(const std::string& text)
{
    Json json;
    base::JsonError error;
    return base::parse_json(text, json, error) ? json : Json();
}

} // namespace

std::string request_to_json(const Request& request)
{
    return base::to_text(Json {{"model", request.model},
                               {"prompt", request.prompt},
                               {"type", request.type},
                               {"images", request.images},
                               {"aspect_ratio", request.aspect_ratio},
                               {"resolution", request.resolution},
                               {"num_images", request.num_images},
                               {"take", request.take},
                               {"params", request.params}});
}

Request request_from_json(const std::string& text)
{
    const Json json = parse(text);
    Request request;
    if (!json.is_object())
        return request;
    request.model = json.value("model", request.model);
    request.prompt = json.value("prompt", request.prompt);
    request.type = json.value("type", request.type);
    request.images = json.value("images", request.images);
    request.aspect_ratio = json.value("aspect_ratio", request.aspect_ratio);
    request.resolution = json.value("resolution", request.resolution);
    request.num_images = json.value("num_images", request.num_images);
    request.take = json.value("take", request.take);
    request.params = json.value("params", request.params);
    return request;
}

std::string references_to_json(const std::vector<StoredReference>& references)
{
    Json json = Json::array();
    for (const StoredReference& reference : references)
        json.push_back(
            {{"source", reference.source}, {"id", reference.id}, {"record", reference.record}});
    return base::to_text(json);
}

std::vector<StoredReference> references_from_json(const std::string& text)
{
    std::vector<StoredReference> references;
    const Json json = parse(text);
    if (!json.is_array())
        return references;
    for (const Json& entry : json)
        references.push_back({entry.value("source", std::string()),
                              entry.value("id", std::string()),
                              entry.value("record", std::string())});
    return references;
}

std::string lines_to_json(const std::vector<std::string>& lines)
{
    return base::to_text(Json(lines));
}

std::vector<std::string> lines_from_json(const std::string& text)
{
    const Json json = parse(text);
    return json.is_array() ? json.get<std::vector<std::string>>() : std::vector<std::string>();
}

} // namespace klio::store
