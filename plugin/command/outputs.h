#pragma once

#include "command.h"

#include <klio/frame.h>
#include <klio/set.h>

#include <string>
#include <vector>

namespace klio::command {

/// What `klio generate` writes, and where.
struct Outputs {
    std::string out;    ///< pattern of the frames
    std::string sheet;  ///< empty: none
    std::string review; ///< empty: none
    bool single_file = false;
    bool sidecar = false;
    bool force = false;
};

/// The files that were written.
struct Written {
    std::vector<std::string> frames; ///< one a frame, or a single one
    std::vector<std::string> sheets;
    std::string review;
};

/// Throws OutputError or UsageError for whatever would keep `count` frames from being written, but
/// for files that are there already; and where two outputs are one file, or an output is one of
/// `inputs`.
void check(const Outputs& outputs, int count, const std::vector<std::string>& inputs);

/// Throws OutputError where an output is there already, unless `force`.
void check_nothing_there(const Outputs& outputs, int count);

/// Writes everything; `command` and `recipe` are texts to show on the review page. What is there
/// already, from a run of the same command that was killed, is kept where it has the very bytes
/// that would be written; else, unless `force`, throws OutputError before anything is written.
/// Temporary files that such a run left beside the outputs are removed.
Written write(const Outputs& outputs, const StoredSet& set, const FrameOptions& options,
              const std::string& command, const std::string& recipe, const Context& context,
              const ProgressCallback& progress);

} // namespace klio::command
