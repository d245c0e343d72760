#include "store/database.h"

#include "base/clock.h"
#include "base/encoding.h"
#include "base/file.h"
#include "store/busy_cancel.h"
#include "store/schema.h"

#include <klio/error.h>

#include <sqlite3.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <utility>

namespace klio::store {

namespace {

// Long enough for a queue of processes that each sync a commit to a slow disk.
constexpr double busy_seconds = 20;
constexpr int wal_tries = 200;
// What the database is asked for again after; a wish to stop is heard at once in between.
constexpr double first_busy_step = 0.001;
constexpr double longest_busy_step = 0.1;
// How soon a thread that waits for another one's statement hears of such a wish.
constexpr std::chrono::milliseconds lock_step {50};
// What a wait takes all the same: others' statements are over soon, and cleaning up is worth it.
constexpr double least_seconds = 0.05;

// What a person does whose database is lost: a new one knows nothing of what was bought.
constexpr const char* rescue
    = "put klio.db back from a backup; or save what is in it: sqlite3 klio.db .recover | sqlite3 "
      "new.db, then mv new.db klio.db; or, to start anew, move results/ and answers/ away with it: "
      "then all jobs are bought again";

constexpr const char* stopped
    = "stopped while it waited for the database (klio.db), which others hold; nothing was sent";

// There is a database with something in it, as far as can be told without opening it.
bool has_content(const std::string& path)
{
    std::error_code error;
    return std::filesystem::file_size(path, error) > 0 && !error;
}

// One line, for an error: a statement may be the whole schema.
std::string short_text(const std::string& sql)
{
    constexpr size_t most = 80;
    const size_t start = std::min(sql.find_first_not_of(" \n"), sql.size());
    const std::string line = sql.substr(start, sql.find('\n', start) - start);
    return line.size() > most ? line.substr(0, most) + "..." : line;
}

} // namespace

Database::Database(const std::string& path, const std::function<bool()>& may_be_new) : m_path(path)
{
    // Before SQLite opens it: beside an empty file it deletes the log that may hold all there was.
    // Looked at twice, since another process may make it, and buy, in between.
    if (may_be_new && !has_content(path) && !may_be_new() && !has_content(path))
        refuse_new();
    // Serialized by m_mutex, hence NOMUTEX.
    const int common = SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX;
    const std::string uri = "file:" + base::percent_encode(path, "/");
    try {
        open(common | SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, uri);
        m_writable = sqlite3_db_readonly(m_handle, "main") == 0;
        if (m_writable) {
            migrate(may_be_new);
            return;
        }
        Statement(*this, "SELECT count(*) FROM sqlite_master").step();
        check_schema(*this);
        return;
    } catch (const Error&) {
        const int code = m_handle ? sqlite3_extended_errcode(m_handle) & 0xFF : SQLITE_CANTOPEN;
        sqlite3_close(m_handle);
        m_handle = nullptr;
        m_writable = false;
        const bool read_only = code == SQLITE_READONLY || code == SQLITE_CANTOPEN
            || code == SQLITE_PERM || code == SQLITE_FULL || code == SQLITE_IOERR;
        if (!read_only || !base::exists(path))
            throw;
    }
    // In a folder that can't be written SQLite can't make the files that it shares memory with;
    // nobody writes there either, so the file may be read as one that never changes.
    for (const char* suffix : {"?mode=ro", "?immutable=1"}) {
        try {
            open(common | SQLITE_OPEN_READONLY, uri + suffix);
            check_schema(*this);
            return;
        } catch (const Error&) {
            sqlite3_close(m_handle);
            m_handle = nullptr;
            if (std::strcmp(suffix, "?immutable=1") == 0)
                throw;
        }
    }
}

Database::~Database()
{
    sqlite3_close(m_handle);
}

void Database::open(int flags, const std::string& uri)
{
    const int code = sqlite3_open_v2(uri.c_str(), &m_handle, flags, nullptr);
    if (code != SQLITE_OK)
        fail(code, "open");
    sqlite3_extended_result_codes(m_handle, 1);
    sqlite3_busy_handler(m_handle, wait_busy, this);
    set_busy_seconds(busy_seconds);
}

Database::Lock Database::lock()
{
    const CancelToken* cancel = BusyCancel::token();
    if (!cancel)
        return Lock(m_mutex);
    Lock lock(m_mutex, std::try_to_lock);
    const double since = base::system_clock().monotonic();
    while (!lock.owns_lock()) {
        if (cancel->cancelled() && base::system_clock().monotonic() - since >= least_seconds)
            throw CancelledError(stopped);
        // By the machine's time, which the thread sanitizer can follow: should that be set back,
        // this hears of a wish to stop later, and of the lock as soon as ever.
        static_cast<void>(lock.try_lock_until(std::chrono::system_clock::now() + lock_step));
    }
    return lock;
}

// SQLite's busy handler, `count` rising from 0 in one wait; 0 gives up.
int Database::wait_busy(void* database, int count)
{
    auto* self = static_cast<Database*>(database);
    const double now = base::system_clock().monotonic();
    if (count == 0)
        self->m_busy_since = now;
    const double waited = now - self->m_busy_since;
    const double left = self->m_busy_seconds - waited;
    const CancelToken* cancel = BusyCancel::token();
    if (left <= 0 || (cancel && cancel->cancelled() && waited >= least_seconds))
        return 0;
    const double step
        = std::min({first_busy_step * (count + 1), longest_busy_step, std::max(left, 0.001)});
    if (cancel && !cancel->cancelled())
        cancel->wait(step);
    else
        sqlite3_sleep(std::max(1, int(step * 1000)));
    return 1;
}

double Database::set_busy_seconds(double seconds)
{
    const Lock held = lock();
    return std::exchange(m_busy_seconds, seconds);
}

void Database::refuse_new() const
{
    throw StoreError(
        "data folder " + base::parent_folder(m_path)
        + ": klio.db is lost or empty, though results of purchases are there; a new one "
          "would not know them, and buy those jobs again, so nothing is sent; "
        + rescue);
}

void Database::migrate(const std::function<bool()>& may_be_new)
{
    execute("PRAGMA synchronous=FULL");
    execute("PRAGMA foreign_keys=ON");
    use_wal();
    if (check_schema(*this))
        return;
    Transaction transaction(*this);
    if (!check_schema(*this)) { // another process may have been faster
        if (may_be_new && !may_be_new())
            refuse_new();
        make_schema(*this);
    }
    transaction.commit();
}

void Database::use_wal()
{
    // Asking costs no lock, setting does; so a database that is already as it should be opens
    // even while another process holds it. SQLite does not wait for others while it changes the
    // mode, hence the tries: only processes that make the folder together come here.
    for (int tries = 0;; ++tries) {
        const auto mode = [&](const char* sql) {
            Statement row(*this, sql);
            return row.step() ? row.text(0) : std::string();
        };
        try {
            if (mode("PRAGMA journal_mode") == "wal" || mode("PRAGMA journal_mode=WAL") == "wal")
                return;
        } catch (const StoreError&) {
            if (tries >= wal_tries)
                throw;
        }
        if (tries >= wal_tries)
            throw StoreError("data folder " + base::parent_folder(m_path)
                             + ": its filesystem does not do SQLite's WAL; set KLIO_HOME to a "
                               "local disk");
        sqlite3_sleep(50);
    }
}

void Database::execute(const char* sql)
{
    const Lock held = lock();
    const int code = sqlite3_exec(m_handle, sql, nullptr, nullptr, nullptr);
    if (code != SQLITE_OK)
        fail(code, sql);
}

int Database::changes() const
{
    return sqlite3_changes(m_handle);
}

void Database::fail(int code, const char* what) const
{
    const std::string reason = m_handle ? sqlite3_errmsg(m_handle) : sqlite3_errstr(code);
    const std::string start = "data folder " + base::parent_folder(m_path) + ": ";
    switch (code & 0xFF) {
    case SQLITE_FULL:
        throw StoreError(start + "the disk is full; free some space and run this again");
    case SQLITE_READONLY:
    case SQLITE_PERM:
        throw StoreError(start + "can't be written; make it writable, or set KLIO_HOME to another");
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        if (BusyCancel::token() && BusyCancel::token()->cancelled())
            throw CancelledError(stopped);
        throw StoreError(start + "another process holds the database (klio.db); try again");
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        throw StoreError(start + "klio.db is damaged (" + reason + "); " + rescue);
    case SQLITE_CANTOPEN:
        throw StoreError(start + "klio.db can't be opened (" + reason
                         + "); check that the folder is there and writable");
    case SQLITE_IOERR:
        throw StoreError(start + "klio.db can't be read or written (" + reason
                         + "); check the disk's space and health");
    default:
        throw StoreError(start + reason + " (" + short_text(what) + ")");
    }
}

Statement::Statement(Database& database, const char* sql, std::nullptr_t)
    : m_database(database), m_lock(database.lock())
{
    const int code = sqlite3_prepare_v2(m_database.m_handle, sql, -1, &m_statement, nullptr);
    if (code != SQLITE_OK)
        m_database.fail(code, sql);
}

Statement::~Statement()
{
    sqlite3_finalize(m_statement);
}

bool Statement::step()
{
    const int code = sqlite3_step(m_statement);
    if (code == SQLITE_ROW)
        return true;
    if (code != SQLITE_DONE)
        m_database.fail(code, sqlite3_sql(m_statement));
    return false;
}

void Statement::run()
{
    while (step()) { }
}

std::string Statement::text(int column) const
{
    const auto* bytes = static_cast<const char*>(sqlite3_column_blob(m_statement, column));
    return bytes ? std::string(bytes, size_t(sqlite3_column_bytes(m_statement, column)))
                 : std::string();
}

int64_t Statement::integer(int column) const
{
    return sqlite3_column_int64(m_statement, column);
}

double Statement::real(int column) const
{
    return sqlite3_column_double(m_statement, column);
}

void Statement::bind(const std::string& value)
{
    sqlite3_bind_text64(m_statement, ++m_bound, value.data(), value.size(), SQLITE_TRANSIENT,
                        SQLITE_UTF8);
}

void Statement::bind(int64_t value)
{
    sqlite3_bind_int64(m_statement, ++m_bound, value);
}

void Statement::bind(double value)
{
    sqlite3_bind_double(m_statement, ++m_bound, value);
}

Impatient::Impatient(Database& database)
    : m_database(database), m_lock(database.lock()), m_before(database.set_busy_seconds(0.1))
{
}

Impatient::~Impatient()
{
    m_database.set_busy_seconds(m_before);
}

Transaction::Transaction(Database& database) : m_database(database), m_lock(database.lock())
{
    m_database.execute("BEGIN IMMEDIATE");
}

Transaction::~Transaction()
{
    if (m_open)
        sqlite3_exec(m_database.m_handle, "ROLLBACK", nullptr, nullptr, nullptr);
}

void Transaction::commit()
{
    // A commit that fails (a full disk) leaves the transaction open; the destructor rolls it back.
    m_database.execute("COMMIT");
    m_open = false;
}

} // namespace klio::store
