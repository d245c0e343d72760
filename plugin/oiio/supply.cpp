#include "supply.h"

#include "failures.h"
#include "one_line.h"
#include "previews.h"
#include "views.h"

#include "base/file.h"

#include <klio/jobs.h>
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
[[noreturn]] void throw_state(const Asked& asked, const StoredSet& set, const Settings& settings)
{
    const std::string start = asked.name + ": " + short_name(set.job);
    const std::string job = set.job.substr(0, 12);
    switch (set.state) {
    case JobState::submitting:
    case JobState::submitted: {
        // The process that asked may have been killed, and what it left says nothing of that.
        const JobInfo info = Jobs(settings).job(set.job);
        if (!info.running && info.set.state == JobState::unknown)
            throw UnknownCreateError(start
                                     + " may or may not have been accepted (the process that sent "
                                       "it ended before the answer came); run: klio jobs resolve "
                                     + job);
        throw NotStoredError(start
                             + (info.running ? " is bought and still under way; wait for the "
                                               "process that asked, or run: klio jobs collect "
                                             : " is bought, and no process waits for it; to fetch "
                                               "it, free, run: klio jobs collect ")
                             + job);
    }
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

// Credits are spent inside a host that shows nothing of it: one line says so. `tried` becomes true
// when something is asked of anybody.
ProgressCallback announcing(const Asked& asked, bool& tried)
{
    return [name = asked.name, text = asked.price, &tried,
            said = false](const Progress& progress) mutable {
        tried = tried || progress.step == "stage" || progress.step == "create";
        if (progress.step == "create" && !said) {
            said = true;
            std::fprintf(stderr, "klio: %s\n",
                         one_line(name + ": " + progress.message + ": " + text).c_str());
        }
        return true;
    };
}

// What could never open is not paid for.
void check_use(const Asked& asked, const Settings& settings)
{
    const Request& request = asked.recipe.request;
    if (asked.only_frame > request.num_images)
        throw UsageError("there is no frame " + std::to_string(asked.only_frame) + " of "
                         + std::to_string(request.num_images));
    if (asked.sheet) {
        check_font(settings.get("font"));
        return;
    }
    check_frame_options(asked.frame);
    // Whether a plate is the one that the reference was, its record says.
    if (!asked.frame.conform.empty() && !request.images.empty()) {
        const Plan plan = Session(settings).plan(request, asked.generate);
        check_frame_options(asked.frame, {}, plan.references.at(0).record);
    }
    if (!asked.frame.match.empty() && asked.frame.conform.empty()
        && (request.images.empty() || base::is_url(request.images[0])))
        throw ReferenceError("match " + asked.frame.match
                             + ": wants a reference that is a file, or a plate by conform");
}

StoredSet buy(const Asked& asked, const Settings& settings, bool& tried)
{
    GenerateOptions options = asked.generate;
    options.progress = announcing(asked, tried);
    options.retry_after = failure_seconds; // for a host that is run again and again
    std::unique_ptr<LocalGateway> gateway;
    if (asked.local)
        gateway = start_local_gateway(settings, options);
    Session session(settings);
    return session.generate(asked.recipe.request, options);
}

// What a store without a job says nothing of. Faults that a person mends (a key, a flag) are not
// held back: he looks at once whether that helped.
StoredSet buy_in_turn(const Asked& asked, const Settings& settings, double now)
{
    const std::string key = asked.key + "\n" + settings.get("stage");
    throw_remembered(settings, key, now, failure_seconds);
    bool tried = false;
    try {
        return buy(asked, settings, tried);
    } catch (const Error& error) {
        const ErrorKind kind = error.kind();
        const bool of_others = kind == ErrorKind::staging || kind == ErrorKind::network
            || kind == ErrorKind::timeout || kind == ErrorKind::rate;
        if (of_others && !Session(settings).find(asked.recipe.request, asked.generate))
            remember_failure(settings, key, error, now);
        if (!tried) // GenerateOptions::retry_after, or a fault that a person mends
            throw NotTried {kind, error.what()};
        throw;
    }
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
            check_use(asked, settings);
            return m_purchases.fly(
                asked.key, [&] { return buy_in_turn(asked, settings, m_clock.unix_time()); });
        } catch (const Error& error) {
            throw_error(error.kind(), asked.name + ": " + error.what());
        }
    case OnMiss::preview: {
        const auto make = [&] { return make_previews(asked, settings, m_clock.unix_time()); };
        const StoredSet set = m_previews.fly(asked.key, make);
        if (frames_there(set, problem))
            return set;
        m_previews.forget(asked.key); // whoever deletes them finds them made anew
        return m_previews.fly(asked.key, make);
    }
    case OnMiss::error:
        break;
    }
    if (found)
        throw_state(asked, *found, settings);
    throw_not_stored(asked);
}

std::string Supply::sheet(const StoredSet& set, const Settings& settings)
{
    const std::string path = sheet_path(settings, set);
    return m_sheets.fly(path, [&] {
        if (!base::exists(path)) {
            SheetOptions options;
            options.font = settings.get("font");
            options.threads = int(settings.number("threads", 0));
            write_sheet(sheet_items(set), path, options);
        }
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
