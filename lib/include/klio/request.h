#pragma once

#include <klio/error.h>
#include <klio/export.h>

#include <map>
#include <string>
#include <vector>

namespace klio {

/// The model that klio is made for; other models of the same endpoint are switched by
/// Request::model alone, and none of this model's own limits then apply.
inline constexpr const char* default_model = "kling-image-o1";

/// The endpoint "local": the local gateway inside the process that asks. Its jobs are found under
/// this name in every run, whatever port the gateway had.
inline constexpr const char* local_endpoint = "local";

/// What is asked of the model. A plain value; field names and defaults are the API's own
/// (contract: "The request").
struct Request {
    std::string model = default_model;
    std::string prompt; ///< UTF-8, required; at most 2,500 characters for kling-image-o1
    std::string type = "image-to-image"; ///< or "ai-multi-shot"
    std::vector<std::string> images;     ///< references: local paths or http(s) URLs, at most 10
    std::string aspect_ratio = "1:1";    ///< one of aspect_ratios(), or "auto"
    std::string resolution = "1k";       ///< "1k" or "2k"
    int num_images = 1;                  ///< 1–9
    int take = 1;                        ///< 1, 2, 3 …: asking again for other pixels
    /// Further body fields for other models: name -> JSON text.
    std::map<std::string, std::string> params;
};

/// What a request costs, as far as is known. The service does not say whether num_images or 2k
/// multiply it, so every figure is a floor, shown as "at least".
struct Price {
    bool known = false;                ///< false for models other than kling-image-o1
    int credits_at_least = 0;          ///< 6 image-to-image, 16 ai-multi-shot (the service's page)
    KLIO_API std::string text() const; ///< "at least 6 credits (about $0.06)" or "price unknown"
};

struct Size {
    int width = 0;
    int height = 0;
};

/// Every rule that the request breaks, all at once; empty where it is fit to be sent. Looks at the
/// request alone: files and URLs are not opened.
KLIO_API std::vector<Problem> validate(const Request& request);
/// What is allowed but probably not meant (two references for multi-shot …), one line each.
KLIO_API std::vector<std::string> warnings(const Request& request);
/// Throws RequestError where validate() finds anything.
KLIO_API void check(const Request& request);

KLIO_API Price price(const Request& request);

/// The eight ratios of the API, without "auto".
KLIO_API const std::vector<std::string>& aspect_ratios();
/// The pixel size that kling-image-o1 has been seen to give (contract, grade D: read the true size
/// from what arrived). {0, 0} where ratio or resolution is unknown, or the ratio is "auto".
KLIO_API Size output_size(const std::string& aspect_ratio, const std::string& resolution);
/// The one of the eight whose true ratio at `resolution` is nearest to width:height (by the ratio
/// of ratios).
KLIO_API std::string nearest_aspect_ratio(int width, int height,
                                          const std::string& resolution = "1k");

/// SHA-256, in hexadecimal, over all that decides a job's result: endpoint, model, prompt, type,
/// ratio, resolution, count, params, the take, and for each reference the SHA-256 of its prepared
/// bytes (or "url:" and the URL for one that is passed through). `reference_ids` stands in the
/// order of Request::images.
KLIO_API std::string job_key(const Request& request, const std::string& endpoint,
                             const std::vector<std::string>& reference_ids);

/// The JSON body of the create call, with `image_urls` in place of the request's own references.
/// aspect_ratio, type, resolution and num_images are always sent, since sibling services have
/// other defaults; for other models only what differs from klio's own defaults is.
KLIO_API std::string request_body(const Request& request,
                                  const std::vector<std::string>& image_urls);

/// Scheme and host in lower case, without a trailing slash or default port; "local" as it is.
/// Throws UsageError unless it is https, or http on loopback, with nothing but a path prefix behind
/// the host.
KLIO_API std::string normalized_endpoint(const std::string& endpoint);

} // namespace klio
