#include "session/staged_references.h"

#include <klio/staging.h>

namespace klio::session {

std::string stage_setting(const Call& call, const std::string& url)
{
    std::string setting
        = call.options.stage.empty() ? call.settings.get("stage") : call.options.stage;
    if (setting.empty() && on_loopback(url))
        setting = "inline";
    if (setting.empty())
        throw UsageError("the service reads references from URLs, and no stage is set to give this "
                         "request's one; nothing was sent; "
                         + stage_help());
    return setting;
}

std::vector<std::string> stage_references(const Call& call, const std::string& url,
                                          const std::vector<Reference>& references)
{
    std::vector<std::string> urls(references.size());
    std::vector<staging::Object> objects;
    std::vector<size_t> places;
    for (size_t i = 0; i < references.size(); ++i) {
        const Reference& reference = references[i];
        urls[i] = reference.stored.source;
        if (reference.passed_on)
            continue;
        const Prepared& prepared = reference.prepared;
        objects.push_back({prepared.bytes, prepared.media_type, prepared.sha256});
        places.push_back(i);
    }
    if (objects.empty())
        return urls;
    const std::string setting = stage_setting(call, url);
    call.report("stage", "staging the references", 0, double(objects.size()));
    const double needed_until = call.now() + call.settings.number("timeout", 1200);
    const std::vector<staging::StagedUrl> staged
        = attended(call, "stage", [&](const CancelToken& inner, Board& board) {
              return call.keeper.stage(
                  call.job, setting, objects, needed_until, call.options.keep_staged, inner,
                  [&](size_t done, size_t total) {
                      board.put("staging the references", double(done), double(total));
                  });
          });
    for (size_t i = 0; i < staged.size(); ++i)
        urls[places[i]] = staged[i].url;
    return urls;
}

} // namespace klio::session
