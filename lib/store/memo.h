#pragma once

#include "store/database.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

/// \file
/// What is remembered of references, so that a request is found again without preparing anything,
/// and keeps its key when a later build of klio encodes other bytes.

namespace klio::store {

/// A prepared reference without its bytes.
struct PreparedMemo {
    std::string sha256; ///< of the prepared bytes
    std::string record; ///< PrepareRecord as JSON
    std::string media_type;
    uint64_t bytes = 0;
    int width = 0;
    int height = 0;
    std::vector<std::string> warnings;
};

/// What decides a prepared reference's bytes.
struct PreparedQuery {
    std::string source_sha256;
    std::string path; ///< counts only where the colour space was found by a file rule
    std::string identity;
    std::string config_id;
};

/// Thread-safe. Reading and writing never fail: a memo that can't be read is a miss, one that can't
/// be written is dropped.
class Memo {
public:
    explicit Memo(Database& database) : m_database(database) { }

    /// SHA-256 of the file's bytes, without reading it where size, times and inode are as they
    /// were. Throws ReferenceError where the file can't be read.
    std::string source_sha256(const std::string& path);
    /// What source_sha256() last said of a path that is not there any more (a disk that is offline,
    /// a plate that was archived); empty where it never was asked, or where the file is there.
    std::string last_sha256(const std::string& path) noexcept;
    /// SHA-256 of what was fetched from `url` the last time; empty where it never was.
    std::string url_sha256(const std::string& url) noexcept;
    void put_url(const std::string& url, const std::string& sha256) noexcept;
    /// Of an absolute path, or a URL: what it holds turned out to be something else.
    void forget_source(const std::string& path) noexcept;
    std::optional<PreparedMemo> find(const PreparedQuery& query) noexcept;
    /// `by_path`: the path belongs to what decided the bytes.
    void put(const PreparedQuery& query, bool by_path, const PreparedMemo& memo) noexcept;

private:
    Database& m_database;
};

} // namespace klio::store
