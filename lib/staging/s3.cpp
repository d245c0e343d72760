#include "staging/aws_credentials.h"
#include "staging/exchange.h"
#include "staging/kinds.h"
#include "staging/name.h"
#include "staging/s3_answer.h"
#include "staging/sigv4.h"

#include "base/sha256.h"

#include <klio/error.h>

#include <algorithm>
#include <cmath>
#include <string>

namespace klio::staging {

namespace {

using transport::HttpRequest;
using transport::HttpResponse;

constexpr double default_life = 3600;
// The service may begin to fetch just before the job's deadline.
constexpr double margin = 300;

/// S3, and all that speaks it. Objects stay private: what is given out is a presigned GET URL.
class S3Stage final : public Stage {
public:
    S3Stage(const StageSetting& setting, transport::Transport& transport,
            const StageOptions& options)
        : m_setting(setting), m_secret(options.secret), m_exchange(transport, options)
    {
        const AwsSettings found = find_aws_settings(setting.parameter("profile"));
        m_credentials = found.credentials;
        m_scope.region
            = setting.parameter("region").empty() ? found.region : setting.parameter("region");
        if (m_scope.region.empty())
            m_scope.region = "us-east-1";
        std::string endpoint = setting.parameter("endpoint").empty()
            ? found.endpoint
            : setting.parameter("endpoint");
        // A bucket with a dot is outside AWS' wildcard certificate (*.s3.REGION.amazonaws.com).
        bool path_style = !endpoint.empty() || setting.base.find('.') != std::string::npos;
        if (!setting.parameter("style").empty())
            path_style = setting.parameter("style") == "path";
        if (endpoint.empty())
            endpoint = "https://s3." + m_scope.region
                + (m_scope.region.compare(0, 3, "cn-") == 0 ? ".amazonaws.com.cn"
                                                            : ".amazonaws.com");
        const WebUrl url = parse_web_url(endpoint, "S3 endpoint");
        m_host = (path_style ? "" : setting.base + ".") + url.host;
        m_origin = url.origin.substr(0, url.origin.find("://") + 3) + m_host;
        m_root = path_style ? "/" + setting.base + "/" : "/";
        // What the store keeps must make the same stage again, whatever the environment is then.
        m_setting.parameters["region"] = m_scope.region;
        if (!found.endpoint.empty() || !setting.parameter("endpoint").empty())
            m_setting.parameters["endpoint"] = url.origin;
    }

    std::string kind() const override { return "s3"; }
    std::string identity() const override { return m_setting.text(); }
    std::string name_of(const Object& object) const override
    {
        return object_name(object, m_secret);
    }

    StagedUrl put(const Object& object, double needed_until, const CancelToken& cancel,
                  Presence presence) override
    {
        StagedUrl staged;
        staged.name = name_of(object);
        try {
            life(needed_until); // refused before anything is sent
        } catch (const StagingError& error) {
            throw NothingStaged(error.what());
        }
        if (!is_there(staged.name, object, presence, cancel)) {
            upload(staged.name, object, cancel);
            staged.uploaded = true;
        }
        std::string wrong = sign_and_verify(staged, object, needed_until, cancel);
        if (!wrong.empty() && !staged.uploaded) {
            upload(staged.name, object, cancel);
            staged.uploaded = true;
            wrong = sign_and_verify(staged, object, needed_until, cancel);
        }
        if (!wrong.empty())
            throw StagingError(m_setting.label()
                               + ": uploaded, but the presigned URL does not give it back: " + wrong
                               + "; the key needs s3:GetObject there");
        return staged;
    }

    void remove(const std::string& name, const CancelToken& cancel) override
    {
        const HttpResponse response = m_exchange.perform(
            [&] { return signed_request("DELETE", m_setting.path + name); }, cancel);
        if (!response.ok() && response.status != 404)
            fail("can't be removed", response);
        // A bucket with versions only covers the object up: the plate would still be in it.
        if (response.header("x-amz-delete-marker") == "true")
            remove_versions(m_setting.path + name, cancel);
    }

    std::vector<HttpRequest> listing_requests() const override
    {
        const std::string bucket = m_origin + sigv4::encode_path(m_root);
        return {stage_request("GET", bucket),
                stage_request(
                    "GET",
                    bucket + "?"
                        + sigv4::encode_query({{"list-type", "2"}, {"prefix", m_setting.path}}))};
    }

private:
    [[noreturn]] void fail(const std::string& what, const HttpResponse& response,
                           bool nothing = false) const
    {
        throw_staging(nothing,
                      m_setting.label() + ": " + what + ": "
                          + explain_s3_error(response, m_scope.region, m_exchange.now())
                          + " (keys: " + m_credentials.origin + ")");
    }

    sigv4::Request described(const std::string& method, const std::string& key,
                             const sigv4::Pairs& query = {}) const
    {
        sigv4::Request request;
        request.method = method;
        request.host = m_host;
        request.path = m_root + key;
        request.query = query;
        return request;
    }

    HttpRequest signed_request(const std::string& method, const std::string& key,
                               const Object* object = nullptr, const sigv4::Pairs& query = {}) const
    {
        sigv4::Request asked = described(method, key, query);
        HttpRequest made
            = stage_request(method,
                            m_origin + sigv4::encode_path(asked.path)
                                + (query.empty() ? "" : "?" + sigv4::encode_query(query)));
        if (object) {
            // The server compares the body with the hash that was signed: a broken upload is
            // refused there.
            asked.payload_hash = object->sha256;
            made.headers.emplace_back("Content-Type", object->media_type);
            asked.headers = made.headers;
            made.body = object->bytes;
        } else {
            asked.payload_hash = base::sha256_hex("");
        }
        for (auto& header : sigv4::sign_headers(asked, m_credentials, m_scope, m_exchange.now()))
            made.secret_headers.push_back(std::move(header));
        return made;
    }

    void remove_versions(const std::string& key, const CancelToken& cancel)
    {
        const char* what = "the bucket keeps old versions, which can't be removed (the key needs "
                           "s3:ListBucketVersions and s3:DeleteObjectVersion)";
        const HttpResponse list = m_exchange.perform(
            [&] {
                return signed_request("GET", "", nullptr, {{"prefix", key}, {"versions", ""}});
            },
            cancel);
        if (!list.ok())
            fail(what, list);
        for (const std::string& version : parse_s3_versions(list.body, key)) {
            const HttpResponse response = m_exchange.perform(
                [&] {
                    return signed_request("DELETE", key, nullptr, {{"versionId", version}});
                },
                cancel);
            if (!response.ok() && response.status != 404)
                fail(what, response);
        }
    }

    // 403 is what S3 says of an absent object to a key that may not list the bucket.
    bool is_there(const std::string& name, const Object& object, Presence presence,
                  const CancelToken& cancel)
    {
        if (presence != Presence::unknown)
            return presence == Presence::there;
        const HttpResponse response = m_exchange.perform(
            [&] { return signed_request("HEAD", m_setting.path + name); }, cancel);
        if (response.outcome != transport::Outcome::answered)
            fail("no answer", response, true);
        return response.status == 200
            && response.header("content-length") == std::to_string(object.bytes.size());
    }

    void upload(const std::string& name, const Object& object, const CancelToken& cancel)
    {
        bool refused = false;
        const HttpResponse response = m_exchange.perform(
            [&] { return signed_request("PUT", m_setting.path + name, &object); }, cancel,
            &refused);
        if (!response.ok())
            fail("the upload failed", response, refused);
    }

    std::string sign_and_verify(StagedUrl& staged, const Object& object, double needed_until,
                                const CancelToken& cancel)
    {
        const double now = std::floor(m_exchange.now());
        const double seconds = life(needed_until);
        sigv4::Request get = described("GET", m_setting.path + staged.name);
        get.payload_hash = sigv4::unsigned_payload;
        staged.url = m_origin + sigv4::encode_path(get.path) + "?"
            + sigv4::presign(get, m_credentials, m_scope, now, seconds);
        staged.expires_at = now + seconds;
        return m_exchange.verify(staged.url, object, cancel);
    }

    // Seconds that a URL signed now must live. `expires=` is the studio's own limit; without it the
    // life follows the job.
    double life(double needed_until) const
    {
        const double now = std::floor(m_exchange.now());
        const double needed = std::ceil(needed_until - now);
        const double asked = m_setting.seconds("expires", 0);
        const double life = asked > 0 ? asked : std::max(default_life, needed + margin);
        const auto text = [](double seconds) { return std::to_string((long long)(seconds)); };
        if (asked > 0 && asked < needed)
            throw StagingError(m_setting.label() + ": expires=" + text(asked)
                               + " is shorter than the job may take (" + text(needed)
                               + " s); raise it, or lower --timeout");
        if (life > sigv4::longest_life)
            throw StagingError(m_setting.label() + ": the job may take " + text(life)
                               + " s, longer than any presigned URL lives (7 days); lower "
                                 "--timeout or expires=");
        const double keys_end = m_credentials.expires_at;
        if (keys_end > 0 && keys_end < needed_until)
            throw StagingError(m_setting.label() + ": the session keys (" + m_credentials.origin
                               + (keys_end < now ? ") have expired"
                                                 : ") expire in " + text(keys_end - now)
                                          + " s, before the job's deadline in " + text(needed)
                                          + " s")
                               + "; get new ones, or lower --timeout");
        return std::min(life, sigv4::longest_life);
    }

    StageSetting m_setting;
    std::string m_secret;
    Exchange m_exchange;
    sigv4::Credentials m_credentials;
    sigv4::Scope m_scope;
    std::string m_host;   ///< with the port, as signed
    std::string m_origin; ///< "https://" and m_host
    std::string m_root;   ///< "/bucket/" or "/"
};

} // namespace

std::unique_ptr<Stage> make_s3_stage(const StageSetting& setting, transport::Transport& transport,
                                     const StageOptions& options)
{
    return std::make_unique<S3Stage>(setting, transport, options);
}

} // namespace klio::staging
