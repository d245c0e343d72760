#include "staging/exchange.h"
#include "staging/kinds.h"
#include "staging/name.h"
#include "staging/public_url.h"
#include "staging/s3_answer.h"

#include "base/encoding.h"
#include "base/secret.h"

#include <klio/error.h>

#include <cstdlib>
#include <string>

namespace klio::staging {

namespace {

using transport::HttpRequest;
using transport::HttpResponse;

std::string environment(const char* name)
{
    const char* value = std::getenv(name);
    return value ? value : "";
}

// The authorization of uploads; never part of the setting, which stands in arguments and the store.
transport::Headers authorization()
{
    const std::string user = environment("KLIO_STAGE_USER");
    const base::Secret password(environment("KLIO_STAGE_PASSWORD"));
    const base::Secret token(environment("KLIO_STAGE_TOKEN"));
    if (!token.empty() && (!user.empty() || !password.empty()))
        throw UsageError("both KLIO_STAGE_TOKEN and KLIO_STAGE_USER/KLIO_STAGE_PASSWORD are set: "
                         "unset those that the stage does not want");
    transport::Headers headers;
    if (!token.empty()) {
        headers.emplace_back("Authorization", "Bearer " + token.reveal());
    } else if (!user.empty() || !password.empty()) {
        const std::string pair = user + ":" + password.reveal();
        const base::Secret encoded(base::base64(pair.data(), pair.size()));
        headers.emplace_back("Authorization", "Basic " + encoded.reveal());
    }
    const std::string lines = environment("KLIO_STAGE_HEADER");
    for (size_t start = 0; start < lines.size();) {
        const size_t end = std::min(lines.find('\n', start), lines.size());
        const std::string line = lines.substr(start, end - start);
        start = end + 1;
        const size_t colon = line.find(':');
        if (colon == std::string::npos || colon == 0)
            throw UsageError("KLIO_STAGE_HEADER: a line is no 'Name: value'");
        const size_t value = line.find_first_not_of(" \t", colon + 1);
        const base::Secret secret(value == std::string::npos ? "" : line.substr(value));
        headers.emplace_back(line.substr(0, colon), secret.reveal());
    }
    return headers;
}

/// PUT to WebDAV, an artifact store, or whatever takes a signed query.
class HttpStage final : public Stage {
public:
    HttpStage(const StageSetting& setting, transport::Transport& transport,
              const StageOptions& options)
        : m_setting(setting), m_secret(options.secret),
          m_folder(setting.base + base::percent_encode(setting.path, "/")),
          m_public(setting.parameter("public").empty() ? m_folder : setting.parameter("public")),
          m_authorization(authorization()), m_query(environment("KLIO_STAGE_QUERY")),
          m_exchange(transport, options)
    {
        if (!m_query.reveal().empty() && m_query.reveal()[0] == '?')
            m_query = base::Secret(m_query.reveal().substr(1));
        // Each value of the query may be shown alone, in a server's own message.
        const std::string& query = m_query.reveal();
        for (size_t start = 0; start < query.size();) {
            const size_t end = std::min(query.find('&', start), query.size());
            const size_t equals = query.find('=', start);
            if (equals < end && end - equals > 16)
                base::register_secret(query.substr(equals + 1, end - equals - 1));
            start = end + 1;
        }
    }

    std::string kind() const override { return "http"; }
    std::string identity() const override { return m_setting.text(); }
    std::string name_of(const Object& object) const override
    {
        return object_name(object, m_secret);
    }

    StagedUrl put(const Object& object, double, const CancelToken& cancel,
                  Presence presence) override
    {
        StagedUrl staged;
        staged.name = name_of(object);
        staged.url = m_public.of(staged.name);
        if (is_there(staged.name, object, presence, cancel)
            && m_exchange.verify(staged.url, object, cancel).empty())
            return staged;
        upload(staged.name, object, cancel);
        staged.uploaded = true;
        const std::string wrong = m_exchange.verify(staged.url, object, cancel);
        if (!wrong.empty())
            throw StagingError(m_setting.label() + ": uploaded, but the public URL "
                               + m_public.folder() + "… does not give it back without credentials: "
                               + wrong + "; check public= and who may read there");
        return staged;
    }

    void remove(const std::string& name, const CancelToken& cancel) override
    {
        const HttpResponse response
            = m_exchange.perform([&] { return request("DELETE", name); }, cancel);
        if (!response.ok() && response.status != 404 && response.status != 410)
            throw StagingError(m_setting.label() + ": can't be removed: " + explain_answer(response)
                               + (response.status == 403 || response.status == 405
                                      ? "; the server must allow DELETE there"
                                      : ""));
    }

    std::vector<HttpRequest> listing_requests() const override
    {
        std::vector<HttpRequest> requests = m_public.listing_requests();
        if (m_public.folder() != m_folder)
            for (HttpRequest& one : PublicUrl(m_folder).listing_requests())
                requests.push_back(std::move(one));
        return requests;
    }

private:
    HttpRequest request(const std::string& method, const std::string& name) const
    {
        const std::string query = m_query.empty() ? "" : "?" + m_query.reveal();
        HttpRequest made = stage_request(method, m_folder + name + query);
        made.secret_headers = m_authorization;
        return made;
    }

    // Servers that only take uploads answer a HEAD with anything; then it is uploaded (again).
    bool is_there(const std::string& name, const Object& object, Presence presence,
                  const CancelToken& cancel)
    {
        if (presence != Presence::unknown)
            return presence == Presence::there;
        const HttpResponse response
            = m_exchange.perform([&] { return request("HEAD", name); }, cancel);
        if (response.outcome != transport::Outcome::answered)
            throw NothingStaged(m_setting.label() + ": no answer: " + explain_answer(response));
        return response.status == 200 && response.ok()
            && response.header("content-length") == std::to_string(object.bytes.size());
    }

    void upload(const std::string& name, const Object& object, const CancelToken& cancel)
    {
        bool refused = false;
        const HttpResponse response = m_exchange.perform(
            [&] {
                HttpRequest made = request("PUT", name);
                made.headers.emplace_back("Content-Type", object.media_type);
                made.body = object.bytes;
                return made;
            },
            cancel, &refused);
        if (response.ok())
            return;
        std::string advice;
        switch (response.status) {
        case 401:
        case 403:
            advice = m_authorization.empty()
                ? "; set KLIO_STAGE_USER and KLIO_STAGE_PASSWORD, or KLIO_STAGE_TOKEN"
                : "; check KLIO_STAGE_USER and KLIO_STAGE_PASSWORD, or KLIO_STAGE_TOKEN, and "
                  "whether they may write there";
            break;
        case 404:
        case 409:
            advice = "; the folder is not there: make it on the server";
            break;
        case 405:
            advice = "; the server takes no PUT there";
            break;
        case 413:
            advice = "; raise the server's limit to at least "
                + std::to_string(object.bytes.size() / 1000000 + 1) + " MB";
            break;
        case 500:
        case 507:
            advice = "; is the server's disk full?";
            break;
        default:
            if (response.status >= 300 && response.status < 400)
                advice = "; uploads are not sent on: set the stage to where "
                         "it leads ("
                    + base::mask_url(response.header("location")) + ")";
        }
        throw_staging(refused,
                      m_setting.label() + ": the upload failed: " + explain_answer(response)
                          + advice);
    }

    StageSetting m_setting;
    std::string m_secret;
    std::string m_folder;
    PublicUrl m_public;
    transport::Headers m_authorization;
    base::Secret m_query;
    Exchange m_exchange;
};

} // namespace

std::unique_ptr<Stage> make_http_stage(const StageSetting& setting, transport::Transport& transport,
                                       const StageOptions& options)
{
    return std::make_unique<HttpStage>(setting, transport, options);
}

} // namespace klio::staging
