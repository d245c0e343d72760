#pragma once

#include <klio/export.h>
#include <klio/progress.h>
#include <klio/set.h>

#include <cstdint>
#include <string>
#include <vector>

namespace klio {

/// One take on a review page.
struct ReviewSet {
    StoredSet set;
    std::string recipe;  ///< text to be copied; default: the request as a recipe
    std::string command; ///< that made it, as to be typed; empty: none is shown
    /// Where the frames were written, in order; shown as their names. May be shorter.
    std::vector<std::string> files;
};

struct ReviewOptions {
    std::string title; ///< default: the prompt's beginning
    int width = 1440;  ///< longest side of a preview, pixels; made smaller to keep to bytes
    uint64_t bytes = 2'900'000; ///< of the page; grows with more than nine frames
    int threads = 0;
    bool force = true; ///< write over a file that is there
    ProgressCallback progress;
};

/// One self-contained HTML file that opens offline and loads nothing: references and frames side by
/// side, a slider between the plate and the frame at its place on it, takes, prompt, colour record,
/// cost, and the recipe and command to copy. Previews are JPEG in sRGB: references as the model was
/// shown them (their record's own transform), frames as they arrived. Everything from outside is
/// escaped, and a content security policy lets nothing but the page's own script run. The page
/// shows the prompt and the references' file names (not their folders): it is for people who may
/// see them. Written whole or not at all. Thread-safe. Throws OutputError, UsageError,
/// CancelledError; a picture that can't be read is a marked place.
KLIO_API void write_review(const std::vector<ReviewSet>& sets, const std::string& path,
                           const ReviewOptions& options, const CancelToken& cancel = {});

/// Throws OutputError where write_review() could not write `path`: something is there (unless
/// `force`), or its folder can't be made or written. To be asked before anything is paid for.
KLIO_API void check_review(const std::string& path, bool force);

} // namespace klio
