#include "store/jobs.h"

#include "base/encoding.h"
#include "base/file.h"
#include "base/secret.h"
#include "store/busy_cancel.h"
#include "store/crash_point.h"
#include "store/ledger.h"
#include "store/request_json.h"

#include <algorithm>
#include <cstring>

namespace klio {

namespace {

struct StateName {
    JobState state;
    const char* name;
};

constexpr StateName state_names[] = {
    {JobState::submitting, "submitting"}, {JobState::submitted, "submitted"},
    {JobState::succeeded, "succeeded"},   {JobState::failed, "failed"},
    {JobState::unknown, "unknown"},       {JobState::refused, "refused"},
};

} // namespace

const char* to_string(JobState state) noexcept
{
    for (const StateName& entry : state_names)
        if (entry.state == state)
            return entry.name;
    return "unknown";
}

bool job_state_from_string(const std::string& name, JobState& state) noexcept
{
    for (const StateName& entry : state_names)
        if (name == entry.name) {
            state = entry.state;
            return true;
        }
    return false;
}

} // namespace klio

namespace klio::store {

namespace {

constexpr const char* columns
    = "id, key, state, error_kind, message, request, endpoint, url, task_id, refs, warnings, "
      "price_known, credits, idempotency_key, attempt, cancel_requested, raw_create, raw_task, "
      "created_at, sent_at, updated_at";

std::string kind_name(ErrorKind kind)
{
    return kind == ErrorKind::internal ? std::string() : to_string(kind);
}

// ASCII in any case; `text` is in lower case.
bool has_text(const JobRecord& job, const std::string& text)
{
    const auto in = [&](const std::string& value) {
        return base::lower(value).find(text) != std::string::npos;
    };
    const StoredSet& set = job.set;
    return in(set.request.prompt) || in(set.job) || in(set.task_id)
        || std::any_of(set.request.images.begin(), set.request.images.end(), in);
}

// An endpoint as job rows have it; one that is none matches nothing rather than being an error.
std::string identity(const std::string& endpoint)
{
    try {
        return normalized_endpoint(endpoint);
    } catch (const UsageError&) {
        return endpoint;
    }
}

} // namespace

JobTable::JobTable(Database& database, std::string folder)
    : m_database(database), m_folder(std::move(folder))
{
}

JobRecord JobTable::read(const Statement& row)
{
    JobRecord job;
    StoredSet& set = job.set;
    set.job = row.text(1);
    job_state_from_string(row.text(2), set.state);
    error_kind_from_string(row.text(3), set.error_kind);
    set.message = row.text(4);
    set.request = request_from_json(row.text(5));
    set.endpoint = row.text(6);
    job.url = row.text(7);
    set.task_id = row.text(8);
    set.references = references_from_json(row.text(9));
    set.warnings = lines_from_json(row.text(10));
    set.price_known = row.integer(11) != 0;
    set.credits_at_least = int(row.integer(12));
    job.idempotency_key = row.text(13);
    job.attempt = int(row.integer(14));
    job.cancel_requested = row.integer(15) != 0;
    job.raw_create = row.text(16);
    job.raw_task = row.text(17);
    set.created_at = row.real(18);
    job.sent_at = row.real(19);
    set.updated_at = row.real(20);
    Statement frames(m_database,
                     "SELECT idx, file, sha256, media_type, bytes, width, height, channels, "
                     "bit_depth FROM frames WHERE job = ? ORDER BY idx",
                     row.integer(0));
    while (frames.step()) {
        StoredFrame frame;
        frame.index = int(frames.integer(0));
        frame.path = base::join_path(m_folder, frames.text(1));
        frame.sha256 = frames.text(2);
        frame.media_type = frames.text(3);
        frame.bytes = uint64_t(frames.integer(4));
        frame.width = int(frames.integer(5));
        frame.height = int(frames.integer(6));
        frame.channels = int(frames.integer(7));
        frame.bit_depth = int(frames.integer(8));
        set.frames.push_back(std::move(frame));
    }
    return job;
}

std::optional<JobRecord> JobTable::find(const std::string& key)
{
    const std::string sql = std::string("SELECT ") + columns + " FROM jobs WHERE key = ?";
    Statement row(m_database, sql.c_str(), key);
    if (!row.step())
        return std::nullopt;
    return read(row);
}

JobRecord JobTable::get(const std::string& key)
{
    std::optional<JobRecord> job = find(key);
    if (!job)
        throw UsageError("job " + key.substr(0, 12)
                         + ": there is none any more; somebody deleted it meanwhile");
    return *std::move(job);
}

JobRecord JobTable::find_prefix(const std::string& prefix)
{
    if (prefix.size() < 4)
        throw UsageError("job '" + prefix + "': give at least 4 characters of its key");
    const std::string sql = std::string("SELECT ") + columns
        + " FROM jobs WHERE substr(key, 1, ?) = ? ORDER BY id LIMIT 2";
    Statement row(m_database, sql.c_str(), int64_t(prefix.size()), base::lower(prefix));
    if (!row.step())
        throw UsageError("job '" + prefix + "': there is none; see klio jobs");
    JobRecord job = read(row);
    if (row.step())
        throw UsageError("job '" + prefix + "': several begin so; give more of the key");
    return job;
}

std::vector<JobRecord> JobTable::list(const JobFilter& filter,
                                      const std::function<bool(const JobRecord&)>& keep)
{
    // Without the raw answers, which may be megabytes each.
    std::string sql = std::string("SELECT ") + columns + " FROM jobs WHERE created_at >= ?";
    for (const char* heavy : {"raw_create", "raw_task"})
        sql.replace(sql.find(heavy), std::strlen(heavy), "''");
    if (!filter.states.empty()) {
        std::string names;
        for (JobState state : filter.states)
            names += (names.empty() ? "'" : ", '") + std::string(to_string(state)) + "'";
        sql += " AND state IN (" + names + ")";
    }
    if (!filter.endpoint.empty())
        sql += " AND endpoint = ?";
    sql += " ORDER BY id DESC";
    Statement row(m_database, sql.c_str(), filter.created_after);
    if (!filter.endpoint.empty())
        row.bind(identity(filter.endpoint));
    const std::string text = base::lower(filter.text);
    const auto full
        = [&](size_t count) { return filter.limit > 0 && count >= size_t(filter.limit); };
    std::vector<JobRecord> jobs;
    while (!full(jobs.size()) && row.step()) {
        JobRecord job = read(row);
        if (has_text(job, text) && (!keep || keep(job)))
            jobs.push_back(std::move(job));
    }
    std::reverse(jobs.begin(), jobs.end());
    return jobs;
}

void JobTable::require_writable()
{
    if (!m_database.writable())
        throw StoreError("data folder " + m_folder
                         + ": can't be written, so nothing is sent; make it writable, or set "
                           "KLIO_HOME to another");
    Transaction transaction(m_database);
    m_database.execute("UPDATE sqlite_sequence SET seq = seq WHERE 0");
}

void JobTable::begin(JobRecord& job, const Limits& limits, double unix_now)
{
    Transaction transaction(m_database);
    StoredSet& set = job.set;
    check_limits(m_database, limits, set, unix_now);
    const std::optional<JobRecord> earlier = find(set.job);
    // Whoever asked was told that this run stops. The wish stays: the next flight takes it away.
    if (earlier && earlier->cancel_requested)
        throw CancelledError("stopped before this run sent anything: klio jobs cancel asked job "
                             + set.job.substr(0, 12) + " to stop");
    job.attempt = earlier ? earlier->attempt + 1 : 1;
    // A create that surely failed is over: a service that remembers keys would give that failure
    // again. One that may have been accepted keeps its key, so that such a service gives the task.
    job.idempotency_key = set.job;
    if (earlier)
        job.idempotency_key
            = earlier->set.error_kind == ErrorKind::unknown || is_unsure(m_database, set.job)
            ? earlier->idempotency_key
            : set.job + "-" + std::to_string(job.attempt);
    set.state = JobState::submitting;
    set.created_at = earlier ? earlier->set.created_at : unix_now;
    set.updated_at = job.sent_at = unix_now;
    Statement(m_database,
              "INSERT INTO jobs(key, state, request, endpoint, url, refs, warnings, price_known, "
              "credits, idempotency_key, attempt, created_at, sent_at, updated_at) "
              "VALUES(?, 'submitting', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
              "ON CONFLICT(key) DO UPDATE SET state = 'submitting', error_kind = '', "
              "message = '', request = excluded.request, url = excluded.url, task_id = '', "
              "refs = excluded.refs, warnings = excluded.warnings, credits = excluded.credits, "
              "price_known = excluded.price_known, idempotency_key = excluded.idempotency_key, "
              "attempt = excluded.attempt, raw_create = '', raw_task = '', "
              "sent_at = excluded.sent_at, updated_at = excluded.updated_at",
              set.job, request_to_json(set.request), set.endpoint, job.url,
              references_to_json(set.references), lines_to_json(set.warnings), set.price_known,
              set.credits_at_least, job.idempotency_key, job.attempt, set.created_at, job.sent_at,
              set.updated_at)
        .run();
    // What is left of a purchase that ended badly would be taken for this one's.
    Statement(m_database, "DELETE FROM frames WHERE job = (SELECT id FROM jobs WHERE key = ?)",
              set.job)
        .run();
    reserve(m_database, limits.run, job, unix_now);
    crash_point("submitting-before");
    transaction.commit();
    BusyCancel::lift(); // from now on every word about it counts
    crash_point("submitting");
}

void JobTable::move(const std::string& key, JobState state, ErrorKind kind,
                    const std::string& message, const char* ledger, double unix_now)
{
    Statement(m_database,
              "UPDATE jobs SET state = ?, error_kind = ?, message = ?, updated_at = ? "
              "WHERE key = ?",
              to_string(state), kind_name(kind), base::mask(message), unix_now, key)
        .run();
    if (ledger)
        set_ledger(m_database, key, ledger);
}

void JobTable::submitted(const std::string& key, const std::string& task_id, const std::string& raw,
                         double unix_now)
{
    crash_point("submitted-before");
    Transaction transaction(m_database);
    move(key, JobState::submitted, ErrorKind::internal, {}, "reserved", unix_now);
    Statement(m_database, "UPDATE jobs SET task_id = ?, raw_create = ? WHERE key = ?", task_id, raw,
              key)
        .run();
    transaction.commit();
    crash_point("submitted");
}

void JobTable::unknown(const std::string& key, ErrorKind kind, const std::string& message,
                       const std::string& raw, double unix_now)
{
    Transaction transaction(m_database);
    move(key, JobState::unknown, kind, message, "unknown", unix_now);
    if (!raw.empty())
        Statement(m_database, "UPDATE jobs SET raw_create = ? WHERE key = ?", raw, key).run();
    transaction.commit();
}

void JobTable::failed(const std::string& key, JobState state, ErrorKind kind,
                      const std::string& message, const std::string& raw, double unix_now)
{
    crash_point("failed-before");
    Transaction transaction(m_database);
    move(key, state, kind, message, "freed", unix_now);
    if (!raw.empty())
        Statement(m_database,
                  "UPDATE jobs SET raw_create = CASE WHEN task_id = '' THEN ?1 ELSE raw_create "
                  "END, raw_task = CASE WHEN task_id = '' THEN raw_task ELSE ?1 END "
                  "WHERE key = ?2",
                  raw, key)
            .run();
    transaction.commit();
    crash_point("failed");
}

void JobTable::task_answer(const std::string& key, const std::string& raw, double unix_now)
{
    Statement(m_database, "UPDATE jobs SET raw_task = ?, updated_at = ? WHERE key = ?", raw,
              unix_now, key)
        .run();
    crash_point("task-answer");
}

void JobTable::trouble(const std::string& key, ErrorKind kind, const std::string& message,
                       double unix_now)
{
    Statement(m_database,
              "UPDATE jobs SET error_kind = ?, message = ?, updated_at = ? WHERE key = ?",
              kind_name(kind), base::mask(message), unix_now, key)
        .run();
}

void JobTable::add_frame(const std::string& key, const StoredFrame& frame)
{
    Statement(m_database,
              "INSERT OR REPLACE INTO frames(job, idx, file, sha256, media_type, bytes, width, "
              "height, channels, bit_depth) SELECT id, ?, ?, ?, ?, ?, ?, ?, ?, ? FROM jobs "
              "WHERE key = ?",
              frame.index, frame.path.substr(m_folder.size() + 1), frame.sha256, frame.media_type,
              int64_t(frame.bytes), frame.width, frame.height, frame.channels, frame.bit_depth, key)
        .run();
    crash_point("frame");
}

void JobTable::succeeded(const std::string& key, const std::vector<std::string>& warnings,
                         double unix_now)
{
    crash_point("succeeded-before");
    Transaction transaction(m_database);
    move(key, JobState::succeeded, ErrorKind::internal, {}, "spent", unix_now);
    Statement(m_database, "UPDATE jobs SET warnings = ? WHERE key = ?", lines_to_json(warnings),
              key)
        .run();
    transaction.commit();
    crash_point("succeeded");
}

void JobTable::drop_frames(const std::string& key, const std::vector<int>& indices,
                           const std::vector<std::string>& warnings, double unix_now)
{
    Transaction transaction(m_database);
    for (const int index : indices)
        Statement(m_database,
                  "DELETE FROM frames WHERE idx = ? AND job = (SELECT id FROM jobs WHERE key = ?)",
                  index, key)
            .run();
    Statement(m_database, "UPDATE jobs SET warnings = ?, updated_at = ? WHERE key = ?",
              lines_to_json(warnings), unix_now, key)
        .run();
    transaction.commit();
}

void JobTable::adopt_task(const std::string& key, const std::string& task_id, double unix_now)
{
    Transaction transaction(m_database);
    // Of creates that may have been accepted, this was one.
    reserve_again(m_database, key);
    move(key, JobState::submitted, ErrorKind::internal, {}, nullptr, unix_now);
    // Answers that are kept belong to another task.
    Statement(m_database,
              "UPDATE jobs SET task_id = ?, raw_create = '', raw_task = '' WHERE key = ?", task_id,
              key)
        .run();
    transaction.commit();
}

std::optional<std::string> JobTable::with_task(const std::string& endpoint,
                                               const std::string& task_id)
{
    Statement row(m_database, "SELECT key FROM jobs WHERE endpoint = ? AND task_id = ? LIMIT 1",
                  endpoint, task_id);
    return row.step() ? std::optional<std::string>(row.text(0)) : std::nullopt;
}

void JobTable::allow_again(const std::string& key, bool not_charged, double unix_now)
{
    Transaction transaction(m_database);
    // Also where a person said so before and it was not sent yet.
    const JobRecord job = get(key);
    const bool unsure = job.set.state == JobState::unknown
        || job.set.error_kind == ErrorKind::unknown || is_unsure(m_database, key);
    if (not_charged)
        free_unknown(m_database, key);
    move(key, JobState::failed, unsure ? ErrorKind::unknown : ErrorKind::failed,
         "to be sent again by the next run", nullptr, unix_now);
    // Nothing of this person's wish was tried yet, so nothing holds the next try back.
    Statement(m_database, "UPDATE jobs SET sent_at = 0 WHERE key = ?", key).run();
    transaction.commit();
}

void JobTable::forget(const std::string& key, bool not_charged, double unix_now)
{
    Transaction transaction(m_database);
    doubt_reserved(m_database, key);
    if (not_charged)
        free_unknown(m_database, key);
    move(key, JobState::failed, ErrorKind::cancelled, "given up by the user", nullptr, unix_now);
    transaction.commit();
}

int JobTable::not_charged(const std::string& key)
{
    Transaction transaction(m_database);
    const int count = free_unknown(m_database, key);
    transaction.commit();
    return count;
}

void JobTable::request_cancel(const std::string& key)
{
    Statement(m_database, "UPDATE jobs SET cancel_requested = 1 WHERE key = ?", key).run();
}

bool JobTable::cancel_requested(const std::string& key)
{
    Statement row(m_database, "SELECT cancel_requested FROM jobs WHERE key = ?", key);
    return row.step() && row.integer(0) != 0;
}

void JobTable::clear_cancel(const std::string& key)
{
    Statement(m_database, "UPDATE jobs SET cancel_requested = 0 WHERE key = ? AND cancel_requested",
              key)
        .run();
}

void JobTable::erase(const std::string& key)
{
    Transaction transaction(m_database);
    doubt_reserved(m_database, key);
    Statement(m_database, "DELETE FROM jobs WHERE key = ?", key).run();
    transaction.commit();
}

} // namespace klio::store
