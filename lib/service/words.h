#pragma once

#include <initializer_list>
#include <string>

/// \file
/// Looking for words in what a service, or who stands before it, says.

namespace klio::service {

/// `word` in lower-case `text`, not as a part of a longer word; the plural counts.
bool has_word(const std::string& text, const std::string& word);

/// Any of `parts` in lower-case `text`, also within a word.
bool has_any(const std::string& text, std::initializer_list<const char*> parts);

/// True for a body that is markup.
bool is_html(const std::string& body);

} // namespace klio::service
