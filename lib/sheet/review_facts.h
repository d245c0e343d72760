#pragma once

#include <klio/review.h>

#include <string>

namespace klio::sheet {

/// What made one take, as HTML: prompt, command and recipe to copy, cost and origin, colour.
/// `number`, counted from 1, makes the ids of its elements; `open` says whether it begins unfolded.
std::string facts_html(const ReviewSet& review, size_t number, bool open);

/// Up to six significant digits.
std::string number_text(double value);

} // namespace klio::sheet
