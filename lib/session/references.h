#pragma once

#include "session/call.h"

#include <klio/prepare.h>

#include <string>
#include <vector>

/// \file
/// A request's references: named without preparing them where a memo knows how that ended.

namespace klio::session {

/// One reference on its way.
struct Reference {
    StoredReference stored; ///< source, id, record
    Prepared prepared;      ///< bytes are empty until load_references(), and for a URL passed on
    bool passed_on = false; ///< a URL that goes to the service as it is
};

/// Ids and records of the request's references. With `fetch` false nothing is asked of the network:
/// false where a URL to be prepared was never fetched before. Throws ReferenceError, ColorError.
bool identify_references(const Call& call, const Request& request, bool fetch,
                         std::vector<Reference>& references);

/// Prepares what has no bytes yet. The ids stay as they are; the records become those of the bytes.
void load_references(const Call& call, const Request& request, std::vector<Reference>& references);

std::vector<std::string> reference_ids(const std::vector<Reference>& references);

} // namespace klio::session
