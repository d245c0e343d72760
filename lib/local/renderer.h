#pragma once

#include "local/book.h"

#include <klio/progress.h>

#include <deque>
#include <future>
#include <map>
#include <mutex>
#include <string>
#include <vector>

/// \file
/// Result images of tasks: made when a task starts, kept while there is room, made again when
/// asked for. Rendering is deterministic, so nothing of it has to be stored, and tasks that ask
/// for the same share it.

namespace klio::local {

using Images = std::vector<std::string>;

/// Thread-safe.
class Renderer {
public:
    explicit Renderer(const Book& book) : m_book(book) { }
    ~Renderer(); ///< stop(), and waits for what is under way

    /// The task's images, some time. An empty list where a reference is gone; CancelledError where
    /// stop() came first.
    std::shared_future<Images> images(const Task& task);
    /// Nobody waits for images any more: what is under way ends soon.
    void stop() const { m_stop.cancel(); }

private:
    Images render(const Task& task) const;
    void keep_some();

    const Book& m_book;
    const CancelToken m_stop;
    std::mutex m_mutex;
    std::map<std::string, std::shared_future<Images>> m_images; ///< by what decides them
    std::deque<std::string> m_order;                            ///< oldest first
    mutable std::mutex m_turn; ///< one task renders at a time, on all cores
};

} // namespace klio::local
