#include "jobs.h"
#include "job_text.h"

#include "base/json.h"

#include <klio/session.h>

#include <cmath>
#include <cstdlib>
#include <memory>

namespace klio::command {

namespace {

void cancel(Context& context, const JobsArguments& arguments)
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

void remove(Context& context, const JobsArguments& arguments)
{
    Jobs jobs(context.settings);
    for (const std::string& name : arguments.jobs) {
        const std::string key = jobs.job(name).set.job;
        jobs.remove(key, arguments.force);
        print_line(context, "job " + short_key(key) + " and its frames are deleted");
        print_json(context, base::to_text(base::OrderedJson {{"event", "deleted"}, {"job", key}}));
    }
}

void add_list(CLI::App* jobs, const std::shared_ptr<JobsArguments>& arguments)
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

void add_endpoint(CLI::App* command, const std::shared_ptr<JobsArguments>& arguments)
{
    command->add_option("--endpoint", arguments->endpoint,
                        "ask there, with the key, where the service has another address by now");
}

void add(CLI::App& app, Context& context)
{
    auto arguments = std::make_shared<JobsArguments>();
    CLI::App* jobs = app.add_subcommand("jobs", "list, show, collect and resolve jobs");
    jobs->fallthrough()->require_subcommand(0, 1);
    jobs->footer("A JOB is any beginning of its key of at least 4 characters. Nothing here buys "
                 "anything.");
    add_list(jobs, arguments);
    CLI::App* one
        = jobs->add_subcommand("list", "list them, oldest first (as klio jobs alone does)")
              ->fallthrough();
    one->callback([&context, arguments] { list_jobs(context, *arguments); });
    add_list(one, arguments);
    const auto sub = [&](const char* name, const char* help, auto run) {
        CLI::App* made = jobs->add_subcommand(name, help)->fallthrough();
        made->callback([jobs, name, &context, arguments, run] {
            refuse_filters(*jobs, name);
            run(context, *arguments);
        });
        return made;
    };

    one = sub("show", "all about one job", show_job);
    one->add_option("JOB", arguments->job)->required();
    one->add_flag("--raw", arguments->raw, "the service's answers as they came, secrets masked");
    one->add_flag("--unmasked", arguments->unmasked,
                  "with --raw: with signed URLs, which let anybody fetch the frames");

    one = sub("collect", "wait for submitted jobs and store their frames; buys nothing",
              collect_jobs);
    one->add_option("JOB", arguments->jobs, "default: all that are submitted");
    one->add_option("--timeout", arguments->timeout, "seconds to wait (default 1200)");
    add_endpoint(one, arguments);

    one = sub("resolve", "say what became of an unknown job", resolve_job);
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
              recover_job);
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
            list_jobs(context, *arguments);
    });
}

const RegisterCommand registered(50, add);

} // namespace

} // namespace klio::command
