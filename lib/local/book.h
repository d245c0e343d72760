#pragma once

#include "base/json.h"

#include <klio/local.h>

#include <map>
#include <mutex>
#include <string>
#include <vector>

/// \file
/// The gateway's memory: tasks, what they cost, whose they are. What a task became follows from
/// its file and the time alone, so that a killed gateway loses nothing and two can share a folder.

namespace klio::local {

struct Task {
    std::string id;
    std::string owner;  ///< SHA-256 of the bearer key
    double created = 0; ///< Unix time
    double ready = 0;   ///< Unix time at which it ends
    base::Json body;    ///< the create's, its references as they were sent but data: URIs cut
    std::vector<std::string> references; ///< SHA-256 of each, kept by the book
    int credits = 0;
    std::string idempotency_key;
    std::string request_hash;
    std::vector<std::string> fate; ///< faults of its own
    std::string failure;           ///< what the service says of a task that fails; empty: succeeds

    bool ended(double now) const;
    bool charged(double now) const { return failure.empty() && ended(now); }
};

/// Thread-safe.
class Book {
public:
    /// Opens (and makes) `folder`; empty: in memory alone. Throws StoreError.
    explicit Book(std::string folder);

    /// One create request arrived.
    void count_create();
    uint64_t creates() const;

    /// Durable when it returns.
    void add(const Task& task);
    bool find(const std::string& id, Task& task) const;
    /// All of them, oldest first.
    std::vector<Task> tasks() const;
    /// The task that `owner` made with this Idempotency-Key.
    bool find_idempotent(const std::string& owner, const std::string& key, Task& task) const;
    /// Credits charged or about to be, for tasks that run.
    long spent(const std::string& owner) const;

    /// Keeps a reference's bytes, in a folder for 30 days, and returns their SHA-256.
    std::string keep_reference(const std::string& bytes);
    /// Empty where it is gone.
    std::string reference(const std::string& sha256) const;

    /// The secret that result URLs are signed with; the same for all gateways of one folder.
    const std::string& secret() const { return m_secret; }

private:
    std::string path(const std::string& name) const;
    void load() const;

    std::string m_folder;
    std::string m_secret;
    mutable std::mutex m_mutex;
    mutable std::map<std::string, Task> m_tasks;
    std::map<std::string, std::string> m_references; ///< without a folder
    uint64_t m_creates = 0;                          ///< without a folder
};

} // namespace klio::local
