#pragma once

#include <string>

namespace klio::staging {

/// A valid PNG of 32×32 random grey pixels, new each time: no cache on the way has seen it, and it
/// shows nothing. 1.2 kB.
std::string test_image();

} // namespace klio::staging
