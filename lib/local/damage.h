#pragma once

#include <cstddef>
#include <string>
#include <vector>

/// \file
/// Image files, spoilt in the ways that a task's fate or its server can spoil them.

namespace klio::local {

/// The HTML page of a server in between.
std::string html_page(const std::string& title);

/// An image file, spoilt as the task's fate wants it.
std::string spoilt_image(const std::vector<std::string>& fate, std::string bytes);

/// A PNG or JPEG file whose pixels can't be had from offset `from` on, and which is whole by its
/// structure: all chunks and segments are there, with checksums that fit.
std::string with_broken_pixels(std::string bytes, size_t from);

} // namespace klio::local
