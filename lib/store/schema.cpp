#include "store/schema.h"

#include <klio/error.h>

#include <string>

namespace klio::store {

namespace {

constexpr int64_t schema_version = 1;

// jobs.id gives the order: the machine's clock may be set back, rowids never are.
// ledger has no foreign key: what was spent stays spent when a job is deleted.
constexpr const char* schema = R"sql(
CREATE TABLE jobs (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    key TEXT NOT NULL UNIQUE,
    state TEXT NOT NULL,
    error_kind TEXT NOT NULL DEFAULT '',
    message TEXT NOT NULL DEFAULT '',
    request TEXT NOT NULL,
    endpoint TEXT NOT NULL,
    url TEXT NOT NULL,
    task_id TEXT NOT NULL DEFAULT '',
    refs TEXT NOT NULL DEFAULT '[]',
    warnings TEXT NOT NULL DEFAULT '[]',
    price_known INTEGER NOT NULL,
    credits INTEGER NOT NULL,
    idempotency_key TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    cancel_requested INTEGER NOT NULL DEFAULT 0,
    raw_create TEXT NOT NULL DEFAULT '',
    raw_task TEXT NOT NULL DEFAULT '',
    created_at REAL NOT NULL,
    sent_at REAL NOT NULL,
    updated_at REAL NOT NULL
);
CREATE INDEX jobs_by_state ON jobs(state);
CREATE TABLE frames (
    job INTEGER NOT NULL REFERENCES jobs(id) ON DELETE CASCADE,
    idx INTEGER NOT NULL,
    file TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    media_type TEXT NOT NULL,
    bytes INTEGER NOT NULL,
    width INTEGER NOT NULL,
    height INTEGER NOT NULL,
    channels INTEGER NOT NULL,
    bit_depth INTEGER NOT NULL,
    PRIMARY KEY (job, idx)
);
CREATE TABLE ledger (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    job_key TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    run TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('reserved', 'spent', 'unknown', 'freed')),
    price_known INTEGER NOT NULL,
    credits INTEGER NOT NULL,
    at REAL NOT NULL
);
CREATE INDEX ledger_by_job ON ledger(job_key);
CREATE TABLE memo_source (
    path TEXT PRIMARY KEY,
    size INTEGER NOT NULL,
    mtime_ns INTEGER NOT NULL,
    ctime_ns INTEGER NOT NULL,
    inode INTEGER NOT NULL,
    sha256 TEXT NOT NULL
);
CREATE TABLE memo_prepared (
    source_sha256 TEXT NOT NULL,
    path TEXT NOT NULL,
    identity TEXT NOT NULL,
    config_id TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    record TEXT NOT NULL,
    media_type TEXT NOT NULL,
    bytes INTEGER NOT NULL,
    width INTEGER NOT NULL,
    height INTEGER NOT NULL,
    warnings TEXT NOT NULL,
    PRIMARY KEY (source_sha256, path, identity, config_id)
);
CREATE TABLE staged (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    sha256 TEXT NOT NULL,
    stage TEXT NOT NULL,
    name TEXT NOT NULL,
    url TEXT NOT NULL DEFAULT '',
    state TEXT NOT NULL CHECK (state IN ('uploading', 'staged', 'removing', 'failed')),
    message TEXT NOT NULL DEFAULT '',
    created_at REAL NOT NULL,
    expires_at REAL NOT NULL DEFAULT 0,
    UNIQUE (stage, sha256)
);
CREATE TABLE staged_jobs (
    staged INTEGER NOT NULL REFERENCES staged(id) ON DELETE CASCADE,
    job_key TEXT NOT NULL,
    keep INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (staged, job_key)
);
PRAGMA user_version = 1;
)sql";

} // namespace

bool check_schema(Database& database)
{
    Statement query(database, "PRAGMA user_version");
    const int64_t version = query.step() ? query.integer(0) : 0;
    if (version > schema_version)
        throw StoreError("data folder: " + database.path() + " was made by a newer klio (schema "
                         + std::to_string(version)
                         + "); update klio, or set KLIO_HOME to another folder");
    Statement tables(database, "SELECT count(*) FROM sqlite_master");
    if (version < 0 || (version == 0 && tables.step() && tables.integer(0) > 0))
        throw StoreError("data folder: " + database.path() + " has tables, but not klio's schema ("
                         + std::to_string(version)
                         + "): another program changed it; put it back from a backup, or, if it is "
                           "klio's, run: sqlite3 klio.db 'PRAGMA user_version = "
                         + std::to_string(schema_version) + "'");
    return version == schema_version;
}

void make_schema(Database& database)
{
    database.execute(schema);
}

} // namespace klio::store
