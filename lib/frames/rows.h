#pragma once

#include <functional>

namespace klio::frames {

/// Calls `work(begin, end)` for stripes of rows that cover [0, rows) on `threads` threads (0: one a
/// core), and returns when all are done. An exception of any stripe is thrown again. What is
/// computed must not depend on where a stripe ends.
void parallel_rows(int rows, int threads, const std::function<void(int, int)>& work);

} // namespace klio::frames
