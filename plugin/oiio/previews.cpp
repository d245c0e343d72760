#include "previews.h"

#include "views.h"

#include "base/file.h"
#include "base/sha256.h"

#include <klio/local.h>

namespace klio::oiio {

namespace {

uint32_t big_endian(const std::string& bytes, size_t at)
{
    uint32_t value = 0;
    for (size_t i = at; i < at + 4; ++i)
        value = value << 8 | static_cast<unsigned char>(bytes[i]);
    return value;
}

// A PNG's header (W3C PNG, 11.2.2) stands at a fixed place; these are our own files.
StoredFrame describe(const std::string& png, int index, const std::string& path)
{
    if (png.size() < 33)
        throw Error(ErrorKind::internal, "a preview frame is no PNG");
    StoredFrame frame;
    frame.index = index;
    frame.path = path;
    frame.sha256 = base::sha256_hex(png);
    frame.media_type = "image/png";
    frame.bytes = png.size();
    frame.width = int(big_endian(png, 16));
    frame.height = int(big_endian(png, 20));
    frame.bit_depth = png[24];
    frame.channels = png[25] == 6 ? 4 : 3;
    return frame;
}

} // namespace

StoredSet make_previews(const Asked& asked, const Settings& settings, double now)
{
    const Plan plan = Session(settings).plan(asked.recipe.request, asked.generate);
    std::vector<std::string> references;
    for (const Prepared& prepared : plan.prepared)
        if (!prepared.bytes.empty())
            references.push_back(prepared.bytes);
    StoredSet set;
    set.job = plan.job;
    set.state = JobState::succeeded;
    set.request = asked.recipe.request;
    set.endpoint = local_endpoint;
    set.references = plan.references;
    set.created_at = set.updated_at = now;
    set.price_known = plan.price.known;
    set.credits_at_least = plan.price.credits_at_least;
    const std::string folder = writable_view_folder(settings, plan.job);
    for (const std::string& png : preview_frames(plan.body, references)) {
        const int index = int(set.frames.size()) + 1;
        const std::string path
            = base::join_path(folder, "preview-" + std::to_string(index) + ".png");
        if (!base::exists(path) || base::sha256_hex(base::read_file(path)) != base::sha256_hex(png))
            base::write_file_atomic(path, png, 0600);
        set.frames.push_back(describe(png, index, path));
    }
    return set;
}

} // namespace klio::oiio
