#pragma once

#include "session/call.h"
#include "store/flight.h"

#include <optional>

/// \file
/// One job, several processes and threads that want it: who works on it, and what the others do.

namespace klio::session {

/// Until the job's lock is ours (true), or somebody else has brought the job home (false). `waited`
/// says whether somebody else had it. Throws TimeoutError at the call's deadline, CancelledError.
bool take_flight(const Call& call, store::Flight& flight, bool& waited);

/// Those who waited for a purchase share its end, the bad one too: a second try is a new call's
/// business. Not so where somebody only stopped it. `before` is the job as it was before the wait.
bool shares_end(bool waited, const std::optional<store::JobRecord>& before,
                const store::JobRecord& now);

/// GenerateOptions::retry_after, judged while the flight is held, so that it holds between
/// processes: throws what the last try threw where that is too fresh. A clock that was set back
/// holds nothing back.
void hold_back(const Call& call, const store::JobRecord& job);

} // namespace klio::session
