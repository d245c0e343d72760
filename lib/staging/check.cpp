#include <klio/staging.h>

#include "base/secret.h"
#include "base/sha256.h"
#include "staging/exchange.h"
#include "staging/s3_answer.h"
#include "staging/stage.h"
#include "staging/test_image.h"

#include <klio/error.h>

#include <memory>

namespace klio {

namespace {

using staging::Object;
using staging::Stage;
using staging::StagedUrl;
using transport::HttpRequest;
using transport::HttpResponse;

/// One check under way: its steps, and what they share.
class StageCheck {
public:
    StageCheck(const Settings& settings, const CancelToken& cancel,
               const std::function<void(const StageStep&)>& on_step)
        : m_settings(settings), m_cancel(cancel), m_on_step(on_step),
          m_transport(transport_options(settings))
    {
    }

    std::vector<StageStep> run(const std::string& setting)
    {
        if (!open(setting))
            return m_steps;
        if (m_stage->kind() == "inline") {
            add("upload", true,
                "nothing to upload: references travel inside the request; whether the service "
                "takes data: URIs is not documented");
            return m_steps;
        }
        const std::string png = staging::test_image();
        m_object = {png, "image/png", base::sha256_hex(png)};
        if (upload()) {
            fetch();
            look_without_signature();
            look_from_outside();
            look_at_listings();
        }
        take_away();
        return m_steps;
    }

private:
    static transport::TransportOptions transport_options(const Settings& settings)
    {
        transport::TransportOptions options;
        options.cacert = settings.get("cacert");
        return options;
    }

    bool add(const std::string& name, bool ok, const std::string& result)
    {
        m_steps.push_back({name, ok, base::mask(result)});
        if (m_on_step)
            m_on_step(m_steps.back());
        return ok;
    }

    HttpResponse perform(HttpRequest request)
    {
        HttpResponse response = m_transport.perform(std::move(request), m_cancel);
        m_cancel.check("the check of the stage");
        return response;
    }

    HttpRequest get(const std::string& url) const
    {
        HttpRequest request = staging::stage_request("GET", url);
        request.max_redirects = 3;
        return request;
    }

    bool open(const std::string& setting)
    try {
        staging::StageOptions options;
        // The test image is new each time, so its name need not be found again.
        options.secret = base::random_bytes(32);
        m_stage = staging::make_stage(setting.empty() ? m_settings.get("stage") : setting,
                                      m_transport, options);
        return add("setting", true, m_stage->kind() + ": " + m_stage->identity());
    } catch (const Error& error) {
        return add("setting", false, error.what());
    }

    bool upload()
    try {
        m_staged = m_stage->put(m_object, base::system_clock().unix_time() + 600, m_cancel);
        return add("upload", true,
                   std::to_string(m_object.bytes.size()) + " bytes as " + m_staged.name);
    } catch (const CancelledError&) {
        take_away();
        throw;
    } catch (const Error& error) {
        return add("upload", false, error.what());
    }

    void fetch()
    {
        const HttpResponse response = perform(get(m_staged.url));
        if (!add("fetch", response.status == 200 && response.ok(),
                 "without credentials: " + staging::explain_answer_briefly(response)))
            return;
        add("bytes", response.body == m_object.bytes,
            response.body == m_object.bytes
                ? "what comes back is what was uploaded"
                : "other bytes come back: does something between change images?");
        const std::string type = response.header("content-type");
        add("type", type.compare(0, m_object.media_type.size(), m_object.media_type) == 0,
            type.empty() ? "none is said; the server must send " + m_object.media_type
                         : "'" + type + "', uploaded as " + m_object.media_type);
    }

    // A presigned URL guards nothing where the object can be read without it.
    void look_without_signature()
    {
        const size_t query = m_staged.url.find('?');
        if (query == std::string::npos)
            return;
        const HttpResponse response = perform(get(m_staged.url.substr(0, query)));
        const bool open = response.ok();
        add("signature", !open,
            open ? "the object can be read without its signature: make the bucket private"
                 : "without it: " + staging::explain_answer_briefly(response));
    }

    // What is only visible in here, the service can't fetch.
    void look_from_outside()
    {
        HttpRequest request = get(m_staged.url);
        request.allow_private = false;
        const HttpResponse response = perform(std::move(request));
        const bool inside = response.fault == transport::Fault::blocked_address;
        const bool local = m_settings.get("endpoint").find("://127.") != std::string::npos
            || m_settings.get("endpoint").find("://localhost") != std::string::npos;
        add("reachable", !inside || local,
            !inside     ? "the URL's host has a public address"
                : local ? "the URL's host has a private address; so has the endpoint"
                        : "the URL's host has a private address: the service can't fetch from it");
    }

    void look_at_listings()
    {
        for (const HttpRequest& request : m_stage->listing_requests()) {
            const HttpResponse response = perform(request);
            if (response.body.find(m_staged.name) == std::string::npos)
                continue;
            add("listing", false,
                request.method + " " + request.url
                    + " shows strangers what is there: turn directory listings off");
            return;
        }
        add("listing", true, "strangers can't list what is there");
    }

    void take_away()
    {
        const std::string name = m_stage->name_of(m_object);
        if (m_gone)
            return;
        m_gone = true;
        try {
            // Also where the user stopped it: nothing stays behind.
            m_stage->remove(name, CancelToken());
            if (m_staged.url.empty())
                return;
            add("delete", true, "deleted");
        } catch (const Error& error) {
            if (!m_staged.url.empty())
                add("delete", false, error.what());
            return;
        }
        const HttpResponse response = perform(get(m_staged.url));
        const bool answered = response.outcome == transport::Outcome::answered;
        const bool gone = answered && response.status >= 400 && response.status < 500;
        add("gone", gone,
            gone ? "its URL now gives " + staging::explain_answer_briefly(response)
                 : "its URL still gives " + staging::explain_answer_briefly(response)
                    + ": is there a cache in front?");
    }

    const Settings& m_settings;
    const CancelToken& m_cancel;
    const std::function<void(const StageStep&)>& m_on_step;
    transport::Transport m_transport;
    std::unique_ptr<Stage> m_stage;
    Object m_object;
    StagedUrl m_staged;
    bool m_gone = false;
    std::vector<StageStep> m_steps;
};

} // namespace

std::vector<StageStep> check_stage(const Settings& settings, const std::string& setting,
                                   const CancelToken& cancel,
                                   const std::function<void(const StageStep&)>& on_step)
{
    return StageCheck(settings, cancel, on_step).run(setting);
}

} // namespace klio
