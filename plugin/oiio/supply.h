#pragma once

#include "asked.h"
#include "flights.h"

#include <klio/set.h>

#include <string>

/// \file
/// Where an open's frames come from: the store, and on a miss what the user chose.

namespace klio::oiio {

/// Serves all opens of a process. Thread-safe. Between calls it holds no thread, no file and no
/// connection, so that a host may fork, or end, whenever no open is under way.
class Supply {
public:
    explicit Supply(base::Clock& clock = base::system_clock());

    /// The set that `asked` names, its frames in the store or marked as previews. Sends nothing
    /// unless asked.on_miss is generate; then at most one purchase however many threads ask, and
    /// at most one attempt a minute after a failure. Throws what stands in the way:
    /// NotStoredError with price and command, DamagedError …
    StoredSet frames(const Asked& asked, const Settings& settings);

    /// The set's contact sheet as an image file, made where it is not there yet.
    std::string sheet(const StoredSet& set, const Settings& settings);

private:
    base::Clock& m_clock;
    Flights<StoredSet> m_purchases;
    Flights<StoredSet> m_previews;
    Flights<std::string> m_sheets;
};

/// The process's own. After a fork the child gets another, since a flight of the parent's that was
/// under way never lands there.
Supply& process_supply();

} // namespace klio::oiio
