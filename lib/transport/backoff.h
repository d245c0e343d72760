#pragma once

#include "base/clock.h"

#include <string>

/// \file
/// How long to wait before something is asked again.

namespace klio::transport {

struct BackoffOptions {
    double first = 1; ///< seconds
    double factor = 2;
    double longest = 30; ///< seconds
    double jitter = 0.5; ///< a wait is uniform in [(1 - jitter) w, w]
};

/// A sequence of waits. Not thread-safe.
class Backoff {
public:
    Backoff(BackoffOptions options, base::Random& random);
    /// Seconds to wait before the next try; at least `retry_after` where that is not negative.
    double next(double retry_after = -1);
    int tries() const { return m_tries; } ///< how often next() was called

private:
    BackoffOptions m_options;
    base::Random& m_random;
    int m_tries = 0;
};

/// A Retry-After header (seconds, or an HTTP date compared with `unix_now`) as seconds from now;
/// -1 where it is absent or absurd (no number, no date). A date in the past is 0.
double parse_retry_after(const std::string& value, double unix_now);

} // namespace klio::transport
