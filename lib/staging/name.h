#pragma once

#include "staging/stage.h"

#include <string>

/// \file
/// Names that tell nothing and can't be guessed.

namespace klio::staging {

/// HMAC-SHA256 of the bytes' SHA-256 under the user's own secret, in hexadecimal, with .jpg or
/// .png: the same plate has the same name, and who has the plate still can't tell the name.
std::string object_name(const Object& object, const std::string& secret);

} // namespace klio::staging
