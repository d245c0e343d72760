#pragma once

#include "sheet/picture.h"

#include <klio/progress.h>

#include <cstdint>
#include <string>
#include <vector>

namespace klio::sheet {

/// One picture to be shown on a review page.
struct PreviewSource {
    std::string path;   ///< empty: none, `problem` says why
    std::string record; ///< a reference's PrepareRecord as JSON; empty: as the file says
    std::string problem;
};

struct Preview {
    std::string jpeg; ///< a whole file; empty where `problem` says why
    int width = 0, height = 0;
    std::string problem;
};

/// Encodes each source, at most `side` pixels long and none larger than its even share of `bytes`,
/// in the order of `sources`. Throws nothing for a source that can't be read: that is its problem.
std::vector<Preview> make_previews(const std::vector<PreviewSource>& sources, int side,
                                   uint64_t bytes, int threads, const CancelToken& cancel,
                                   const ProgressCallback& progress);

} // namespace klio::sheet
