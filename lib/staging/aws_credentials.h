#pragma once

#include "staging/sigv4.h"

#include <functional>
#include <string>

/// \file
/// Keys, region and endpoint for S3, found where AWS' own tools look for them.

namespace klio::staging {

/// Reads one environment variable; empty where it is not set.
using Environment = std::function<std::string(const char* name)>;
std::string process_environment(const char* name);

struct AwsSettings {
    sigv4::Credentials credentials;
    std::string region;   ///< empty where nothing names one
    std::string endpoint; ///< empty where nothing names one
};

/// Keys: a `profile` asked for by name; else AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and
/// AWS_SESSION_TOKEN (with AWS_CREDENTIAL_EXPIRATION); else the profile AWS_PROFILE, else
/// "default", of AWS_SHARED_CREDENTIALS_FILE (~/.aws/credentials) and AWS_CONFIG_FILE
/// (~/.aws/config). Region: AWS_REGION, AWS_DEFAULT_REGION, the profile's. Endpoint:
/// AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL, the profile's endpoint_url. Throws StagingError where
/// there are no keys, half of them, or a profile of a kind that klio does not know (SSO, roles,
/// processes), saying how to get plain keys from it. Secrets are registered for masking.
AwsSettings find_aws_settings(const std::string& profile,
                              const Environment& environment = process_environment);

/// "2026-01-31T12:00:00Z" as Unix time; 0 where it is no such text.
double parse_iso_time(const std::string& text);

} // namespace klio::staging
