#include "command.h"
#include "job_text.h"

#include "base/json.h"

#include <klio/local_session.h>
#include <klio/session.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <iostream>
#include <memory>

namespace klio::command {

namespace {

/// What the flags of all of `klio jobs ...` say.
struct Arguments {
    std::vector<std::string> states;
    std::string text, of_endpoint;
    double days = 0;
    int limit = 0;
    std::string endpoint; ///< where to ask, instead of where the job was sent
    std::vector<std::string> jobs;
    std::string job, task, pointer, timeout;
    bool raw = false, unmasked = false, force = false;
    bool resubmit = false, forget = false, not_charged = false, as_it_is = false;
};

GenerateOptions session_options(Context& context, const Arguments& arguments)
{
    if (!arguments.timeout.empty())
        context.settings.set("timeout", arguments.timeout);
    GenerateOptions options;
    options.endpoint = arguments.endpoint;
    options.endpoint_by_user = !arguments.endpoint.empty();
    options.cancel = context.cancel;
    options.progress = progress_printer(context);
    return options;
}

std::string short_key(const std::string& key)
{
    return key.substr(0, 12);
}

/// Jobs, and those of them that cost something: the local gateway's do not.
struct Count {
    int jobs = 0, paid = 0;

    void add(const JobInfo& job)
    {
        ++jobs;
        paid += job.cost.total() > 0 || job.cost.unpriced > 0;
    }
    /// "3 to collect, 2 of them already paid for".
    std::string text(const std::string& what, const std::string& when_paid) const
    {
        return std::to_string(jobs) + " " + what
            + (paid == 0          ? ", at no cost"
                   : paid == jobs ? ", " + when_paid
                                  : ", " + std::to_string(paid) + " of them " + when_paid);
    }
};

void list(const Context& context, const Arguments& arguments)
{
    JobFilter filter;
    for (const std::string& name : arguments.states) {
        JobState state {};
        if (!job_state_from_string(name, state))
            throw UsageError("--state '" + name
                             + "': must be submitting, submitted, succeeded, failed, unknown or "
                               "refused");
        filter.states.push_back(state);
    }
    filter.text = arguments.text;
    filter.endpoint = arguments.of_endpoint;
    filter.limit = arguments.limit;
    if (arguments.days > 0)
        filter.created_after = double(std::time(nullptr)) - arguments.days * 86400;
    Jobs jobs(context.settings);
    const std::vector<JobInfo> found = jobs.list(filter);
    Count unknown, waiting;
    for (const JobInfo& job : found) {
        print_json(context, job_json(job));
        char line[256];
        std::snprintf(line, sizeof line, "%-12s  %s  %-22s  %5s  %2zu/%-2d  ",
                      short_key(job.set.job).c_str(), time_text(job.set.created_at).c_str(),
                      state_text(job).c_str(), credits_text(job).c_str(), job.set.frames.size(),
                      job.set.request.num_images);
        print_line(context, line + one_line(job.set.request.prompt, 40));
        if (job.set.state == JobState::unknown)
            unknown.add(job);
        if (job.set.state == JobState::submitted && !job.running)
            waiting.add(job);
    }
    if (found.empty())
        print_line(context, "no jobs");
    if (waiting.jobs)
        print_line(context, waiting.text("to collect", "already paid for") + ": klio jobs collect");
    if (unknown.jobs)
        print_line(context,
                   unknown.text("unknown", "counted as spent") + ": see klio jobs resolve --help");
}

void print_raw(const Context& context, const Arguments& arguments, Jobs& jobs)
{
    const RawAnswers raw = jobs.raw(arguments.job, arguments.unmasked);
    if (context.json) {
        base::OrderedJson json = {{"event", "raw"}, {"create", raw.create}, {"task", raw.task}};
        print_json(context, base::to_text(json));
        return;
    }
    // Straight to stdout: print_line() would mask what --unmasked asked for.
    std::cout << "answer to the create:\n"
              << (raw.create.empty() ? "(none)" : raw.create) << "\nlast answer of the task:\n"
              << (raw.task.empty() ? "(none)" : raw.task) << std::endl;
}

void show(const Context& context, const Arguments& arguments)
{
    if (arguments.unmasked && !arguments.raw)
        throw UsageError("--unmasked goes with --raw");
    Jobs jobs(context.settings);
    if (arguments.raw) {
        print_raw(context, arguments, jobs);
        return;
    }
    const JobInfo job = jobs.job(arguments.job);
    const StoredSet& set = job.set;
    print_json(context, job_json(job));
    const auto line = [&](const char* name, const std::string& text) {
        char start[32];
        std::snprintf(start, sizeof start, "%-11s ", name);
        if (!text.empty())
            print_line(context, start + text);
    };
    line("job", set.job);
    line("state", state_text(job));
    line("message", one_line(set.message, 1000));
    line("task", one_line(set.task_id, 200));
    line("endpoint", set.endpoint);
    line("credits",
         credits_text(job)
             + (job.cost.unknown > 0 ? ", " + std::to_string(job.cost.unknown)
                        + " of them for creates that may have "
                          "been accepted"
                                     : std::string()));
    line("made", time_text(set.created_at) + " UTC");
    line("changed", time_text(set.updated_at) + " UTC");
    line("sent", std::to_string(job.attempts) + (job.attempts == 1 ? " time" : " times"));
    line("model", set.request.model);
    line("type", set.request.type);
    line("prompt", one_line(set.request.prompt, 4000));
    line("size", set.request.aspect_ratio + " " + set.request.resolution);
    line("take", std::to_string(set.request.take));
    for (const StoredReference& reference : set.references)
        line("reference", one_line(reference.source, 1000));
    for (const StoredFrame& frame : set.frames)
        line("frame",
             std::to_string(frame.index) + ": " + std::to_string(frame.width) + "x"
                 + std::to_string(frame.height) + " " + frame.media_type + " " + frame.path);
    for (const std::string& warning : set.warnings)
        line("warning", one_line(warning, 1000));
}

/// The gateway of --local, where jobs were made with it; the same state makes it the same one.
class Local {
public:
    const GenerateOptions& options_for(const Context& context, const JobInfo& job,
                                       const GenerateOptions& options)
    {
        if (job.set.endpoint != local_endpoint)
            return options;
        if (!m_gateway) {
            m_options = options;
            m_gateway = start_local_gateway(context.settings, m_options);
        }
        return m_options;
    }

private:
    GenerateOptions m_options;
    std::unique_ptr<LocalGateway> m_gateway;
};

// Asks the service for the task before anything is changed: a mistyped id would stand for what was
// paid.
void check_task(Context& context, const Arguments& arguments, const JobInfo& job)
{
    const GenerateOptions options = session_options(context, arguments);
    Local local;
    Session session(context.settings);
    const std::string name = "task " + arguments.task;
    try {
        const std::string state = session.ask_for_task(job.set.job, arguments.task,
                                                       local.options_for(context, job, options));
        print_line(context,
                   name + ": the service has it"
                       + (state.empty() ? std::string() : " (" + one_line(state, 64) + ")"));
    } catch (const FailedError& error) {
        const std::string why = error.what();
        if (!arguments.force)
            throw UsageError("the service has no such task, so nothing was changed: " + why
                             + "; --force takes the id all the same");
        warn("taken all the same: " + why);
    } catch (const CancelledError&) {
        throw;
    } catch (const Error& error) {
        if (!arguments.force)
            throw_error(error.kind(),
                        name + ": the service could not be asked for it, so nothing was changed: "
                            + error.what() + "; --force takes the id unasked");
        warn(name + ": taken unasked: " + error.what());
    }
}

void resolve(Context& context, const Arguments& arguments)
{
    const int ways = int(!arguments.task.empty()) + int(arguments.resubmit) + int(arguments.forget);
    if (ways > 1 || (ways == 0 && !arguments.not_charged))
        throw UsageError("klio jobs resolve needs one of --task ID, --resubmit, --forget and "
                         "--not-charged");
    if (!arguments.task.empty() && arguments.not_charged)
        throw UsageError("--not-charged goes with --resubmit and --forget, or alone");
    if (arguments.task.empty() && arguments.force)
        throw UsageError("--force goes with --task");
    if (arguments.task.empty() && !arguments.endpoint.empty())
        throw UsageError("--endpoint goes with --task");
    Jobs jobs(context.settings);
    const JobInfo job = jobs.job(arguments.job);
    const std::string key = short_key(job.set.job);
    std::string said;
    if (!arguments.task.empty()) {
        check_task(context, arguments, job);
        jobs.resolve_task(key, arguments.task);
        said = "is task " + arguments.task + "; collect it with: klio jobs collect " + key;
    } else if (arguments.resubmit) {
        jobs.resolve_resubmit(key, arguments.not_charged);
        said = "will be sent again by the next run of its request";
    } else if (!arguments.forget) {
        const int count = jobs.resolve_not_charged(key);
        said = count > 0
            ? "no longer counts " + counted(count, "create") + " that may have been accepted"
            : std::string("counts no create that may have been accepted");
    } else {
        jobs.resolve_forget(key, arguments.not_charged);
        said = "is given up";
    }
    print_line(context, "job " + key + " " + said);
    print_json(context, job_json(jobs.job(key)));
}

void cancel(const Context& context, const Arguments& arguments)
{
    Jobs jobs(context.settings);
    for (const std::string& name : arguments.jobs) {
        const std::string key = short_key(jobs.job(name).set.job);
        const bool asked = jobs.cancel(name);
        print_line(context,
                   "job " + key
                       + (asked ? ": its process was asked to stop; the task is kept"
                                : ": no process waits for it"));
        print_json(context,
                   base::to_text(
                       base::OrderedJson {{"event", "cancel"}, {"job", key}, {"running", asked}}));
    }
}

void remove(const Context& context, const Arguments& arguments)
{
    Jobs jobs(context.settings);
    for (const std::string& name : arguments.jobs) {
        const std::string key = jobs.job(name).set.job;
        jobs.remove(key, arguments.force);
        print_line(context, "job " + short_key(key) + " and its frames are deleted");
        print_json(context, base::to_text(base::OrderedJson {{"event", "deleted"}, {"job", key}}));
    }
}

void print_frames(const Context& context, Jobs& jobs, const StoredSet& set)
{
    print_json(context, job_json(jobs.job(set.job)));
    print_line(context,
               "job " + short_key(set.job) + ": " + std::to_string(set.frames.size())
                   + (set.frames.size() == 1 ? " frame is stored" : " frames are stored"));
    for (const StoredFrame& frame : set.frames)
        print_line(context, "  " + frame.path);
}

void collect(Context& context, const Arguments& arguments)
{
    const GenerateOptions options = session_options(context, arguments);
    Jobs jobs(context.settings);
    std::vector<std::string> names = arguments.jobs;
    if (names.empty()) {
        JobFilter filter;
        filter.states = {JobState::submitted};
        filter.endpoint = arguments.endpoint; // no other service's tasks are asked for there
        for (const JobInfo& job : jobs.list(filter))
            names.push_back(job.set.job);
        if (names.empty())
            print_line(context, "nothing to collect");
    }
    Local local;
    Session session(context.settings);
    ErrorKind worst = ErrorKind::internal;
    std::string first;
    for (const std::string& name : names) {
        try {
            print_frames(
                context, jobs,
                session.collect(name, local.options_for(context, jobs.job(name), options)));
        } catch (const CancelledError&) {
            throw;
        } catch (const Error& error) {
            if (names.size() == 1)
                throw;
            warn(error.what());
            if (first.empty()) {
                worst = error.kind();
                first = error.what();
            }
        }
    }
    if (!first.empty())
        throw_error(worst, "not all jobs could be collected; the first: " + first);
}

void recover(Context& context, const Arguments& arguments)
{
    const GenerateOptions options = session_options(context, arguments);
    if (arguments.pointer.empty() != arguments.as_it_is)
        throw UsageError("klio jobs recover needs one of --at POINTER and --as-it-is");
    Local local;
    Session session(context.settings);
    Jobs jobs(context.settings);
    const JobInfo job = jobs.job(arguments.job);
    print_frames(context, jobs,
                 session.recover(arguments.job, arguments.pointer,
                                 local.options_for(context, job, options)));
}

void add_list(CLI::App* jobs, const std::shared_ptr<Arguments>& arguments)
{
    jobs->add_option("--state", arguments->states,
                     "only these: submitting, submitted, succeeded, failed, unknown, refused")
        ->delimiter(',');
    jobs->add_option("--text", arguments->text,
                     "only those with TEXT in prompt, names of references, key or task id");
    jobs->add_option("--endpoint", arguments->of_endpoint, "only those of this endpoint");
    jobs->add_option("--days", arguments->days, "only those of the last N days")
        ->check([](const std::string& text) {
            char* end = nullptr;
            const double value = std::strtod(text.c_str(), &end);
            return *end == '\0' && !text.empty() && std::isfinite(value) && value > 0
                ? std::string()
                : "must be a number above 0";
        });
    jobs->add_option("--limit", arguments->limit, "only the newest N")
        ->check([](const std::string& text) {
            char* end = nullptr;
            const long value = std::strtol(text.c_str(), &end, 10);
            return *end == '\0' && !text.empty() && value > 0
                ? std::string()
                : "must be a whole number of 1 or more";
        });
}

// What lists jobs would be taken for what acts on them.
void refuse_filters(const CLI::App& jobs, const std::string& command)
{
    for (const char* flag : {"--state", "--text", "--endpoint", "--days", "--limit"})
        if (jobs.count(flag) > 0)
            throw UsageError(std::string(flag) + ": before '" + command
                             + "' it is a filter of klio jobs list; see klio jobs " + command
                             + " --help");
}

void add_endpoint(CLI::App* command, const std::shared_ptr<Arguments>& arguments)
{
    command->add_option("--endpoint", arguments->endpoint,
                        "ask there, with the key, where the service has another address by now");
}

void add(CLI::App& app, Context& context)
{
    auto arguments = std::make_shared<Arguments>();
    CLI::App* jobs = app.add_subcommand("jobs", "list, show, collect and resolve jobs");
    jobs->fallthrough()->require_subcommand(0, 1);
    jobs->footer("A JOB is any beginning of its key of at least 4 characters. Nothing here buys "
                 "anything.");
    add_list(jobs, arguments);
    CLI::App* one
        = jobs->add_subcommand("list", "list them, oldest first (as klio jobs alone does)")
              ->fallthrough();
    one->callback([&context, arguments] { list(context, *arguments); });
    add_list(one, arguments);
    const auto sub = [&](const char* name, const char* help, auto run) {
        CLI::App* made = jobs->add_subcommand(name, help)->fallthrough();
        made->callback([jobs, name, &context, arguments, run] {
            refuse_filters(*jobs, name);
            run(context, *arguments);
        });
        return made;
    };

    one = sub("show", "all about one job", show);
    one->add_option("JOB", arguments->job)->required();
    one->add_flag("--raw", arguments->raw, "the service's answers as they came, secrets masked");
    one->add_flag("--unmasked", arguments->unmasked,
                  "with --raw: with signed URLs, which let anybody fetch the frames");

    one = sub("collect", "wait for submitted jobs and store their frames; buys nothing", collect);
    one->add_option("JOB", arguments->jobs, "default: all that are submitted");
    one->add_option("--timeout", arguments->timeout, "seconds to wait (default 1200)");
    add_endpoint(one, arguments);

    one = sub("resolve", "say what became of an unknown job", resolve);
    one->add_option("JOB", arguments->job)->required();
    one->add_option("--task", arguments->task,
                    "it was accepted, as the task with this id (the service is asked whether it "
                    "has it)");
    one->add_flag("--force", arguments->force,
                  "with --task: take the id where the service can't be asked, or has no such task");
    one->add_option("--timeout", arguments->timeout,
                    "with --task: seconds to ask for it (default 30)");
    add_endpoint(one, arguments);
    one->add_flag("--resubmit", arguments->resubmit,
                  "send it again with the next run of its request; may be paid twice if it was "
                  "accepted after all");
    one->add_flag("--forget", arguments->forget, "give it up");
    one->add_flag("--not-charged", arguments->not_charged,
                  "the service did not charge it: what counts as unknown counts no more; alone, "
                  "of a job that was sent again, or given up, since");

    one = sub("recover", "collect a finished job from a place in its answer, or end it as it is",
              recover);
    one->add_option("JOB", arguments->job)->required();
    one->add_option("--at", arguments->pointer,
                    "where the images are, as a JSON pointer: /data/output/0 (see show --raw)");
    one->add_flag("--as-it-is", arguments->as_it_is,
                  "with the frames that are stored, without those that stay damaged; also for a "
                  "job that succeeded and whose files were damaged since");
    add_endpoint(one, arguments);

    one = sub("cancel", "ask the process that waits for a job to stop; the task is kept", cancel);
    one->add_option("JOB", arguments->jobs)->required();

    one = sub("delete", "delete jobs and their frames; what they cost stays in klio cost", remove);
    one->add_option("JOB", arguments->jobs)->required();
    one->add_flag(
        "--force", arguments->force,
        "also what is submitted or unknown; it stays counted as spent, and can no longer be "
        "collected or resolved");

    jobs->callback([jobs, &context, arguments] {
        if (jobs->get_subcommands().empty())
            list(context, *arguments);
    });
}

const RegisterCommand registered(50, add);

} // namespace

} // namespace klio::command
