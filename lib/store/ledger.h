#pragma once

#include "store/jobs.h"

/// \file
/// What was spent, purchase by purchase. A row is `reserved` while its job is under way, then
/// `spent`, `freed` (it failed: billing is per success), or `unknown`, which counts as spent.

namespace klio::store {

/// Inside the transaction that moves the job to SUBMITTING. Throws CreditsError where the job's
/// price goes over a limit, or is not known while there is one.
void check_limits(Database& database, const Limits& limits, const StoredSet& job, double unix_now);
/// A row for the job's present attempt; in the same transaction.
void reserve(Database& database, const std::string& run, const JobRecord& job, double unix_now);
/// Whether an attempt of the job may have been accepted and is still unresolved.
bool is_unsure(Database& database, const std::string& key);
/// Moves the row of the job's last attempt.
void set_ledger(Database& database, const std::string& key, const char* state);

Cost total_cost(Database& database);
std::vector<CostLine> cost_by_day(Database& database);
std::vector<CostLine> cost_by_job(Database& database);
/// Credits that count against a budget: reserved, spent and unknown, from `since` (Unix time) on.
double counted(Database& database, double since);
/// The beginning of the UTC day.
double day_start(double unix_now);

} // namespace klio::store
