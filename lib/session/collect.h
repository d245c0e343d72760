#pragma once

#include "session/call.h"

#include <string>

/// \file
/// From a task to frames in the store. Everything here can be repeated freely.

namespace klio::session {

/// Waits for a SUBMITTED job's task and stores its images; leaves it SUCCEEDED, or SUBMITTED with
/// what stands in the way, or FAILED / REFUSED / UNKNOWN, and then throws. The caller holds the
/// Flight. Also mends a SUCCEEDED job whose files are damaged.
void collect_job(const Call& call, store::JobRecord& job);

/// As collect_job(), with the images where a person says they are.
void recover_job(const Call& call, store::JobRecord& job, const std::string& json_pointer);

/// Ends a SUBMITTED job with the frames that are there, where a person does without the others.
/// Throws UsageError where none is.
void end_with_what_is_stored(const Call& call, store::JobRecord& job);

/// True where every frame's file is there with the bytes that were stored; else `what` says which
/// is not.
bool frames_whole(const StoredSet& set, std::string& what);

} // namespace klio::session
