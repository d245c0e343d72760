#pragma once

#include <nlohmann/json.hpp>

#include <cstddef>
#include <string>
#include <string_view>

/// \file
/// JSON from strangers: parsed with a limit on its depth, and with an error that says where.

namespace klio::base {

using Json = nlohmann::json;
/// Keeps the order of keys: for what people read.
using OrderedJson = nlohmann::ordered_json;

struct JsonError {
    std::string message; ///< what is wrong, without a place
    size_t line = 0;     ///< 1-based; 0 where unknown
    size_t column = 0;   ///< 1-based, in bytes
};

/// Parses `text`, a leading byte-order mark allowed. False with `error` filled where it is not JSON
/// or nests deeper than `max_depth`. Never throws on bad input.
bool parse_json(std::string_view text, Json& value, JsonError& error, size_t max_depth = 64);

/// One line; bytes that are no UTF-8 become U+FFFD.
std::string to_text(const Json& value);
std::string to_text(const OrderedJson& value, int indent = -1);

} // namespace klio::base
