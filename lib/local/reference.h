#pragma once

#include <string>

/// \file
/// References as the service takes them: really fetched, really looked at.

namespace klio::local {

/// The bytes of a reference: an http URL on loopback, an https URL, or a data: URI. False with
/// `problem` ("could not be fetched: …").
bool fetch_reference(const std::string& url, std::string& bytes, std::string& problem);

/// The rules of the contract's table (JPEG or PNG by content, 10 MB, 300 px, 1:2.5 to 2.5:1).
/// Empty where all is well, else what is wrong.
std::string check_reference(const std::string& bytes);

} // namespace klio::local
