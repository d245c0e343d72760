#pragma once

#include "base/json.h"

#include <string>

/// \file
/// What the gateway says to a create's body before anything else happens.

namespace klio::local {

/// The service's error shape: {"error": {"code", "message", "type"}}, with "param" where a `field`
/// is named.
std::string error_body(int code, const std::string& message, const std::string& type,
                       const std::string& field = {});

/// Every field of the contract's table "The request". Empty where all is well, else what is wrong,
/// all of it at once, each with its field.
std::string check_body(const base::Json& body);

/// Credits of a body that passed check_body().
int body_credits(const base::Json& body);

} // namespace klio::local
