#include "local/check.h"

#include "base/encoding.h"
#include "request/model.h"

#include <klio/request.h>

#include <algorithm>

namespace klio::local {

using base::Json;

namespace {

std::string joined(const std::vector<std::string>& values)
{
    std::string text;
    for (const std::string& value : values)
        text += (text.empty() ? "" : ", ") + value;
    return text;
}

class Findings {
public:
    void add(const std::string& field, const std::string& rule)
    {
        m_text += (m_text.empty() ? "" : "; ") + field + " " + rule;
    }
    void one_of(const Json& body, const char* field, const std::vector<std::string>& values)
    {
        const auto value = body.find(field);
        if (value == body.end())
            return;
        if (!value->is_string()
            || std::find(values.begin(), values.end(), value->get<std::string>()) == values.end())
            add(field, "must be one of " + joined(values));
    }
    const std::string& text() const { return m_text; }

private:
    std::string m_text;
};

void check_images(const Json& body, Findings& findings)
{
    const auto images = body.find("images");
    if (images == body.end())
        return;
    if (!images->is_array()) {
        findings.add("images", "must be an array of image URLs");
        return;
    }
    if (images->size() > kling::max_references)
        findings.add("images",
                     "has " + std::to_string(images->size()) + " entries, at most "
                         + std::to_string(kling::max_references) + " are allowed");
    for (size_t i = 0; i < images->size(); ++i)
        if (!(*images)[i].is_string() || (*images)[i].get<std::string>().empty())
            findings.add("images[" + std::to_string(i) + "]", "must be a URL");
}

// The rules of kling-image-o1's own page.
void check_kling(const Json& body, Findings& findings)
{
    findings.one_of(body, "type", kling::types());
    std::vector<std::string> ratios = aspect_ratios();
    ratios.emplace_back("auto");
    findings.one_of(body, "aspect_ratio", ratios);
    findings.one_of(body, "resolution", kling::resolutions());
    const auto count = body.find("num_images");
    if (count != body.end()
        && (!count->is_number_integer() || count->get<long>() < 1
            || count->get<long>() > kling::max_images))
        findings.add("num_images",
                     "must be a whole number from 1 to " + std::to_string(kling::max_images));
    check_images(body, findings);
    if (body.value("type", Json()) == "ai-multi-shot"
        && (!body.contains("images") || body["images"].empty()))
        findings.add("images", "is required for ai-multi-shot");
    for (const auto& [name, value] : body.items())
        if (std::find(kling::fields().begin(), kling::fields().end(), name)
            == kling::fields().end())
            findings.add(name, "is no known field");
}

} // namespace

std::string error_body(int code, const std::string& message, const std::string& type,
                       const std::string& field)
{
    base::OrderedJson error {{"code", code}, {"message", message}, {"type", type}};
    if (!field.empty())
        error["param"] = field;
    return base::to_text(base::OrderedJson {{"error", error}});
}

std::string check_body(const Json& body)
{
    if (!body.is_object())
        return "the body must be a JSON object";
    Findings findings;
    const auto model = body.find("model");
    if (model == body.end() || !model->is_string() || model->get<std::string>().empty())
        findings.add("model", "is required");
    const auto prompt = body.find("prompt");
    if (prompt == body.end() || !prompt->is_string() || prompt->get<std::string>().empty()) {
        findings.add("prompt", "is required");
    } else if (const size_t length = base::utf8_length(prompt->get<std::string>());
               model != body.end() && *model == default_model && length > kling::max_prompt) {
        findings.add("prompt",
                     "has " + std::to_string(length) + " characters, at most "
                         + std::to_string(kling::max_prompt) + " are allowed");
    }
    if (model != body.end() && *model == default_model)
        check_kling(body, findings);
    else
        check_images(body, findings);
    return findings.text();
}

int body_credits(const Json& body)
{
    return body.value("type", Json()) == "ai-multi-shot" ? kling::multi_shot_credits
                                                         : kling::image_to_image_credits;
}

} // namespace klio::local
