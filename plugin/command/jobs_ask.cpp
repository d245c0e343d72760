#include "job_text.h"
#include "jobs.h"

#include <klio/local_session.h>
#include <klio/session.h>

#include <memory>

namespace klio::command {

namespace {

GenerateOptions session_options(Context& context, const JobsArguments& arguments)
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
void check_task(Context& context, const JobsArguments& arguments, const JobInfo& job)
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

void print_frames(const Context& context, Jobs& jobs, const StoredSet& set)
{
    print_json(context, job_json(jobs.job(set.job)));
    print_line(context,
               "job " + short_key(set.job) + ": " + std::to_string(set.frames.size())
                   + (set.frames.size() == 1 ? " frame is stored" : " frames are stored"));
    for (const StoredFrame& frame : set.frames)
        print_line(context, "  " + frame.path);
}

} // namespace

void resolve_job(Context& context, const JobsArguments& arguments)
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

void collect_jobs(Context& context, const JobsArguments& arguments)
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

void recover_job(Context& context, const JobsArguments& arguments)
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

} // namespace klio::command
