#pragma once

#include <string>

/// \file
/// What HTTP itself says of a method, a status and a header.

namespace klio::transport {

/// Without blanks and line breaks at both ends.
std::string trimmed(const std::string& text);

/// A line break in a header would let its value write further headers.
bool fit_for_a_header(const std::string& name, const std::string& value);

/// Asking twice does no more than asking once.
bool repeatable(const std::string& method);

bool is_redirect(int status);

} // namespace klio::transport
