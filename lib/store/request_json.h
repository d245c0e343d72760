#pragma once

#include <klio/set.h>

#include <string>
#include <vector>

/// \file
/// How requests and references stand in the database.

namespace klio::store {

std::string request_to_json(const Request& request);
Request request_from_json(const std::string& text);
std::string references_to_json(const std::vector<StoredReference>& references);
std::vector<StoredReference> references_from_json(const std::string& text);
std::string lines_to_json(const std::vector<std::string>& lines);
std::vector<std::string> lines_from_json(const std::string& text);

} // namespace klio::store
