#pragma once

#include <chrono>
#include <cstdint>

/// \file
/// Time and chance as objects, so that tests inject both and never sleep.

namespace klio {
class CancelToken;
}

namespace klio::base {

using Seconds = std::chrono::duration<double>;

/// A clock that can wait. Implementations are thread-safe.
class Clock {
public:
    virtual ~Clock() = default;
    /// Seconds since the Unix epoch; may jump when someone sets the machine's clock.
    virtual double unix_time() const = 0;
    /// Seconds on a clock that never goes back; only differences have a meaning.
    virtual double monotonic() const = 0;
    /// Waits, or returns early once `cancel` fires. Returns false where it was cancelled.
    virtual bool sleep(Seconds duration, const CancelToken& cancel) = 0;
};

/// The machine's own clock; lives for ever.
Clock& system_clock();

/// A source of jitter. Implementations are thread-safe.
class Random {
public:
    virtual ~Random() = default;
    virtual double uniform() = 0; ///< in [0, 1)
};

Random& system_random();

} // namespace klio::base
