#pragma once

#include "session/call.h"
#include "session/references.h"

#include <string>
#include <vector>

/// \file
/// The references' URLs, for as long as a job needs them.

namespace klio::session {

/// The stage that this call uses: the option's, the settings', else inline where the service is on
/// loopback. Throws UsageError, with stage_help(), where there is none.
std::string stage_setting(const Call& call, const std::string& url);

/// Gives each reference a URL that the service can read, in order. What was staged stays until
/// staging::Keeper::ended(). Throws StagingError, UsageError, CancelledError.
std::vector<std::string> stage_references(const Call& call, const std::string& url,
                                          const std::vector<Reference>& references);

} // namespace klio::session
