#pragma once

#include "asked.h"

#include <klio/set.h>

namespace klio::oiio {

/// The local gateway's preview frames for what was asked, without any gateway or network, as a set
/// that never was a job: its endpoint is "local", so every frame is marked as a preview in its
/// metadata as well. Throws what preparing the references throws, OutputError.
StoredSet make_previews(const Asked& asked, const Settings& settings, double now);

} // namespace klio::oiio
