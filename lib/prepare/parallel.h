#pragma once

#include <functional>

/// \file
/// A loop over rows, spread over threads.

namespace klio::prep {

/// Calls `work(first, last)` for spans that make up begin–end, from at most `threads` threads, this
/// one among them, and returns when all are done. A span has at least `least` rows, so that handing
/// it over is worth it. Throws what the first failing span threw.
void parallel_rows(int threads, int begin, int end, const std::function<void(int, int)>& work,
                   int least = 4);

} // namespace klio::prep
