#pragma once

#include <string>

namespace klio::frames {

/// Throws UsageError unless `format` is empty or the name of one of OIIO's plain data types.
void check_format(const std::string& format);
/// Throws OutputError where the format of `path` holds one image alone.
void check_holds_several(const std::string& path);

} // namespace klio::frames
