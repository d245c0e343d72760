#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

struct sqlite3;
struct sqlite3_stmt;

/// \file
/// SQLite with exceptions: one connection, used by one thread at a time.

namespace klio::store {

/// A connection in WAL mode with synchronous=FULL, so that what is committed survives a power cut.
/// Thread-safe: each Statement and Transaction holds the connection while it lives. Waits end
/// early where the thread has a BusyCancel.
class Database {
public:
    /// Opens or makes the file and brings its schema up to date. Where it can't be written it is
    /// opened for reading. A new one is only made where `may_be_new` says so, which is asked when
    /// there is none yet. Throws StoreError.
    explicit Database(const std::string& path, const std::function<bool()>& may_be_new = {});
    ~Database();
    Database(const Database&) = delete;
    Database& operator=(const Database&) = delete;

    bool writable() const { return m_writable; }
    const std::string& path() const { return m_path; }
    /// Runs statements without results. Throws StoreError.
    void execute(const char* sql);
    /// How long a statement waits for other processes, from here on; returns what it was.
    double set_busy_seconds(double seconds);
    /// Rows changed by the last statement.
    int changes() const;

private:
    friend class Statement;
    friend class Transaction;
    friend class Impatient;
    using Lock = std::unique_lock<std::recursive_timed_mutex>;
    /// The connection for this thread. Throws CancelledError where a BusyCancel says so.
    Lock lock();
    static int wait_busy(void* database, int count);
    [[noreturn]] void fail(int code, const char* what) const;
    void open(int flags, const std::string& uri);
    void migrate(const std::function<bool()>& may_be_new);
    [[noreturn]] void refuse_new() const;
    void use_wal();

    std::string m_path;
    sqlite3* m_handle = nullptr;
    bool m_writable = false;
    double m_busy_seconds = 0;
    double m_busy_since = 0;
    std::recursive_timed_mutex m_mutex;
};

/// One SQL statement with its parameters bound in order. Not thread-safe.
class Statement {
public:
    template <typename... Args>
    Statement(Database& database, const char* sql, const Args&... args)
        : Statement(database, sql, nullptr)
    {
        (bind(args), ...);
    }
    ~Statement();
    Statement(const Statement&) = delete;
    Statement& operator=(const Statement&) = delete;

    /// Goes to the next row; false at the end. Throws StoreError.
    bool step();
    /// Steps to the end.
    void run();
    std::string text(int column) const;
    int64_t integer(int column) const;
    double real(int column) const;

    void bind(const std::string& value);
    void bind(const char* value) { bind(std::string(value)); }
    void bind(int64_t value);
    void bind(int value) { bind(int64_t(value)); }
    void bind(bool value) { bind(int64_t(value)); }
    void bind(double value);

private:
    Statement(Database& database, const char* sql, std::nullptr_t);
    Database& m_database;
    Database::Lock m_lock;
    sqlite3_stmt* m_statement = nullptr;
    int m_bound = 0;
};

/// Writes that may be dropped do not wait for other processes while this lives.
class Impatient {
public:
    explicit Impatient(Database& database);
    ~Impatient();
    Impatient(const Impatient&) = delete;
    Impatient& operator=(const Impatient&) = delete;

private:
    Database& m_database;
    Database::Lock m_lock;
    double m_before;
};

/// BEGIN IMMEDIATE now, ROLLBACK at the end of its life unless commit() was called. Not nested.
class Transaction {
public:
    explicit Transaction(Database& database);
    ~Transaction();
    Transaction(const Transaction&) = delete;
    Transaction& operator=(const Transaction&) = delete;
    void commit();

private:
    Database& m_database;
    Database::Lock m_lock;
    bool m_open = true;
};

} // namespace klio::store
