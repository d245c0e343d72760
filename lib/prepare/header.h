#pragma once

#include <cstdint>
#include <string>

/// \file
/// Headers that OpenImageIO's readers believe too readily.

namespace klio::prep {

/// `head`: the first 2048 bytes of a file of `size` bytes, or all of a shorter one. Throws
/// ReferenceError for files that would make a reader read or write where nothing is, or take
/// memory that the file can't fill.
void check_header(const std::string& name, const std::string& head, uint64_t size);

} // namespace klio::prep
