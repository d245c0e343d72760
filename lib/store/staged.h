#pragma once

#include "store/database.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

/// \file
/// What is staged where, and for which jobs: written down before an upload begins, so that a crash
/// leaves nothing behind that nobody knows of.

namespace klio::store {

/// One object in one stage.
struct StagedRecord {
    int64_t id = 0;
    std::string sha256; ///< of the bytes
    std::string stage;  ///< Stage::identity(): the setting, secrets masked
    std::string name;   ///< in the stage
    std::string url;
    std::string state;   ///< uploading, staged, removing, failed
    std::string message; ///< the last failure's
    double created_at = 0;
    double expires_at = 0;         ///< of the URL; 0: does not expire
    std::vector<std::string> jobs; ///< that still need it
    bool keep = false;             ///< a job asked that it be left there
};

/// The tables `staged` and `staged_jobs`. Thread-safe. Every function throws StoreError.
class Staged {
public:
    explicit Staged(Database& database) : m_database(database) { }

    /// Before the upload: state `uploading`, needed by `job`. An object that is in that stage
    /// already only gets the job added, and keeps its state unless that was removing or failed.
    StagedRecord add(const std::string& sha256, const std::string& stage, const std::string& name,
                     const std::string& job, bool keep, double unix_now);
    /// After the upload was verified.
    void mark_staged(int64_t id, const std::string& url, double expires_at);
    /// In one transaction with the check that no job needs it: false where one does (again), or it
    /// is to be kept.
    bool mark_removing(int64_t id);
    void mark_failed(int64_t id, const std::string& message);
    /// After it was taken away.
    void remove(int64_t id);
    /// `job` has ended: it needs none of its objects any more.
    void release(const std::string& job);
    /// Nobody needs it any more, whoever asked to keep it: a person wants it gone.
    void drop_jobs(int64_t id);

    std::optional<StagedRecord> find(const std::string& stage, const std::string& sha256);
    std::vector<StagedRecord> list();
    /// What no job needs and nobody asked to keep: to be taken away, also after a crash.
    std::vector<StagedRecord> unneeded();

private:
    std::vector<StagedRecord> select(const std::string& where, const std::string& value);
    Database& m_database;
};

} // namespace klio::store
