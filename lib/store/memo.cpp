#include "store/memo.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include "base/sha256.h"

#include <klio/error.h>

#include <sys/stat.h>

namespace klio::store {

namespace {

// A file that changed this recently may change again without its time changing.
constexpr double settled_seconds = 2;
// Of such a file's row; -1 is a URL's.
constexpr int64_t unsettled_size = -2;

int64_t nanoseconds(const timespec& time)
{
    return int64_t(time.tv_sec) * 1'000'000'000 + time.tv_nsec;
}

} // namespace

std::string Memo::source_sha256(const std::string& path)
{
    const std::string absolute = base::absolute_path(path);
    struct stat info { };
    if (::stat(absolute.c_str(), &info) != 0 || !S_ISREG(info.st_mode))
        return base::sha256_file(path);
    const int64_t mtime = nanoseconds(info.st_mtim);
    // Tools set a file's mtime as they like; the time of its last change of any kind they can't.
    const int64_t ctime = nanoseconds(info.st_ctim);
    try {
        Statement query(m_database,
                        "SELECT sha256 FROM memo_source WHERE path = ? AND size = ? AND "
                        "mtime_ns = ? AND ctime_ns = ? AND inode = ?",
                        absolute, int64_t(info.st_size), mtime, ctime, int64_t(info.st_ino));
        if (query.step())
            return query.text(0);
    } catch (const StoreError&) {
    }
    const std::string sha256 = base::sha256_file(path);
    const double age = base::system_clock().unix_time() - 1e-9 * double(mtime);
    // Without a size it is never taken for a file that is there, only for one that went away.
    const bool settled = age > settled_seconds || age < 0;
    if (m_database.writable()) {
        try {
            const Impatient impatient(m_database);
            Statement(m_database,
                      "INSERT OR REPLACE INTO memo_source(path, size, mtime_ns, ctime_ns, inode, "
                      "sha256) VALUES(?, ?, ?, ?, ?, ?)",
                      absolute, settled ? int64_t(info.st_size) : unsettled_size, mtime, ctime,
                      int64_t(info.st_ino), sha256)
                .run();
        } catch (const StoreError&) {
        }
    }
    return sha256;
}

std::string Memo::last_sha256(const std::string& path) noexcept
{
    try {
        const std::string absolute = base::absolute_path(path);
        struct stat info { };
        if (::stat(absolute.c_str(), &info) == 0)
            return {};
        Statement query(m_database, "SELECT sha256 FROM memo_source WHERE path = ?", absolute);
        return query.step() ? query.text(0) : std::string();
    } catch (const std::exception&) {
        return {};
    }
}

std::string Memo::url_sha256(const std::string& url) noexcept
{
    try {
        Statement query(m_database, "SELECT sha256 FROM memo_source WHERE path = ? AND size = -1",
                        url);
        return query.step() ? query.text(0) : std::string();
    } catch (const std::exception&) {
        return {};
    }
}

void Memo::put_url(const std::string& url, const std::string& sha256) noexcept
{
    if (!m_database.writable())
        return;
    try {
        const Impatient impatient(m_database);
        Statement(m_database,
                  "INSERT OR REPLACE INTO memo_source(path, size, mtime_ns, ctime_ns, inode, "
                  "sha256) VALUES(?, -1, 0, 0, 0, ?)",
                  url, sha256)
            .run();
    } catch (const std::exception&) {
    }
}

void Memo::forget_source(const std::string& path) noexcept
{
    if (!m_database.writable())
        return;
    try {
        const Impatient impatient(m_database);
        Statement(m_database, "DELETE FROM memo_source WHERE path = ?", path).run();
    } catch (const std::exception&) {
    }
}

std::optional<PreparedMemo> Memo::find(const PreparedQuery& query) noexcept
{
    try {
        Statement row(m_database,
                      "SELECT sha256, record, media_type, bytes, width, height, warnings "
                      "FROM memo_prepared WHERE source_sha256 = ? AND path IN ('', ?) AND "
                      "identity = ? AND config_id = ? ORDER BY path DESC",
                      query.source_sha256, query.path, query.identity, query.config_id);
        if (!row.step())
            return std::nullopt;
        PreparedMemo memo;
        memo.sha256 = row.text(0);
        memo.record = row.text(1);
        memo.media_type = row.text(2);
        memo.bytes = uint64_t(row.integer(3));
        memo.width = int(row.integer(4));
        memo.height = int(row.integer(5));
        memo.warnings = base::Json::parse(row.text(6)).get<std::vector<std::string>>();
        return memo;
    } catch (const std::exception&) {
        return std::nullopt;
    }
}

void Memo::put(const PreparedQuery& query, bool by_path, const PreparedMemo& memo) noexcept
{
    if (!m_database.writable())
        return;
    try {
        const Impatient impatient(m_database);
        // The first answer stays: jobs were paid for under its SHA-256.
        Statement(m_database,
                  "INSERT OR IGNORE INTO memo_prepared(source_sha256, path, identity, config_id, "
                  "sha256, record, media_type, bytes, width, height, warnings) "
                  "VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                  query.source_sha256, by_path ? query.path : std::string(), query.identity,
                  query.config_id, memo.sha256, memo.record, memo.media_type, int64_t(memo.bytes),
                  memo.width, memo.height, base::to_text(base::Json(memo.warnings)))
            .run();
    } catch (const std::exception&) {
    }
}

} // namespace klio::store
