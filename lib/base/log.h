#pragma once

#include <functional>
#include <string>

/// \file
/// Logging: lines on stderr (never stdout: hosts own that), secrets masked before anything sees
/// them. The level comes from KLIO_LOG (error, warning, info, debug; default warning).

namespace klio::base {

enum class LogLevel { error, warning, info, debug };

/// Writes one line where `level` is enabled. Thread-safe, never throws.
void log(LogLevel level, const std::string& message) noexcept;
bool log_enabled(LogLevel level) noexcept;
void set_log_level(LogLevel level) noexcept;
/// Where lines go instead of stderr; an empty function restores stderr. For tests and hosts.
void set_log_sink(std::function<void(LogLevel, const std::string&)> sink);

} // namespace klio::base
