#pragma once

#include "base/json.h"
#include "service/answer.h"

#include <string>

/// \file
/// What an answer that is no success means: which kind of error it is for the user, whether a
/// create was surely not accepted, and what may be asked again.
///
/// By the body's own words, whatever the status (never by HTML): credits, balance, arrears,
/// insufficient quota -> credits; content policy, safety, moderation, sensitive -> refusal (but
/// for 401). By status, which is the body's code where HTTP says 2xx:
///
/// - 401, 403: key. 402: credits. 425, 429: rate. 307, 308, other 3xx: network.
/// - 404, 410, all other 4xx: bad_request; but 408: network.
/// - 5xx, and a 2xx that is no JSON: network. A 2xx with a code in no table: bad_request.
/// - 408, 425, 429, 5xx and a 2xx that is no JSON are transient.
///
/// Which of them say that a create surely was not accepted: doubt.h.
///
/// The model maker's own codes (1000–1004 key, 1101 and 1102 credits, 1301 refusal, 1302 and 1303
/// rate, 5000–5002 server) are understood where they come through.

namespace klio::service {

/// Everything about an answer that decides what it means.
struct AnswerFacts {
    int status = 0;                   ///< HTTP
    const base::Json* json = nullptr; ///< null where the body is no JSON
    std::string parse_error;          ///< where it is none
    std::string body;                 ///< a beginning of it, for words and titles
    double retry_after = -1;          ///< seconds
};

/// The failure that an answer is; only for answers that are no success.
Failure classify(const AnswerFacts& facts);

/// Kind by words alone; false where they say nothing.
bool kind_of_words(const std::string& words, ErrorKind& kind);

/// True where the envelope's own code or success flag says that the call failed.
bool envelope_failed(const base::Json& root);

/// One line without control characters, at most `most` bytes, secrets masked.
std::string one_line(const std::string& text, size_t most = 300);

} // namespace klio::service
