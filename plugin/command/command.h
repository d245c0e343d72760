#pragma once

#include <klio/error.h>
#include <klio/progress.h>
#include <klio/settings.h>

#include <CLI/CLI.hpp>

#include <string>

/// \file
/// What every subcommand of `klio` shares. A subcommand is one file, which registers itself with a
/// RegisterCommand object; main() adds them all and runs the one that was named.

namespace klio::command {

/// One run of the command.
struct Context {
    Settings settings;
    CancelToken cancel;       ///< fired by the first Ctrl-C
    bool json = false;        ///< JSON lines on stdout instead of text for people
    std::string command_line; ///< as it was typed, quoted for a shell
};

using AddCommand = void (*)(CLI::App& app, Context& context);

/// A static object of this type adds a subcommand; `order` is its place in `klio --help`.
struct RegisterCommand {
    RegisterCommand(int order, AddCommand add);
};

/// One line on stdout: text for people, or with --json nothing (JSON goes through print_json()).
void print_line(const Context& context, const std::string& line);
/// One JSON value as a line on stdout, with --json only.
void print_json(const Context& context, const std::string& json);
/// "klio: warning: …" on stderr, secrets masked; each is said once a run.
void warn(const std::string& message);
/// A progress callback: a line that is rewritten on a terminal, JSON lines with --json, else
/// nothing. Returns false once the run was cancelled.
ProgressCallback progress_printer(const Context& context);

} // namespace klio::command
