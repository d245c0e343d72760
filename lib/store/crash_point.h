#pragma once

/// \file
/// Places where the process can be killed on purpose, so that a test can show what a crash there
/// leaves behind. Compiled in always, since only the code that is shipped is worth testing; inert
/// unless KLIO_CRASH_AT names one as "NAME:N" (the Nth time it is reached, from 1).

namespace klio::store {

/// Kills the process (SIGKILL) where KLIO_CRASH_AT says so. Thread-safe.
void crash_point(const char* name) noexcept;

/// As KLIO_CRASH_AT says, from here on: for tests that fork. Not thread-safe.
void arm_crash_point(const char* name, long count);

} // namespace klio::store
