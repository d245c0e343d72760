#pragma once

#include "command.h"

#include <klio/set.h>

#include <map>
#include <string>
#include <vector>

/// \file
/// What the store has for recipes and jobs that are named on the command line: for the subcommands
/// that show and never buy.

namespace klio::command {

struct StoredFlags {
    std::string takes; ///< "all", "2", "1-3", "1,4-6"
    bool local = false;
    std::map<std::string, std::string> options; ///< of the recipe, given as flags
};

/// Adds --take, --local, --endpoint and the flags of how references are prepared, which are part of
/// what a job is found by.
void add_stored_flags(CLI::App& app, StoredFlags& flags);

/// True for "*.kling".
bool is_recipe(const std::string& input);
/// True for what may be the beginning of a job's key: 6 to 64 hexadecimal digits, and no file.
bool is_job(const std::string& input);

/// The sets of a recipe in the order of takes, or the job's one. Takes that were asked for and are
/// not there are an error that says how to get them; without --take all takes from 1 on that the
/// store has. Throws NotStoredError, UsageError.
std::vector<StoredSet> find_sets(const std::string& input, const StoredFlags& flags,
                                 Context& context);

/// The command that makes, or fetches again, the set of a recipe.
std::string generate_command(const std::string& recipe, const StoredFlags& flags, int take);

/// The recipe with its options, flags laid over them, and the take.
std::string recipe_text(const std::string& recipe, const StoredFlags& flags, int take);

} // namespace klio::command
