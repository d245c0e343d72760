#pragma once

#include <functional>
#include <future>
#include <system_error>

namespace klio::frames {

/// Calls `work(begin, end)` for stripes of rows that cover [0, rows) on `threads` threads (0: one a
/// core), and returns when all are done. An exception of any stripe is thrown again. What is
/// computed must not depend on where a stripe ends.
void parallel_rows(int rows, int threads, const std::function<void(int, int)>& work);

/// `work` on a thread of its own, or, with one thread alone or where none is to be had, in the
/// calling one when the future is asked.
template <typename Work> auto beside(int threads, Work work) -> std::future<decltype(work())>
{
    if (threads != 1) {
        try {
            return std::async(std::launch::async, work);
        } catch (const std::system_error&) {
            // Of a farm's limits; later is soon enough.
        }
    }
    return std::async(std::launch::deferred, work);
}

} // namespace klio::frames
