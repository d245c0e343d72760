#pragma once

namespace klio::sheet {

/// Style and script of the review page, as they stand between their tags. The page's security
/// policy names them by their hashes.
extern const char* const review_style;
extern const char* const review_script;

} // namespace klio::sheet
