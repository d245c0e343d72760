#include "frames/rows.h"

#include <algorithm>
#include <thread>
#include <vector>

namespace klio::frames {

void parallel_rows(int rows, int threads, const std::function<void(int, int)>& work)
{
    const int cores = threads > 0 ? threads : int(std::thread::hardware_concurrency());
    const int stripes = std::clamp(cores, 1, std::max(1, rows / 8));
    std::vector<std::future<void>> others;
    for (int i = 1; i < stripes; ++i)
        others.push_back(beside(stripes,
                                [&work, begin = int(long(rows) * i / stripes),
                                 end = int(long(rows) * (i + 1) / stripes)] { work(begin, end); }));
    // The futures of std::async wait when they are destroyed, so no stripe outlives its data.
    work(0, rows / stripes);
    for (std::future<void>& other : others)
        other.get();
}

} // namespace klio::frames
