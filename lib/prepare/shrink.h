#pragma once

#include "prepare/reader.h"

#include <klio/progress.h>

#include <functional>

/// \file
/// From a reader's rows to resampled rows.

namespace klio::prep {

/// What part of a stored picture becomes how many pixels. Pixels of the display window as stored.
struct Cut {
    double x = 0, y = 0, w = 0, h = 0;
    int width = 0, height = 0;
    bool alpha = false; ///< the fourth lane is needed
};

/// Reads and resamples. `row(y, pixels)` gets each output row once, `cut.width` RGBX pixels that
/// it may change, from any of `threads` threads in any order. Returns how many values were not
/// finite. Throws ReferenceError, CancelledError.
long long shrink(Reader& reader, const Cut& cut, int threads, const CancelToken& cancel,
                 const std::function<void(int, float*)>& row);

} // namespace klio::prep
