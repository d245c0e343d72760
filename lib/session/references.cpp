#include "session/references.h"

#include "base/file.h"
#include "base/secret.h"
#include "base/sha256.h"
#include "color/transform.h"

#include <klio/record.h>

namespace klio::session {

namespace {

constexpr uint64_t max_fetched = 256u << 20;

PrepareOptions prepare_options(const Call& call, const Request& request)
{
    PrepareOptions options = call.options.prepare;
    options.aspect_ratio = request.aspect_ratio;
    options.resolution = request.resolution;
    // What another model makes of its ratios and resolutions is not known: it is shown the whole
    // picture, in the larger of the sizes that are.
    if (request.model != default_model
        && output_size(request.aspect_ratio, request.resolution).width == 0) {
        options.aspect_ratio = "auto";
        options.resolution = "2k";
        if (options.fit.empty())
            options.fit = "none";
    }
    return options;
}

// The colour space came from the file's name or place rather than from what is in it.
bool decided_by_path(const std::string& record)
{
    try {
        const std::string by = prepare_record_from_json(record).color.decided_by;
        return by == "file rule" || by == "default";
    } catch (const Error&) {
        return true;
    }
}

std::string fetch_url(const Call& call, const std::string& url)
{
    transport::HttpRequest request;
    request.url = url;
    request.max_body = max_fetched;
    request.max_redirects = 3;
    request.allow_private_hosts = call.allowed_hosts();
    const transport::HttpResponse response
        = attended(call, "prepare", [&](const CancelToken& inner, Board&) {
              return call.transport.perform(request, inner);
          });
    call.options.cancel.check("fetching a reference");
    if (!response.ok())
        throw ReferenceError(
            "reference " + base::mask_url(url) + ": can't be fetched ("
            + (response.error.empty() ? "HTTP " + std::to_string(response.status) : response.error)
            + ")");
    return response.body;
}

Prepared prepare_reference(const Call& call, const Request& request, const std::string& source,
                           const std::string& fetched)
{
    const PrepareOptions options = prepare_options(call, request);
    return base::is_url(source) ? prepare_bytes(fetched, source, options, call.options.cancel)
                                : prepare(source, options, call.options.cancel);
}

void fill(Reference& reference, const store::PreparedMemo& memo)
{
    reference.stored.id = memo.sha256;
    reference.stored.record = memo.record;
    reference.prepared.sha256 = memo.sha256;
    reference.prepared.record = memo.record;
    reference.prepared.media_type = memo.media_type;
    reference.prepared.width = memo.width;
    reference.prepared.height = memo.height;
    reference.prepared.warnings = memo.warnings;
}

} // namespace

bool identify_references(const Call& call, const Request& request, bool fetch,
                         std::vector<Reference>& references)
{
    references.clear();
    const std::string identity = prepare_identity(prepare_options(call, request));
    std::string config;
    for (size_t i = 0; i < request.images.size(); ++i) {
        const std::string& source = request.images[i];
        Reference reference;
        reference.stored.source = source;
        const bool url = base::is_url(source);
        if (url && !call.options.prepare_urls) {
            reference.stored.id = "url:" + source;
            reference.passed_on = true;
            references.push_back(std::move(reference));
            continue;
        }
        store::PreparedQuery query;
        query.path = url ? source : base::absolute_path(source);
        query.identity = identity;
        if (config.empty())
            config = color::config_info().id;
        query.config_id = config;
        std::string fetched;
        query.source_sha256
            = url ? call.store.memo().url_sha256(source) : call.store.memo().source_sha256(source);
        if (url && query.source_sha256.empty()) {
            if (!fetch)
                return false;
            call.report("prepare", "fetching " + base::mask_url(source), double(i),
                        double(request.images.size()));
            fetched = fetch_url(call, source);
            query.source_sha256 = base::sha256_hex(fetched);
            call.store.memo().put_url(source, query.source_sha256);
        }
        if (const auto memo = call.store.memo().find(query)) {
            fill(reference, *memo);
            references.push_back(std::move(reference));
            continue;
        }
        if (url && fetched.empty()) {
            if (!fetch)
                return false;
            fetched = fetch_url(call, source);
        }
        call.report("prepare", "preparing " + base::file_name(source), double(i),
                    double(request.images.size()));
        reference.prepared = prepare_reference(call, request, source, fetched);
        reference.stored.id = reference.prepared.sha256;
        reference.stored.record = reference.prepared.record;
        const Prepared& made = reference.prepared;
        call.store.memo().put(query, decided_by_path(made.record),
                              {made.sha256, made.record, made.media_type, made.bytes.size(),
                               made.width, made.height, made.warnings});
        references.push_back(std::move(reference));
    }
    return true;
}

void load_references(const Call& call, const Request& request, std::vector<Reference>& references)
{
    for (size_t i = 0; i < references.size(); ++i) {
        Reference& reference = references[i];
        if (reference.passed_on || !reference.prepared.bytes.empty())
            continue;
        const std::string& source = reference.stored.source;
        call.report("prepare", "preparing " + base::file_name(source), double(i),
                    double(references.size()));
        const std::string fetched = base::is_url(source) ? fetch_url(call, source) : std::string();
        reference.prepared = prepare_reference(call, request, source, fetched);
        reference.stored.record = reference.prepared.record;
    }
}

std::vector<std::string> reference_ids(const std::vector<Reference>& references)
{
    std::vector<std::string> ids;
    for (const Reference& reference : references)
        ids.push_back(reference.stored.id);
    return ids;
}

} // namespace klio::session
