#include "session/references.h"

#include "base/file.h"
#include "base/secret.h"
#include "base/sha256.h"
#include "color/transform.h"

#include <klio/record.h>

namespace klio::session {

namespace {

// For messages: a signed URL's name would carry its signature.
std::string shown_name(const std::string& source)
{
    return base::file_name(base::is_url(source) ? base::mask_url(source) : source);
}

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
    call.check("fetching a reference");
    if (!response.ok())
        throw ReferenceError(
            "reference " + base::mask_url(url) + ": can't be fetched ("
            + (response.error.empty() ? "HTTP " + std::to_string(response.status) : response.error)
            + ")");
    return response.body;
}

// The content of a URL: what it holds now, or where it can't be fetched what it held the last time;
// then `bytes` stays empty.
std::string url_sha256(const Call& call, const std::string& url, std::string& bytes)
{
    const std::string before = call.store.memo().url_sha256(url);
    try {
        bytes = fetch_url(call, url);
    } catch (const ReferenceError& error) {
        if (before.empty())
            throw;
        call.warn(std::string(error.what()) + "; what it held the last time counts");
        return before;
    }
    const std::string now = base::sha256_hex(bytes);
    if (!before.empty() && now != before)
        call.warn("reference " + base::mask_url(url)
                  + ": holds another picture than the last time, so this is another job");
    return now;
}

[[noreturn]] void throw_changed(const std::string& source)
{
    throw ReferenceError("reference " + base::mask_url(source)
                         + ": changed while klio worked with it; nothing was sent; run again when "
                           "it is as it should be");
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
        if (url && fetch) {
            call.report("prepare", "fetching " + base::mask_url(source), double(i),
                        double(request.images.size()));
            query.source_sha256 = url_sha256(call, source, reference.fetched);
        } else {
            try {
                query.source_sha256 = url ? call.store.memo().url_sha256(source)
                                          : call.store.memo().source_sha256(source);
            } catch (const ReferenceError& error) {
                query.source_sha256 = call.store.memo().last_sha256(source);
                const auto memo = call.store.memo().find(query);
                if (query.source_sha256.empty() || !memo)
                    throw;
                fill(reference, *memo);
                reference.missing = error.what();
                references.push_back(std::move(reference));
                continue;
            }
        }
        if (query.source_sha256.empty())
            return false;
        reference.source_sha256 = query.source_sha256;
        // Once it is known for a picture: not what a login page holds in its place.
        const auto remember = [&] {
            if (url && fetch)
                call.store.memo().put_url(source, reference.source_sha256);
        };
        if (const auto memo = call.store.memo().find(query)) {
            fill(reference, *memo);
            remember();
            references.push_back(std::move(reference));
            continue;
        }
        if (url && reference.fetched.empty()) {
            if (!fetch)
                return false;
            reference.fetched = fetch_url(call, source);
            if (base::sha256_hex(reference.fetched) != reference.source_sha256)
                throw_changed(source);
        }
        call.report("prepare", "preparing " + shown_name(source), double(i),
                    double(request.images.size()));
        reference.prepared = prepare_reference(call, request, source, reference.fetched);
        reference.fetched.clear();
        if (!url && call.store.memo().source_sha256(source) != reference.source_sha256)
            throw_changed(source);
        reference.stored.id = reference.prepared.sha256;
        reference.stored.record = reference.prepared.record;
        const Prepared& made = reference.prepared;
        call.store.memo().put(query, decided_by_path(made.record),
                              {made.sha256, made.record, made.media_type, made.bytes.size(),
                               made.width, made.height, made.warnings});
        remember();
        references.push_back(std::move(reference));
    }
    return true;
}

void require_present(const std::vector<Reference>& references)
{
    for (const Reference& reference : references)
        if (!reference.missing.empty())
            throw ReferenceError(reference.missing);
}

void load_references(const Call& call, const Request& request, std::vector<Reference>& references)
{
    for (size_t i = 0; i < references.size(); ++i) {
        Reference& reference = references[i];
        if (reference.passed_on || !reference.prepared.bytes.empty())
            continue;
        const std::string& source = reference.stored.source;
        call.report("prepare", "preparing " + shown_name(source), double(i),
                    double(references.size()));
        const bool url = base::is_url(source);
        if (url && reference.fetched.empty())
            reference.fetched = fetch_url(call, source);
        reference.prepared = prepare_reference(call, request, source, reference.fetched);
        // Read once more, after the preparation: a file's times may not show that it changed.
        const std::string now
            = url ? base::sha256_hex(reference.fetched) : base::sha256_file(source);
        reference.fetched.clear();
        if (now != reference.source_sha256) {
            reference.prepared = {};
            call.store.memo().forget_source(url ? source : base::absolute_path(source));
            throw_changed(source);
        }
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
