#include <klio/record.h>

#include "base/json.h"

#include <klio/error.h>

namespace klio {

using base::Json;
using base::OrderedJson;

std::string to_json(const PrepareRecord& record)
{
    const ColorRecord& color = record.color;
    OrderedJson json;
    json["v"] = record.v;
    json["color"] = {{"source_space", color.source_space},
                     {"decided_by", color.decided_by},
                     {"policy", color.policy},
                     {"exposure", color.exposure},
                     {"peak", color.peak},
                     {"display", color.display},
                     {"view", color.view},
                     {"config", color.config},
                     {"config_id", color.config_id},
                     {"clipped", color.clipped},
                     {"out_of_gamut", color.out_of_gamut},
                     {"not_finite", color.not_finite},
                     {"icc_profile", color.icc_profile}};
    json["source_sha256"] = record.source_sha256;
    json["source_width"] = record.source_width;
    json["source_height"] = record.source_height;
    json["display_x"] = record.display_x;
    json["display_y"] = record.display_y;
    json["orientation"] = record.orientation;
    json["pixel_aspect"] = record.pixel_aspect;
    json["image_view"] = record.image_view;
    json["fit"] = record.fit;
    json["crop_x"] = record.crop_x;
    json["crop_y"] = record.crop_y;
    json["crop_width"] = record.crop_width;
    json["crop_height"] = record.crop_height;
    json["width"] = record.width;
    json["height"] = record.height;
    json["aspect_ratio"] = record.aspect_ratio;
    json["codec"] = record.codec;
    json["quality"] = record.quality;
    json["matte"] = record.matte;
    return base::to_text(json);
}

namespace {

// Unknown names are left alone: a later klio may know more.
template <class T> void read(const Json& json, const char* name, T& value)
{
    const auto found = json.find(name);
    if (found != json.end() && !found->is_null())
        found->get_to(value);
}

} // namespace

PrepareRecord prepare_record_from_json(const std::string& text)
{
    Json json;
    base::JsonError error;
    if (!base::parse_json(text, json, error))
        throw UsageError("a reference's record is no JSON (" + error.message + ")");
    PrepareRecord record;
    try {
        if (!json.is_object() || !json.contains("color") || !json["color"].is_object())
            throw UsageError("a reference's record has no \"color\": it was not made by klio");
        read(json, "v", record.v);
        if (record.v != 1)
            throw UsageError("a reference's record has the form " + std::to_string(record.v)
                             + ", which this klio does not know; use a newer one");
        ColorRecord& color = record.color;
        const Json& part = json["color"];
        read(part, "source_space", color.source_space);
        read(part, "decided_by", color.decided_by);
        read(part, "policy", color.policy);
        read(part, "exposure", color.exposure);
        read(part, "peak", color.peak);
        read(part, "display", color.display);
        read(part, "view", color.view);
        read(part, "config", color.config);
        read(part, "config_id", color.config_id);
        read(part, "clipped", color.clipped);
        read(part, "out_of_gamut", color.out_of_gamut);
        read(part, "not_finite", color.not_finite);
        read(part, "icc_profile", color.icc_profile);
        read(json, "source_sha256", record.source_sha256);
        read(json, "source_width", record.source_width);
        read(json, "source_height", record.source_height);
        read(json, "display_x", record.display_x);
        read(json, "display_y", record.display_y);
        read(json, "orientation", record.orientation);
        read(json, "pixel_aspect", record.pixel_aspect);
        read(json, "image_view", record.image_view);
        read(json, "fit", record.fit);
        read(json, "crop_x", record.crop_x);
        read(json, "crop_y", record.crop_y);
        read(json, "crop_width", record.crop_width);
        read(json, "crop_height", record.crop_height);
        read(json, "width", record.width);
        read(json, "height", record.height);
        read(json, "aspect_ratio", record.aspect_ratio);
        read(json, "codec", record.codec);
        read(json, "quality", record.quality);
        read(json, "matte", record.matte);
    } catch (const Json::exception& exception) {
        throw UsageError(std::string("a reference's record is damaged (") + exception.what() + ")");
    }
    return record;
}

} // namespace klio
