#include "command.h"

#include "base/json.h"

#include <klio/provenance.h>

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

namespace klio::command {

namespace {

struct InfoOptions {
    std::vector<std::string> files;
};

// In the order in which a person asks; what is not named here follows by its name.
const std::vector<std::pair<const char*, const char*>> lines
    = {{"preview", "preview"},
       {"model", "model"},
       {"requested_model", "model asked for"},
       {"type", "type"},
       {"prompt", "prompt"},
       {"prompt_sha256", "prompt SHA-256"},
       {"job", "job"},
       {"task", "task"},
       {"take", "take"},
       {"frame", "frame"},
       {"frames", "frames"},
       {"aspect_ratio", "ratio"},
       {"resolution", "resolution"},
       {"frame_size", "size as it arrived"},
       {"color_space", "colour space"},
       {"conform", "on the plate"},
       {"fit", "fitted"},
       {"match", "matched"},
       {"credits_at_least", "credits, at least"},
       {"time", "asked at"},
       {"endpoint", "endpoint"},
       {"request_sha256", "request SHA-256"},
       {"reference_sha256", "reference SHA-256"},
       {"frame_sha256", "frame SHA-256"},
       {"record", "reference's record"},
       {"version", "klio"},
       {"oiio_version", "OpenImageIO"},
       {"ocio_version", "OpenColorIO"}};

void print_text(const Context& context, const std::string& file, const Provenance& one,
                size_t count)
{
    print_line(context,
               file + (count > 1 ? ", subimage " + std::to_string(one.subimage) : std::string())
                   + (one.values.empty() ? ": does not say that it comes from klio"
                                         : ": from klio (" + one.carrier + ")"));
    const auto print = [&](const std::string& label, const std::string& value) {
        print_line(context,
                   "  " + label + std::string(label.size() < 20 ? 20 - label.size() : 1, ' ')
                       + value);
    };
    if (one.values.count("preview"))
        print("", "a preview of the local gateway: no model made this picture");
    std::vector<std::string> shown = {"preview"};
    for (const auto& [name, label] : lines) {
        const auto found = one.values.find(name);
        if (found == one.values.end() || name == std::string("preview"))
            continue;
        print(label, found->second);
        shown.emplace_back(name);
    }
    for (const auto& [name, value] : one.values)
        if (std::find(shown.begin(), shown.end(), name) == shown.end())
            print(name, value);
    if (!one.digital_source_type.empty())
        print("source type", one.digital_source_type);
}

std::string to_json(const std::string& file, const Provenance& one)
{
    base::OrderedJson json = {{"event", "info"},
                              {"file", file},
                              {"subimage", one.subimage},
                              {"from_klio", !one.values.empty()},
                              {"carrier", one.values.empty() ? "" : one.carrier}};
    json["digital_source_type"] = one.digital_source_type;
    json["provenance"] = base::OrderedJson::object();
    for (const auto& [name, value] : one.values)
        json["provenance"][name] = value;
    return base::to_text(json);
}

void info(Context& context, const InfoOptions& options)
{
    for (const std::string& file : options.files) {
        const std::vector<Provenance> found = read_provenance(file);
        for (const Provenance& one : found) {
            print_text(context, file, one, found.size());
            print_json(context, to_json(file, one));
        }
    }
}

void add_info(CLI::App& app, Context& context)
{
    auto options = std::make_shared<InfoOptions>();
    CLI::App* command = app.add_subcommand("info", "say of an image where it comes from");
    command->footer("Reads what klio wrote into the file (EXR attributes; XMP in JPEG, PNG, TIFF "
                    "and WebP), or into\nits sidecar FILE.json. Nothing is sent.");
    command->add_option("file", options->files, "images, one or more")->required();
    command->callback([&context, options] { info(context, *options); });
}

const RegisterCommand registered(40, add_info);

} // namespace

} // namespace klio::command
