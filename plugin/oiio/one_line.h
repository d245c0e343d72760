#pragma once

#include <string>

namespace klio::oiio {

/// `text` without control characters, ASCII's and Unicode's (in UTF-8): white space becomes a
/// blank, the others a '?'. Names and recipes come from other people, and a terminal obeys what it
/// is sent.
std::string one_line(std::string text);

} // namespace klio::oiio
