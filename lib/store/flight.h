#pragma once

#include <klio/progress.h>

#include <functional>
#include <string>

/// \file
/// One flight a job: whoever holds a job's lock moves it on, everybody else waits for that.

namespace klio::store {

/// An advisory lock (flock) on a file of its own, so that it holds between threads as well as
/// between processes, and the kernel frees it when its holder dies. Not thread-safe; one object a
/// thread.
class Flight {
public:
    Flight() = default;
    ~Flight() { release(); }
    Flight(const Flight&) = delete;
    Flight& operator=(const Flight&) = delete;

    /// Takes the lock if nobody has it. Throws StoreError where the file can't be made.
    bool try_take(const std::string& path);
    void release() noexcept;
    /// Whether somebody has it just now; takes nothing, and works in a folder that can only be
    /// read.
    static bool taken(const std::string& path) noexcept;
    bool held() const { return m_fd >= 0; }

private:
    std::string m_path;
    int m_fd = -1;
};

} // namespace klio::store
