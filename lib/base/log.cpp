#include "base/log.h"

#include "base/secret.h"

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <utility>

namespace klio::base {

namespace {

LogLevel level_from_environment()
{
    const char* value = std::getenv("KLIO_LOG");
    if (!value)
        return LogLevel::warning;
    static constexpr const char* names[] = {"error", "warning", "info", "debug"};
    for (int i = 0; i < 4; ++i)
        if (std::strcmp(value, names[i]) == 0)
            return static_cast<LogLevel>(i);
    return LogLevel::warning;
}

std::atomic<LogLevel>& current_level()
{
    static std::atomic<LogLevel> level {level_from_environment()};
    return level;
}

struct Sink {
    std::mutex mutex;
    std::function<void(LogLevel, const std::string&)> function;
};

Sink& sink()
{
    static Sink* instance = new Sink;
    return *instance;
}

} // namespace

bool log_enabled(LogLevel level) noexcept
{
    return level <= current_level();
}

void set_log_level(LogLevel level) noexcept
{
    current_level() = level;
}

void set_log_sink(std::function<void(LogLevel, const std::string&)> function)
{
    const std::lock_guard<std::mutex> lock(sink().mutex);
    sink().function = std::move(function);
}

void log(LogLevel level, const std::string& message) noexcept
try {
    if (!log_enabled(level))
        return;
    static constexpr const char* names[] = {"error", "warning", "info", "debug"};
    const std::string masked = mask(message);
    const std::lock_guard<std::mutex> lock(sink().mutex);
    if (sink().function)
        sink().function(level, masked);
    else
        std::fprintf(stderr, "klio: %s: %s\n", names[static_cast<int>(level)], masked.c_str());
} catch (...) { // a log line that can't be made is not worth a crash
}

} // namespace klio::base
