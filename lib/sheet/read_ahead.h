#pragma once

#include "sheet/picture.h"

#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace klio::sheet {

/// A picture, or why there is none.
struct LoadedPicture {
    Picture picture;
    std::string problem;
};

/// Decodes pictures on several threads, a bounded number of them ahead of the one that takes them
/// in order: the writer of pages never waits long, and memory holds a few cells and no more.
class ReadAhead {
public:
    using Load = std::function<LoadedPicture(size_t)>;
    /// `load` is called from the threads, with each number below `count` once.
    ReadAhead(size_t count, int threads, size_t ahead, Load load);
    ~ReadAhead();
    ReadAhead(const ReadAhead&) = delete;
    ReadAhead& operator=(const ReadAhead&) = delete;

    /// The next picture, in order.
    LoadedPicture take();

private:
    void work();

    std::mutex m_mutex;
    std::condition_variable m_changed;
    std::vector<LoadedPicture> m_slots; ///< a ring of `ahead`
    std::vector<bool> m_ready;
    size_t m_count, m_next = 0, m_taken = 0;
    bool m_stop = false;
    Load m_load;
    std::vector<std::thread> m_threads;
};

} // namespace klio::sheet
