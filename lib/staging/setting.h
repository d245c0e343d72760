#pragma once

#include <map>
#include <string>

/// \file
/// The one URL-like setting that says how references get a URL.

namespace klio::staging {

/// A setting taken apart. All texts are plain, not percent-encoded.
struct StageSetting {
    std::string kind; ///< inline, s3, http, file
    std::string base; ///< http: "https://host:port"; s3: the bucket; else empty
    /// http, file: the folder's path with a slash at both ends; s3: the prefix, empty or with a
    /// slash at its end alone.
    std::string path;
    std::map<std::string, std::string> parameters; ///< what stands behind the "?"

    std::string parameter(const std::string& name) const; ///< empty where not given
    /// A number of seconds; `fallback` where not given. Throws UsageError where it is none.
    double seconds(const std::string& name, double fallback) const;
    /// The setting again, in one canonical form: what the store keeps, and what makes the same
    /// stage again. It never holds a secret: settings with one are refused.
    std::string text() const;
    std::string address() const; ///< text() without the parameters
    /// "stage s3://bucket/prefix": what messages call it, without the parameters.
    std::string label() const;
};

/// Throws UsageError for an unknown scheme or parameter (with the nearest), a missing bucket,
/// host, folder or public URL, user info in the URL, http beyond loopback, and empty, "." or ".."
/// parts of a path.
StageSetting parse_stage_setting(const std::string& text);

/// A URL taken apart, as far as stages need it. Throws UsageError, naming `what`, unless it is
/// https, or http on loopback, without user info and fragment.
struct WebUrl {
    std::string origin; ///< "https://host:port", lower case, without the default port
    std::string host;   ///< as a Host header has it
    std::string path;   ///< plain text, starting with a slash
    std::string query;  ///< as it stood, without "?"
};
WebUrl parse_web_url(const std::string& url, const std::string& what);

} // namespace klio::staging
