#pragma once

#include "session/call.h"
#include "session/references.h"

#include <vector>

/// \file
/// The one step that costs money: stage, write down, create, write down.

namespace klio::session {

/// Buys `job`, whose Flight the caller holds: leaves it SUBMITTED (durably), or in a state that
/// says why not, and then throws. Sends nothing unless everything that must be written down can be.
void purchase(const Call& call, store::JobRecord& job, std::vector<Reference>& references);

} // namespace klio::session
