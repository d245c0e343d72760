#include "staging/stage.h"

#include "staging/kinds.h"

#include <klio/error.h>
#include <klio/staging.h>

namespace klio {

std::string stage_help()
{
    return "set --stage (or KLIO_STAGE) to one of four ways to give references a URL: "
           "'s3://BUCKET/klio?region=eu-central-1' (S3 or what speaks it, &endpoint=https://…); "
           "'https://dav.example.com/klio/?public=https://cdn.example.com/klio/' (HTTP PUT); "
           "'file:///srv/www/klio?public=https://plates.example.com/klio/' (a folder that a web "
           "server publishes); 'inline' (inside the request; the service may refuse it)";
}

} // namespace klio

namespace klio::staging {

std::unique_ptr<Stage> make_stage(const std::string& setting, transport::Transport& transport,
                                  const StageOptions& options)
{
    const StageSetting parsed = parse_stage_setting(setting);
    if (parsed.kind == "inline")
        return make_inline_stage();
    if (options.secret.empty())
        throw Error(ErrorKind::internal, "staging without a secret for names");
    if (parsed.kind == "s3")
        return make_s3_stage(parsed, transport, options);
    if (parsed.kind == "file")
        return make_folder_stage(parsed, transport, options);
    return make_http_stage(parsed, transport, options);
}

std::string inline_refusal_hint()
{
    return "the references went along as data: URIs (stage 'inline'), which the service may not "
           "take; "
        + stage_help();
}

} // namespace klio::staging
