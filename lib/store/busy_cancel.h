#pragma once

#include <klio/progress.h>

/// \file
/// What ends a thread's wait for the database before its time.

namespace klio::store {

/// While it lives, this thread's waits for the database (for another process that holds it, or for
/// another thread at its connection) end with CancelledError soon after `cancel` was called. What
/// need not wait goes on as ever. Nested ones: the innermost counts.
class BusyCancel {
public:
    explicit BusyCancel(CancelToken cancel);
    ~BusyCancel();
    BusyCancel(const BusyCancel&) = delete;
    BusyCancel& operator=(const BusyCancel&) = delete;

    /// From here on this thread waits as long as it takes, until its innermost guard ends: what
    /// is written down now is about something that was, or is being, paid for.
    static void lift() noexcept;
    /// This thread's token; null where nothing ends a wait.
    static const CancelToken* token() noexcept;

private:
    CancelToken m_cancel;
    const CancelToken* m_before;
};

} // namespace klio::store
