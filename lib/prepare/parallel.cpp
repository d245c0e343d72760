#include "prepare/parallel.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

namespace klio::prep {

void parallel_rows(int threads, int begin, int end, const std::function<void(int, int)>& work,
                   int least)
{
    const int count = end - begin;
    threads = std::min(threads, count / least);
    if (threads <= 1) {
        if (count > 0)
            work(begin, end);
        return;
    }
    // Smaller spans than threads, so that a thread that comes late delays nothing.
    const int span = std::max(least, count / (threads * 4));
    std::atomic<int> next {begin};
    std::exception_ptr failure;
    std::mutex mutex;
    const auto loop = [&] {
        try {
            for (int first; (first = next.fetch_add(span)) < end;)
                work(first, std::min(end, first + span));
        } catch (...) {
            const std::lock_guard<std::mutex> lock(mutex);
            if (!failure)
                failure = std::current_exception();
            next = end;
        }
    };
    std::vector<std::thread> helpers;
    try {
        for (int i = 1; i < threads; ++i)
            helpers.emplace_back(loop);
    } catch (const std::system_error&) {
        // A machine that gives no more threads does the work with those that it gave.
    }
    loop();
    for (std::thread& helper : helpers)
        helper.join();
    if (failure)
        std::rethrow_exception(failure);
}

} // namespace klio::prep
