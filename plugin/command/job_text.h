#pragma once

#include <klio/jobs.h>

#include <string>
#include <vector>

/// \file
/// Jobs as lines for people and as JSON for programs.

namespace klio::command {

/// Foreign text as one line that does nothing to a terminal, at most `length` characters.
std::string one_line(const std::string& text, size_t length);
/// "2025-01-31 12:00:00" (UTC).
std::string time_text(double unix_time);
/// The state, with what a person should know of it: "submitted (waiting)".
std::string state_text(const JobInfo& job);
/// ">=6", "0", "?" …: what counts of a job, as a floor.
std::string credits_text(const JobInfo& job);
/// Lines, warnings for example, without what is secret in them.
std::vector<std::string> masked(std::vector<std::string> lines);
/// All of a job but its raw answers, as one JSON object on one line.
std::string job_json(const JobInfo& job);
std::string cost_json(const std::string& name, const std::string& label, const Cost& cost);
/// "1 purchase", "2 purchases".
std::string counted(int64_t count, const std::string& thing);

} // namespace klio::command
