#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

/// \file
/// Bytes as text. All functions are pure.

namespace klio::base {

/// Lower-case hexadecimal.
std::string hex(const void* data, size_t size);
/// Standard base64 with padding (RFC 4648, section 4), without line breaks.
std::string base64(const void* data, size_t size);
/// Accepts standard and URL-safe alphabets, with or without padding, and white space; false where
/// anything else stands in `text`.
bool base64_decode(std::string_view text, std::string& bytes);
/// URL-safe, without padding (RFC 4648, section 5).
std::string base64url(const void* data, size_t size);
/// RFC 3986: everything but unreserved characters becomes %XX; `keep` lists further characters
/// that stay as they are.
std::string percent_encode(std::string_view text, std::string_view keep = {});
std::string percent_decode(std::string_view text);
/// `text` as one word of a POSIX shell; plain words stay as they are.
std::string shell_quoted(const std::string& text);
/// ASCII letters as lower-case ones.
std::string lower(std::string text);
/// Number of Unicode code points in UTF-8 text; bytes that are no valid UTF-8 count one each.
size_t utf8_length(std::string_view text);
bool utf8_valid(std::string_view text);
/// `text` with each byte that is no valid UTF-8 as U+FFFD.
std::string utf8_mended(std::string_view text);
/// Number of edits (insert, delete, replace, swap of neighbours) from `a` to `b`.
size_t edit_distance(std::string_view a, std::string_view b);
/// The candidate nearest to `word`, or empty where none is near enough to be a likely slip.
std::string nearest(std::string_view word, const std::vector<std::string>& candidates);

} // namespace klio::base
