#pragma once

#include "local/book.h"

#include <condition_variable>
#include <deque>
#include <future>
#include <map>
#include <memory>
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
    ~Renderer(); ///< waits for what is under way

    /// The task's images, some time. An empty list where a reference is gone.
    std::shared_future<Images> images(const Task& task);

private:
    Images render(const Task& task) const;
    void keep_some();

    const Book& m_book;
    std::mutex m_mutex;
    std::map<std::string, std::shared_future<Images>> m_images; ///< by what decides them
    std::deque<std::string> m_order;                            ///< oldest first
    mutable std::mutex m_turn; ///< one task renders at a time, on all cores
};

} // namespace klio::local
