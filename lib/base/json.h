#pragma once

#include <nlohmann/json.hpp>

#include <cstddef>
#include <string>
#include <string_view>

/// \file
/// JSON from strangers: parsed with limits, and with an error that says where.

namespace klio::base {

using Json = nlohmann::json;
/// Keeps the order of keys: for what people read.
using OrderedJson = nlohmann::ordered_json;

struct JsonError {
    std::string message; ///< what is wrong, without a place
    size_t line = 0;     ///< 1-based; 0 where unknown
    size_t column = 0;   ///< 1-based, in bytes
};

/// Far more than any answer or recipe has; of memory, some 50 MB.
inline constexpr size_t max_values = 1'000'000;

/// Parses `text`, a leading byte-order mark allowed. False with `error` filled where it is not
/// JSON, nests deeper than `max_depth` or has more than `max_values`. Never throws on bad input.
bool parse_json(std::string_view text, Json& value, JsonError& error, size_t max_depth = 64);

/// One line; bytes that are no UTF-8 become U+FFFD.
std::string to_text(const Json& value);
std::string to_text(const OrderedJson& value, int indent = -1);

} // namespace klio::base
