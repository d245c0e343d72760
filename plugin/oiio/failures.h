#pragma once

#include "flights.h"

#include <klio/error.h>
#include <klio/settings.h>

#include <string>

/// \file
/// Purchases that failed before there was a job: a stage that can't be reached leaves nothing in
/// the store, and a farm's hosts would else try it again and again.

namespace klio::oiio {

/// Throws, as NotTried, the failure that was remembered for `key` in the last `seconds` before
/// `now` (Unix time), by whatever process. A clock that was set back holds nothing back, nor does a
/// file that says nothing.
void throw_remembered(const Settings& settings, const std::string& key, double now, double seconds);

/// Errors of writing are passed over: the failure itself is what the caller must hear of.
void remember_failure(const Settings& settings, const std::string& key, const Error& error,
                      double now) noexcept;

} // namespace klio::oiio
