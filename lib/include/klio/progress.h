#pragma once

#include <klio/export.h>

#include <functional>
#include <memory>
#include <string>

namespace klio {

/// Asks long work to stop. Copies share one state; cancel() may be called from any thread and from
/// a signal handler's helper thread (not from the handler itself). Thread-safe.
class KLIO_API CancelToken {
public:
    CancelToken();
    void cancel() const noexcept;
    bool cancelled() const noexcept;
    /// Blocks at most `seconds`; true as soon as cancel() was called.
    bool wait(double seconds) const;
    /// Throws CancelledError where cancel() was called; `what` says what was stopped.
    void check(const std::string& what) const;

private:
    struct State;
    std::shared_ptr<State> m_state;
};

/// One step of a job on its way, as `--json` prints it too.
struct Progress {
    std::string step;    ///< prepare, stage, create, wait, download, decode, write, done …
    std::string job;     ///< the job's key; empty before it is known
    std::string message; ///< one line for a person
    double done = 0;     ///< how much of this step is done, in its own unit
    double total = 0;    ///< 0 where unknown
    /// Nothing is new: the same as before, so that a callback can stop what is waited for.
    bool repeated = false;
};

/// Called from the thread that works, never concurrently for one call of the library, and at least
/// four times a second while it waits for the network. Return false to cancel, which is the same as
/// CancelToken::cancel().
using ProgressCallback = std::function<bool(const Progress&)>;

} // namespace klio
