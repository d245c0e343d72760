#include <klio/provenance.h>

#include "base/file.h"
#include "base/json.h"
#include "frames/provenance.h"
#include "frames/xmp.h"

#include <klio/error.h>

#include <algorithm>
#include <memory>

namespace klio {

namespace {

using namespace frames;

constexpr const char* prefix = "klio:";

void take(const std::string& name, const std::string& value, Provenance& provenance)
{
    if (name.rfind(prefix, 0) == 0)
        provenance.values[name.substr(5)] = value;
    else if (name == source_type_attribute)
        provenance.digital_source_type = value;
}

std::string first_bytes(const std::string& path, size_t count)
{
    std::unique_ptr<FILE, int (*)(FILE*)> file(std::fopen(path.c_str(), "rb"), std::fclose);
    std::string bytes(count, '\0');
    bytes.resize(file ? std::fread(bytes.data(), 1, count, file.get()) : 0);
    return bytes;
}

std::vector<Provenance> from_attributes(const std::string& path)
{
    const std::unique_ptr<OIIO::ImageInput> input(OIIO::ImageInput::open(path));
    if (!input) {
        std::string reason = OIIO::geterror();
        std::replace(reason.begin(), reason.end(), '\n', ' ');
        throw ReferenceError(path + ": can't be read as an image (" + reason + ")");
    }
    std::vector<Provenance> found;
    for (int i = 0; input->seek_subimage(i, 0); ++i) {
        Provenance provenance;
        provenance.subimage = i;
        provenance.carrier = "attributes";
        for (const OIIO::ParamValue& attribute : input->spec().extra_attribs)
            take(attribute.name().string(), attribute.get_string(0), provenance);
        found.push_back(provenance);
    }
    return found;
}

bool says_nothing(const std::vector<Provenance>& found)
{
    return std::all_of(found.begin(), found.end(),
                       [](const Provenance& one) { return one.values.empty(); });
}

std::vector<Provenance> from_sidecar(const std::string& path)
{
    const std::string sidecar = sidecar_path(path);
    base::Json json;
    base::JsonError error;
    if (!base::exists(sidecar) || !base::parse_json(base::read_file(sidecar, 1 << 20), json, error)
        || !json.is_object() || !json.contains("job"))
        return {};
    Provenance provenance;
    provenance.carrier = "sidecar";
    for (const auto& [name, value] : json.items()) {
        const std::string text = value.is_string() ? value.get<std::string>() : value.dump();
        if (name == "digital_source_type")
            provenance.digital_source_type = text;
        else if (name != "image")
            provenance.values[name] = text;
    }
    return {provenance};
}

} // namespace

std::vector<Provenance> read_provenance(const std::string& path)
{
    if (!base::exists(path))
        throw ReferenceError(path + ": there is no such file");
    std::vector<Provenance> found;
    if (carries_xmp(first_bytes(path, 64))) {
        int index = 0;
        for (const std::string& packet : extract_xmp(base::read_file(path))) {
            Provenance provenance;
            provenance.subimage = index++;
            provenance.carrier = "xmp";
            for (const auto& [name, value] : parse_xmp(packet))
                take(name, value, provenance);
            found.push_back(provenance);
        }
    }
    if (says_nothing(found)) {
        const std::vector<Provenance> attributes = from_attributes(path);
        if (found.empty() || !says_nothing(attributes))
            found = attributes;
    }
    if (says_nothing(found)) {
        const std::vector<Provenance> sidecar = from_sidecar(path);
        if (!sidecar.empty())
            return sidecar;
    }
    return found;
}

std::string provenance_json(const Frame& frame)
{
    const OIIO::ImageSpec& spec = frame.image.spec();
    base::OrderedJson json;
    for (const OIIO::ParamValue& attribute : spec.extra_attribs) {
        const std::string name = attribute.name().string();
        if (name.rfind(prefix, 0) != 0)
            continue;
        const std::string text = attribute.get_string(0);
        base::Json record;
        base::JsonError error;
        if (attribute.type() == OIIO::TypeDesc::INT)
            json[name.substr(5)] = attribute.get_int(0);
        else if (name == "klio:record" && base::parse_json(text, record, error))
            json["record"] = record;
        else
            json[name.substr(5)] = text;
    }
    json["digital_source_type"] = spec.get_string_attribute(source_type_attribute);
    json["image"] = {
        {"width", spec.width},   {"height", spec.height},         {"x", spec.x},
        {"y", spec.y},           {"full_width", spec.full_width}, {"full_height", spec.full_height},
        {"full_x", spec.full_x}, {"full_y", spec.full_y}};
    return base::to_text(json, 2);
}

std::string sidecar_path(const std::string& image_path)
{
    return image_path + ".json";
}

void write_sidecar(const Frame& frame, const std::string& image_path)
{
    base::write_file_atomic(sidecar_path(image_path), provenance_json(frame) + "\n");
}

} // namespace klio
