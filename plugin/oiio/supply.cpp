#include "supply.h"

#include "previews.h"
#include "views.h"

#include "base/file.h"

#include <klio/local_session.h>
#include <klio/sheet.h>

#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>

namespace klio::oiio {

namespace {

// Long enough that a host's retries are one attempt, short enough that a person who mended what
// was wrong need not restart the host.
constexpr double failure_seconds = 60;
// Previews are free, but preparing a plate for them takes time, and a graph opens them often.
constexpr double preview_seconds = 60;

std::string short_name(const std::string& job)
{
    return "job " + job.substr(0, 12);
}

// By size alone: the bytes themselves are checked when they are read.
bool frames_there(const StoredSet& set, std::string& problem)
{
    for (const StoredFrame& frame : set.frames) {
        struct stat info { };
        if (::stat(frame.path.c_str(), &info) != 0)
            problem = frame.path + " is missing";
        else if (uint64_t(info.st_size) != frame.bytes)
            problem = frame.path + " has not the size that was stored";
        if (!problem.empty())
            return false;
    }
    return true;
}

// What the store knows of a job that has no frames (yet), and what the user can do about it.
[[noreturn]] void throw_state(const Asked& asked, const StoredSet& set)
{
    const std::string start = asked.name + ": " + short_name(set.job);
    const std::string job = set.job.substr(0, 12);
    switch (set.state) {
    case JobState::submitting:
    case JobState::submitted:
        throw NotStoredError(start
                             + " is bought and still under way; wait for the process that asked, "
                               "or run: klio jobs collect "
                             + job);
    case JobState::unknown:
        throw UnknownCreateError(start + " may or may not have been accepted (" + set.message
                                 + "); run: klio jobs resolve " + job);
    case JobState::refused:
        throw RefusalError(
            start + " was refused (" + set.message
            + "); change the request, or take back the refusal by: klio jobs resolve " + job
            + " --resubmit");
    default:
        throw_error(set.error_kind,
                    start + " failed (" + set.message + "); to try again, for " + asked.price
                        + ", run: " + asked.command);
    }
}

[[noreturn]] void throw_not_stored(const Asked& asked)
{
    throw NotStoredError(asked.name + ": not generated yet; it costs " + asked.price
                         + "; run: " + asked.command
                         + " (or, for previews, set KLIO_ON_MISS=preview; to let this host ask for "
                           "it, KLIO_ON_MISS=generate)");
}

// Credits are spent inside a host that shows nothing of it: one line says so.
ProgressCallback announcing(const Asked& asked)
{
    return [name = asked.name, text = asked.price](const Progress& progress) {
        if (progress.step == "create")
            std::fprintf(stderr, "klio: %s: %s: %s\n", name.c_str(), progress.message.c_str(),
                         text.c_str());
        return true;
    };
}

StoredSet buy(const Asked& asked, const Settings& settings)
{
    GenerateOptions options = asked.generate;
    options.progress = announcing(asked);
    options.retry_after = failure_seconds; // for a host that is run again and again
    std::unique_ptr<LocalGateway> gateway;
    if (asked.local)
        gateway = start_local_gateway(settings, options);
    Session session(settings);
    return session.generate(asked.recipe.request, options);
}

} // namespace

Supply::Supply(base::Clock& clock)
    : m_clock(clock), m_purchases(clock, 0, failure_seconds), m_previews(clock, preview_seconds, 0),
      m_sheets(clock, 0, 0)
{
}

StoredSet Supply::frames(const Asked& asked, const Settings& settings)
{
    const std::optional<StoredSet> found
        = Session(settings).find(asked.recipe.request, asked.generate);
    std::string problem;
    const bool done = found && found->state == JobState::succeeded;
    if (done && frames_there(*found, problem))
        return *found;
    if (done && asked.on_miss != OnMiss::generate)
        throw DamagedError(asked.name + ": " + short_name(found->job) + ": " + problem
                           + "; to fetch it again, free while the service has it, run: "
                           + asked.command);
    switch (asked.on_miss) {
    case OnMiss::generate:
        try {
            return m_purchases.fly(asked.key, [&] { return buy(asked, settings); });
        } catch (const Error& error) {
            throw_error(error.kind(), asked.name + ": " + error.what());
        }
    case OnMiss::preview:
        return m_previews.fly(asked.key,
                              [&] { return make_previews(asked, settings, m_clock.unix_time()); });
    case OnMiss::error:
        break;
    }
    if (found)
        throw_state(asked, *found);
    throw_not_stored(asked);
}

std::string Supply::sheet(const StoredSet& set, const Settings& settings)
{
    const std::string path = sheet_path(settings, set);
    return m_sheets.fly(path, [&] {
        if (!base::exists(path))
            write_sheet(sheet_items(set), path, SheetOptions());
        return path;
    });
}

Supply& process_supply()
{
    struct Owned {
        pid_t process;
        Supply supply;
        Owned() : process(::getpid()) { }
    };
    static std::atomic<Owned*> current {nullptr};
    Owned* owned = current.load();
    while (!owned || owned->process != ::getpid()) {
        // The parent's stays allocated in a child: nobody can say that its locks are free.
        auto* made = new Owned;
        if (current.compare_exchange_strong(owned, made)) {
            owned = made;
            break;
        }
        delete made;
    }
    return owned->supply;
}

} // namespace klio::oiio
