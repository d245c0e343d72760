#include "store/staged.h"

#include "base/secret.h"

namespace klio::store {

StagedRecord Staged::add(const std::string& sha256, const std::string& stage,
                         const std::string& name, const std::string& job, bool keep,
                         double unix_now)
{
    Transaction transaction(m_database);
    Statement(m_database,
              "INSERT INTO staged(sha256, stage, name, state, created_at) "
              "VALUES(?, ?, ?, 'uploading', ?) ON CONFLICT(stage, sha256) DO UPDATE SET "
              "name = excluded.name, message = '', "
              "state = CASE WHEN state IN ('removing', 'failed') THEN 'uploading' ELSE state END",
              sha256, stage, name, unix_now)
        .run();
    Statement(m_database,
              "INSERT INTO staged_jobs(staged, job_key, keep) "
              "SELECT id, ?, ? FROM staged WHERE stage = ? AND sha256 = ? "
              "ON CONFLICT DO UPDATE SET keep = excluded.keep",
              job, keep, stage, sha256)
        .run();
    const std::optional<StagedRecord> record = find(stage, sha256);
    transaction.commit();
    return *record;
}

void Staged::mark_staged(int64_t id, const std::string& url, double expires_at)
{
    // A signed URL is as good as a key while it lives: only its masked form is worth keeping.
    Statement(m_database,
              "UPDATE staged SET state = 'staged', message = '', url = ?, expires_at = ? "
              "WHERE id = ?",
              base::mask_url(url), expires_at, id)
        .run();
}

bool Staged::mark_removing(int64_t id)
{
    Transaction transaction(m_database);
    Statement update(m_database,
                     "UPDATE staged SET state = 'removing' WHERE id = ? AND NOT EXISTS "
                     "(SELECT 1 FROM staged_jobs WHERE staged = id)",
                     id);
    update.run();
    const bool marked = m_database.changes() > 0;
    transaction.commit();
    return marked;
}

void Staged::mark_failed(int64_t id, const std::string& message)
{
    Statement(m_database, "UPDATE staged SET state = 'failed', message = ? WHERE id = ?",
              base::mask(message), id)
        .run();
}

void Staged::remove(int64_t id)
{
    // A job that came to need it in the meantime has put it back to `uploading`.
    Statement(m_database, "DELETE FROM staged WHERE id = ? AND state IN ('removing', 'failed')", id)
        .run();
}

void Staged::release(const std::string& job)
{
    Statement(m_database, "DELETE FROM staged_jobs WHERE job_key = ? AND keep = 0", job).run();
}

void Staged::drop_jobs(int64_t id)
{
    Statement(m_database, "DELETE FROM staged_jobs WHERE staged = ?", id).run();
}

std::vector<StagedRecord> Staged::select(const std::string& where, const std::string& value)
{
    const std::string sql = "SELECT id, sha256, stage, name, url, state, message, created_at, "
                            "expires_at FROM staged "
        + where + " ORDER BY id";
    std::vector<StagedRecord> records;
    Statement query(m_database, sql.c_str());
    if (!value.empty())
        query.bind(value);
    while (query.step()) {
        StagedRecord record;
        record.id = query.integer(0);
        record.sha256 = query.text(1);
        record.stage = query.text(2);
        record.name = query.text(3);
        record.url = query.text(4);
        record.state = query.text(5);
        record.message = query.text(6);
        record.created_at = query.real(7);
        record.expires_at = query.real(8);
        Statement jobs(m_database,
                       "SELECT job_key, keep FROM staged_jobs WHERE staged = ? ORDER BY job_key",
                       record.id);
        while (jobs.step()) {
            record.jobs.push_back(jobs.text(0));
            record.keep = record.keep || jobs.integer(1) != 0;
        }
        records.push_back(std::move(record));
    }
    return records;
}

std::optional<StagedRecord> Staged::find(const std::string& stage, const std::string& sha256)
{
    for (StagedRecord& record : select("WHERE sha256 = ?", sha256))
        if (record.stage == stage)
            return std::move(record);
    return std::nullopt;
}

std::vector<StagedRecord> Staged::list()
{
    return select({}, {});
}

std::vector<StagedRecord> Staged::unneeded()
{
    return select("WHERE NOT EXISTS (SELECT 1 FROM staged_jobs WHERE staged = id)", {});
}

} // namespace klio::store
