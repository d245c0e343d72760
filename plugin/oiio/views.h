#pragma once

#include <klio/set.h>
#include <klio/settings.h>

#include <string>

/// \file
/// Where what is derived from a job lies, and can be made again at any time: previews, sheets.

namespace klio::oiio {

/// "views/JOB" in the data folder; where that can't be written (a farm's nodes may only read it), a
/// folder of this user's alone under $TMPDIR, else /tmp. Makes it; throws OutputError.
std::string writable_view_folder(const Settings& settings, const std::string& job);

/// The set's contact sheet, where it is or would be made: the data folder's own where it is there
/// already. Named after what it shows, since a job that was deleted and bought again has other
/// frames, and a plate that was away comes back.
std::string sheet_path(const Settings& settings, const StoredSet& set);

} // namespace klio::oiio
