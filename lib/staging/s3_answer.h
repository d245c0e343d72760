#pragma once

#include "transport/http.h"

#include <string>
#include <vector>

/// \file
/// What servers say when they refuse, in their own words.

namespace klio::staging {

/// An S3 error document ("REST error responses" in the S3 API reference).
struct S3Error {
    std::string code;    ///< e.g. "SignatureDoesNotMatch"; empty where the body is none
    std::string message; ///< S3's own
    std::string region;  ///< of the bucket, where the answer names it
    std::string endpoint;
    double server_time = 0; ///< Unix time by the server's clock; 0 unknown
};

S3Error parse_s3_error(const transport::HttpResponse& response);

/// The versions of the object `key`, delete markers among them, that a ListObjectVersions answer
/// names.
std::vector<std::string> parse_s3_versions(const std::string& xml, const std::string& key);

/// One line for a person: S3's code and message, with what they mean for the user: the clock's
/// skew, the bucket's true region, which key. `region` is the one that was asked, `now` this
/// machine's clock.
std::string explain_s3_error(const transport::HttpResponse& response, const std::string& region,
                             double now);

/// "403 Forbidden: …" with the words of whatever stands in the body (XML, JSON, HTML, text), cut
/// short, or the transport's own error where no answer came.
std::string explain_answer(const transport::HttpResponse& response);
/// The same without the body's words.
std::string explain_answer_briefly(const transport::HttpResponse& response);

} // namespace klio::staging
