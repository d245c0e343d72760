#pragma once

#include "base/secret.h"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

/// \file
/// AWS Signature Version 4, by which S3 and all that speak it know who asks. The formula is AWS'
/// own ("Signature Version 4 signing process" and, for objects, "Authenticating Requests (AWS
/// Signature Version 4)" in the S3 API reference). All functions are pure.

namespace klio::staging::sigv4 {

struct Credentials {
    std::string access_key;
    base::Secret secret_key;
    base::Secret session_token; ///< empty for long-lived keys
    double expires_at = 0;      ///< Unix time; 0 unknown or never
    std::string origin;         ///< where they were found, for messages
};

struct Scope {
    std::string region;
    std::string service = "s3";
};

using Pairs = std::vector<std::pair<std::string, std::string>>;

/// What is signed. Path and query are plain text: they are percent-encoded here, each once, which
/// is S3's rule (other services encode the path twice).
struct Request {
    std::string method = "GET";
    std::string host; ///< as the Host header has it: with the port where it is not the default
    std::string path = "/";
    Pairs query;
    Pairs headers;            ///< to be signed, without Host and X-Amz-Date
    std::string payload_hash; ///< SHA-256 of the body in hexadecimal, or unsigned_payload
};

/// What stands for the body's hash in a presigned URL.
inline constexpr const char* unsigned_payload = "UNSIGNED-PAYLOAD";
/// The longest life that a presigned URL may have: 7 days, in seconds (S3 API reference).
inline constexpr double longest_life = 7 * 24 * 3600;

std::string amz_date(double unix_time);           ///< "20130524T000000Z"
std::string encode_path(const std::string& path); ///< all but unreserved characters and "/"
std::string encode_query(const Pairs& query);     ///< sorted by name, then value

/// The canonical request; `headers` holds all that is signed, Host and X-Amz-Date among them.
std::string canonical_request(const Request& request, const Pairs& headers);

/// The headers to add to `request`: X-Amz-Date, X-Amz-Security-Token where there is one,
/// X-Amz-Content-Sha256 for S3, and Authorization. All of them are to be sent, none logged.
Pairs sign_headers(const Request& request, const Credentials& credentials, const Scope& scope,
                   double unix_time);

/// The query string (percent-encoded, without "?") that lets anybody who has it make `request` for
/// `life` seconds from `unix_time`. `life` is rounded down to whole seconds.
std::string presign(const Request& request, const Credentials& credentials, const Scope& scope,
                    double unix_time, double life);

} // namespace klio::staging::sigv4
