#include "store/ledger.h"

#include "store/request_json.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace klio::store {

namespace {

// The sums of Cost; ?1 is the JSON of the jobs that are left.
constexpr const char* sums
    = "sum(CASE WHEN state = 'spent' THEN credits ELSE 0 END), "
      "sum(CASE WHEN state = 'reserved' AND job_key NOT IN (SELECT value FROM json_each(?1)) "
      "THEN credits ELSE 0 END), "
      "sum(CASE WHEN state = 'unknown' OR (state = 'reserved' AND job_key IN "
      "(SELECT value FROM json_each(?1))) THEN credits ELSE 0 END), "
      "sum(CASE WHEN price_known = 0 AND state <> 'freed' THEN 1 ELSE 0 END)";

Cost read_cost(const Statement& row, int first)
{
    return {row.integer(first), row.integer(first + 1), row.integer(first + 2),
            row.integer(first + 3)};
}

std::string number(double value)
{
    char text[32];
    std::snprintf(text, sizeof text, "%.10g", value);
    return text;
}

void check(const char* what, const char* setting, double limit, double spent, int credits)
{
    // Credits are whole numbers below 2^53, so that sums of doubles are exact.
    if (limit < 0 || spent + credits <= limit)
        return;
    throw CreditsError("over the budget: " + std::string(what) + " may spend " + number(limit)
                       + " credits, at least " + number(spent)
                       + " are spent or reserved, and this job needs at least "
                       + std::to_string(credits) + "; nothing was sent; raise " + setting
                       + " to go on");
}

} // namespace

double day_start(double unix_now)
{
    return std::floor(unix_now / 86400) * 86400;
}

double counted(Database& database, double since)
{
    Statement row(database,
                  "SELECT coalesce(sum(credits), 0) FROM ledger WHERE state <> 'freed' AND at >= ?",
                  since);
    row.step();
    return double(row.integer(0));
}

void check_limits(Database& database, const Limits& limits, const StoredSet& job, double unix_now)
{
    if (limits.per_run < 0 && limits.total < 0 && limits.per_day < 0)
        return;
    if (job.price_known && job.credits_at_least == 0)
        return;
    if (!job.price_known)
        throw CreditsError("model '" + job.request.model
                           + "' has no known price, so no budget can be kept with it; nothing was "
                             "sent; run without a budget to go on");
    if (limits.per_run >= 0) {
        Statement row(database,
                      "SELECT coalesce(sum(credits), 0) FROM ledger WHERE state <> 'freed' AND "
                      "run = ?",
                      limits.run);
        row.step();
        check("this run", "--budget", limits.per_run, double(row.integer(0)), job.credits_at_least);
    }
    // A clock that was set back leaves rows of days to come; they count as today's.
    check("this data folder", "KLIO_BUDGET", limits.total, counted(database, -HUGE_VAL),
          job.credits_at_least);
    check("this data folder, a day (UTC),", "--budget-per-day", limits.per_day,
          counted(database, day_start(unix_now)), job.credits_at_least);
}

void reserve(Database& database, const std::string& run, const JobRecord& job, double unix_now)
{
    Statement newest(database, "SELECT coalesce(max(at), 0) FROM ledger");
    newest.step();
    Statement(database,
              "INSERT INTO ledger(job_key, attempt, run, state, price_known, credits, at) "
              "VALUES(?, ?, ?, 'reserved', ?, ?, ?)",
              job.set.job, job.attempt, run, job.set.price_known, job.set.credits_at_least,
              std::max(unix_now, day_start(newest.real(0))))
        .run();
}

bool is_unsure(Database& database, const std::string& key)
{
    Statement row(database, "SELECT 1 FROM ledger WHERE job_key = ? AND state = 'unknown' LIMIT 1",
                  key);
    return row.step();
}

void set_ledger(Database& database, const std::string& key, const char* state)
{
    Statement(database,
              "UPDATE ledger SET state = ? WHERE id = "
              "(SELECT id FROM ledger WHERE job_key = ? "
              "ORDER BY state = 'reserved' DESC, state = 'spent' DESC, id DESC LIMIT 1)",
              state, key)
        .run();
}

void reserve_again(Database& database, const std::string& key)
{
    Statement(database,
              "UPDATE ledger SET state = 'reserved' WHERE id = "
              "(SELECT id FROM ledger WHERE job_key = ? "
              "ORDER BY state = 'unknown' DESC, id DESC LIMIT 1)",
              key)
        .run();
}

void doubt_reserved(Database& database, const std::string& key)
{
    Statement(database,
              "UPDATE ledger SET state = 'unknown' WHERE job_key = ? AND state = 'reserved'", key)
        .run();
}

int free_unknown(Database& database, const std::string& key)
{
    Statement(database, "UPDATE ledger SET state = 'freed' WHERE job_key = ? AND state = 'unknown'",
              key)
        .run();
    return database.changes();
}

Cost total_cost(Database& database, const std::vector<std::string>& left)
{
    const std::string sql = std::string("SELECT ") + sums + " FROM ledger";
    Statement row(database, sql.c_str(), lines_to_json(left));
    row.step();
    return read_cost(row, 0);
}

Cost cost_of(Database& database, const std::string& key, bool is_left)
{
    const std::string sql = std::string("SELECT ") + sums + " FROM ledger WHERE job_key = ?2";
    Statement row(
        database, sql.c_str(),
        lines_to_json(is_left ? std::vector<std::string> {key} : std::vector<std::string>()), key);
    row.step();
    return read_cost(row, 0);
}

std::vector<CostLine> cost_by_day(Database& database, const std::vector<std::string>& left)
{
    const std::string sql = std::string("SELECT date(at, 'unixepoch') AS day, ") + sums
        + " FROM ledger GROUP BY day ORDER BY day";
    std::vector<CostLine> lines;
    Statement row(database, sql.c_str(), lines_to_json(left));
    while (row.step())
        lines.push_back({row.text(0), read_cost(row, 1), {}});
    return lines;
}

std::vector<CostLine> cost_by_job(Database& database, const std::vector<std::string>& left)
{
    const std::string sql = std::string("SELECT job_key, ") + sums
        + ", (SELECT request FROM jobs WHERE key = job_key) FROM ledger GROUP BY job_key "
          "ORDER BY min(id)";
    std::vector<CostLine> lines;
    Statement row(database, sql.c_str(), lines_to_json(left));
    while (row.step()) {
        const std::string request = row.text(5);
        lines.push_back({row.text(0), read_cost(row, 1),
                         request.empty() ? std::string() : request_from_json(request).prompt});
    }
    return lines;
}

} // namespace klio::store
