#pragma once

#include <string>

/// \file
/// Linear spaces given by their primaries.

namespace klio::color {

/// The eight CIE xy numbers of a chromaticities_space() name; false where it is none, or where the
/// primaries are degenerate.
bool parse_chromaticities(const std::string& space, double xy[8]);
/// Row-major 3×3 from linear RGB of these primaries to ACES2065-1, white adapted by Bradford's
/// method (Lindbloom, "Chromatic adaptation"; the primaries' matrix as in SMPTE RP 177). False
/// where the primaries are degenerate.
bool matrix_to_aces(const double xy[8], double matrix[9]);

} // namespace klio::color
