#pragma once

#include "base/clock.h"
#include "staging/stage.h"
#include "transport/http.h"

#include <functional>
#include <string>

/// \file
/// HTTP as stages need it. All that a stage sends can be repeated without harm: the same bytes
/// under the same name.

namespace klio::staging {

/// Thread-safe.
class Exchange {
public:
    Exchange(transport::Transport& transport, const StageOptions& options);

    /// Performs the request that `make` makes, anew for each try, since a signature carries the
    /// time. Tries again (StageOptions::tries) where the network failed or the answer is 408, 425,
    /// 429 or 5xx but 501 and 507, with backoff and Retry-After. Returns the last answer. Throws
    /// CancelledError.
    /// `refused`, where given, tells whether surely no try was carried out: none reached the
    /// server, or it said no (3xx, 4xx).
    transport::HttpResponse perform(const std::function<transport::HttpRequest()>& make,
                                    const CancelToken& cancel, bool* refused = nullptr);

    /// Fetches the end of `object` through `url` as a stranger would, and compares. Empty where it
    /// is there, else what came instead. An object that is not there yet is looked for again, since
    /// some stores need a moment. Throws CancelledError.
    std::string verify(const std::string& url, const Object& object, const CancelToken& cancel);

    double now() const { return m_clock.unix_time(); }

private:
    transport::Transport& m_transport;
    base::Clock& m_clock;
    base::Random& m_random;
    int m_tries;
};

/// Throws NothingStaged where `nothing` is sure, else StagingError.
[[noreturn]] void throw_staging(bool nothing, const std::string& message);

/// What all requests of a stage share: the user named the host, so it may be a private one, and
/// what comes back is compared byte by byte, so it must not be compressed.
transport::HttpRequest stage_request(const std::string& method, const std::string& url);

} // namespace klio::staging
