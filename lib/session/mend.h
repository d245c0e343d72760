#pragma once

#include "session/call.h"

#include <string>

/// \file
/// Finished jobs whose frames on the disk are no longer what was stored.

namespace klio::session {

/// Fetches what is damaged again, from the same task. Throws DamagedError, with `damage` and with
/// what a person can do, where the service no longer gives it; CancelledError.
void mend(const Call& call, store::JobRecord& job, const std::string& damage);

/// Frames whose files are damaged are no longer the job's; their files stay where they are. Throws
/// UsageError where a finished job would have none left.
void drop_damaged(const Call& call, store::JobRecord& job);

} // namespace klio::session
