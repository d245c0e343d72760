#pragma once

#include <string>

namespace klio::sheet {

/// Text as it may stand between tags and in quoted attributes: & < > " ' become references, bytes
/// that are no UTF-8 and control characters other than tab and line end become U+FFFD.
std::string html_text(const std::string& text);

} // namespace klio::sheet
