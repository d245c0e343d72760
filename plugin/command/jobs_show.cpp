#include "job_text.h"
#include "jobs.h"

#include "base/json.h"

#include <klio/session.h>

#include <cstdio>
#include <ctime>
#include <iostream>

namespace klio::command {

namespace {

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

void print_raw(const Context& context, const JobsArguments& arguments, Jobs& jobs)
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

} // namespace

std::string short_key(const std::string& key)
{
    return key.substr(0, 12);
}

void list_jobs(Context& context, const JobsArguments& arguments)
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

void show_job(Context& context, const JobsArguments& arguments)
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

} // namespace klio::command
