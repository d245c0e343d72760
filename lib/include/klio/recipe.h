#pragma once

#include <klio/export.h>
#include <klio/request.h>

#include <map>
#include <string>

namespace klio {

/// A request as a file, `*.kling`: the JSON body of the service's own API, with local paths
/// allowed where it wants URLs (relative to the recipe's folder). What only klio understands
/// stands under one key, "klio".
struct Recipe {
    Request request; ///< images with local paths made absolute
    /// The settings under "klio" but the take, as text: see recipe_options().
    std::map<std::string, std::string> options;
    std::string path; ///< where it was read from; empty for text
};

/// The names allowed under "klio", with one line of meaning each.
KLIO_API const std::map<std::string, std::string>& recipe_options();
/// The name under which an option is kept that was given as `name`. A "fit" of a frame, which is a
/// size, is kept as "frame_fit", so that it stands beside a reference's (crop, pad, none); any
/// other name is its own.
KLIO_API std::string option_name(const std::string& name, const std::string& value);

/// Parses recipe text: JSON, or a whole curl command whose --data-raw is that JSON, as the
/// service's documentation shows it (a key in the command is not looked at). `path` names it in
/// errors and is what relative references are relative to. Throws UsageError, "PATH:LINE:COLUMN: …"
/// for syntax, or RequestError that names every unknown key (with the nearest known one) and every
/// value of a wrong type. Rules of the API itself are left to validate().
KLIO_API Recipe parse_recipe(const std::string& text, const std::string& path = {});
/// Reads and parses a file of at most 1 MiB. Throws ReferenceError where it can't be read.
KLIO_API Recipe read_recipe(const std::string& path);
/// The recipe as JSON text that parse_recipe() takes, references as they stand in `recipe`.
KLIO_API std::string write_recipe(const Recipe& recipe);

} // namespace klio
