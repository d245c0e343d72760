#pragma once

#include <klio/export.h>
#include <klio/local.h>
#include <klio/session.h>
#include <klio/settings.h>

#include <memory>

/// \file
/// The local gateway inside the process that asks: what `--local` and the endpoint "local" mean
/// (library klio::local).

namespace klio {

/// Starts a gateway whose state lies in the data folder (so that a task outlives the run that asked
/// for it), and points `options` at it: endpoint, identity, key, and inline staging where none is
/// named. It must live as long as sessions use the options; no thread of it remains afterwards.
/// Throws NetworkError, StoreError.
KLIO_API std::unique_ptr<LocalGateway> start_local_gateway(const Settings& settings,
                                                           GenerateOptions& options);

/// True where `options`, or else the settings, name the endpoint "local".
KLIO_API bool names_local_gateway(const Settings& settings, const GenerateOptions& options);

} // namespace klio
