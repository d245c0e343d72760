#pragma once

#include "store/jobs.h"

/// \file
/// What was spent, purchase by purchase. A row is `reserved` while its job is under way, then
/// `spent`, `freed` (it failed: billing is per success), or `unknown`, which counts as spent. What
/// changes rows here is called inside the transaction that moves the job.

namespace klio::store {

/// Inside the transaction that moves the job to SUBMITTING. Throws CreditsError where the job's
/// price goes over a limit, or is not known while there is one. What is known to cost nothing is
/// never over one.
void check_limits(Database& database, const Limits& limits, const StoredSet& job, double unix_now);
/// A row for the job's present attempt, of a day that is not before the newest row's: a clock that
/// was set back, and right again, makes no second budget of a day.
void reserve(Database& database, const std::string& run, const JobRecord& job, double unix_now);
/// Whether an attempt of the job may have been accepted and is still unresolved.
bool is_unsure(Database& database, const std::string& key);
/// Moves the row of the attempt that is under way; where none is, of the one that succeeded, else
/// of the last.
void set_ledger(Database& database, const std::string& key, const char* state);
/// The last attempt that may have been accepted, else the last of all, is under way (again).
void reserve_again(Database& database, const std::string& key);
/// What is reserved becomes unknown: nobody waits for its end any more.
void doubt_reserved(Database& database, const std::string& key);
/// All that is unknown of the job counts no more; returns how many rows that were.
int free_unknown(Database& database, const std::string& key);

/// Sums. What the jobs in `left` have reserved is shown as unknown: nobody works on them any more,
/// and no answer came.
Cost total_cost(Database& database, const std::vector<std::string>& left = {});
std::vector<CostLine> cost_by_day(Database& database, const std::vector<std::string>& left = {});
std::vector<CostLine> cost_by_job(Database& database, const std::vector<std::string>& left = {});
/// Of one job; `is_left`: see `left`.
Cost cost_of(Database& database, const std::string& key, bool is_left);
/// Credits that count against a budget: reserved, spent and unknown, from `since` (Unix time) on.
double counted(Database& database, double since);
/// The beginning of the UTC day.
double day_start(double unix_now);

} // namespace klio::store
