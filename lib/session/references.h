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
    StoredReference stored;    ///< source, id, record
    Prepared prepared;         ///< bytes are empty until load_references(), and for a URL passed on
    bool passed_on = false;    ///< a URL that goes to the service as it is
    std::string source_sha256; ///< of the source's bytes that the id was made from
    std::string fetched;       ///< those of a URL, where they are still to be prepared
    /// The file is not there any more, and what it was is remembered: good enough to find what was
    /// bought with it, not to buy anything. Says why it can't be read.
    std::string missing;
};

/// Ids and records of the request's references. What a source holds now counts: a file that changed
/// is another reference, and so is a URL to be prepared, which is fetched each time (where it can't
/// be any more, what it held the last time counts, with a warning). With `fetch` false nothing is
/// asked of the network: what a URL held the last time counts, and the answer is false where it was
/// never fetched. A file that is gone is `missing` where what it was is remembered. Throws
/// ReferenceError, ColorError.
bool identify_references(const Call& call, const Request& request, bool fetch,
                         std::vector<Reference>& references);

/// Throws ReferenceError for the first that is missing.
void require_present(const std::vector<Reference>& references);

/// Prepares what has no bytes yet. The ids stay as they are; the records become those of the bytes.
/// Throws ReferenceError where a source no longer holds what its id was made from: its job must not
/// be bought with other pixels.
void load_references(const Call& call, const Request& request, std::vector<Reference>& references);

std::vector<std::string> reference_ids(const std::vector<Reference>& references);

} // namespace klio::session
