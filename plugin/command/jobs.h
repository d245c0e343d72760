#pragma once

#include "command.h"

#include <string>
#include <vector>

/// \file
/// The parts of `klio jobs`: what shows jobs, and what asks the service about them.

namespace klio::command {

/// What the flags of all of `klio jobs ...` say.
struct JobsArguments {
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

/// The beginning of a key that a person reads and types.
std::string short_key(const std::string& key);

// Without the service.
void list_jobs(Context& context, const JobsArguments& arguments);
void show_job(Context& context, const JobsArguments& arguments);

// With it; none of these buys anything.
void resolve_job(Context& context, const JobsArguments& arguments);
void collect_jobs(Context& context, const JobsArguments& arguments);
void recover_job(Context& context, const JobsArguments& arguments);

} // namespace klio::command
