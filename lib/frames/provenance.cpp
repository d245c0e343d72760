#include "frames/provenance.h"

#include "base/encoding.h"
#include "base/json.h"
#include "base/secret.h"
#include "base/sha256.h"
#include "color/chromaticities.h"

#include <klio/settings.h>

#include <OpenColorIO/OpenColorIO.h>
#include <OpenImageIO/oiioversion.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <ctime>
#include <iterator>

namespace klio::frames {

namespace {

std::string utc(double seconds, const char* format)
{
    const auto time = static_cast<std::time_t>(std::floor(seconds));
    std::tm fields {};
    gmtime_r(&time, &fields);
    char text[32];
    const size_t length = std::strftime(text, sizeof text, format, &fields);
    return {text, length};
}

// What was asked, with references by their identity in place of names, as one canonical text.
std::string request_hash(const StoredSet& set)
{
    Request request = set.request;
    request.images.clear();
    std::vector<std::string> references;
    for (const StoredReference& reference : set.references)
        references.push_back(reference.id);
    return base::sha256_hex(request_body(request, references));
}

// A URL passed through may be signed, and tells where files lie: its hash tells as much as is
// needed to compare.
std::string reference_hashes(const StoredSet& set)
{
    std::string text;
    for (const StoredReference& reference : set.references) {
        const bool url = reference.id.rfind("url:", 0) == 0;
        text += (text.empty() ? "" : " ")
            + (url ? "url-sha256:" + base::sha256_hex(reference.id.substr(4)) : reference.id);
    }
    return text;
}

// What EXR files say of their primaries, for the linear spaces that are known by name; readers take
// a file that says nothing for linear Rec.709 (OpenEXR's own rule) or for what their config
// guesses.
void attach_chromaticities(OIIO::ImageSpec& spec, const std::string& space)
{
    using Primaries = std::array<float, 8>;
    // SMPTE ST 2065-1 and the Academy's S-2014-004.
    constexpr Primaries ap0 = {0.7347F, 0.2653F, 0.0F, 1.0F, 0.0001F, -0.077F, 0.32168F, 0.33767F};
    constexpr Primaries ap1 = {0.713F, 0.293F, 0.165F, 0.83F, 0.128F, 0.044F, 0.32168F, 0.33767F};
    Primaries values {};
    double xy[8];
    if (space == "ACES2065-1" || space == "ACES - ACES2065-1")
        values = ap0;
    else if (space == "ACEScg" || space == "ACES - ACEScg")
        values = ap1;
    else if (color::parse_chromaticities(space, xy))
        std::copy(std::begin(xy), std::end(xy), values.begin());
    else
        return;
    spec.attribute("chromaticities", OIIO::TypeDesc(OIIO::TypeDesc::FLOAT, 8), values.data());
}

} // namespace

bool is_preview(const std::string& endpoint)
{
    if (endpoint == "local")
        return true;
    const size_t scheme = endpoint.find("://");
    if (scheme == std::string::npos)
        return false;
    std::string host = endpoint.substr(scheme + 3);
    host = host.substr(0, host.find_first_of("/?#"));
    if (host.rfind("[::1]", 0) == 0)
        return true;
    host = host.substr(0, host.find(':'));
    return host == "localhost" || host.rfind("127.", 0) == 0;
}

void attach_provenance(OIIO::ImageSpec& spec, const StoredSet& set, const StoredFrame& frame,
                       const FrameOptions& options, const std::string& space,
                       const Placement& placement, const std::string& matched)
{
    const auto text = [&](const char* name, const std::string& value) {
        if (!value.empty())
            spec.attribute(std::string("klio:") + name, base::mask(value));
    };
    const auto number
        = [&](const char* name, int value) { spec.attribute(std::string("klio:") + name, value); };
    const bool preview = is_preview(set.endpoint);
    if (preview) {
        number("preview", 1);
        text("model", "klio preview");
        text("requested_model", set.request.model);
    } else {
        text("model", set.request.model);
    }
    text("type", set.request.type);
    text("aspect_ratio", set.request.aspect_ratio);
    text("resolution", set.request.resolution);
    text("endpoint", set.endpoint);
    text("job", set.job);
    text("task", set.task_id);
    number("take", set.request.take);
    number("frame", frame.index);
    number("frames", int(set.frames.size()));
    text("frame_sha256", frame.sha256);
    text("frame_size", std::to_string(frame.width) + "x" + std::to_string(frame.height));
    text("request_sha256", request_hash(set));
    text("prompt_sha256", base::sha256_hex(set.request.prompt));
    text("reference_sha256", reference_hashes(set));
    if (options.embed_prompt)
        text("prompt", set.request.prompt);
    text("color_space", space);
    if (!set.references.empty())
        text("record", set.references[0].record);
    if (!options.conform.empty())
        text("conform", placement.note);
    else
        text("fit", placement.note);
    text("match", matched);
    if (set.price_known)
        number("credits_at_least", preview ? 0 : set.credits_at_least);
    text("time", utc(set.created_at, "%Y-%m-%dT%H:%M:%SZ"));
    text("version", version());
    text("oiio_version", OIIO_VERSION_STRING);
    text("ocio_version", OCIO_NAMESPACE::GetVersion());

    spec.attribute(source_type_attribute, preview ? preview_media : trained_media);
    spec.attribute("oiio:ColorSpace", space);
    attach_chromaticities(spec, space);
    spec.attribute("Software", std::string("klio ") + version());
    spec.attribute("DateTime", utc(set.created_at, "%Y:%m:%d %H:%M:%S"));
}

} // namespace klio::frames
