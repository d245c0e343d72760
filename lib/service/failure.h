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
/// | status                    | kind        | transient | a create is surely rejected |
/// |---------------------------|-------------|-----------|------------------------------------------|
/// | 401, 403                  | key         | no        | yes | | 402                       |
/// credits     | no        | yes                                      | | 404, 410 | bad_request |
/// no        | yes                                      | | 408                       | network |
/// yes       | where a JSON error says so               | | 425, 429                  | rate | yes
/// | yes                                      | | other 4xx                 | bad_request | no |
/// yes                                      | | 503 with Retry-After      | network     | yes |
/// unless it is HTML                        | | 502, 504, 520–530         | network     | yes | no:
/// who stood between may have passed it | | other 5xx                 | network     | yes       |
/// where a JSON error says so, without a    | |                           |             | | task id
/// and without words of a timeout   | | 307, 308                  | network     | no        | yes |
/// | other 3xx                 | network     | no        | no | | 2xx that is no JSON       |
/// network     | yes       | no                                       | | 2xx, unknown code |
/// bad_request | no        | where there is no task id                |
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
