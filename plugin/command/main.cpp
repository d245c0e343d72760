#include "command.h"

#include "base/encoding.h"
#include "base/json.h"
#include "base/secret.h"

#include <klio/version.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <iostream>
#include <mutex>
#include <set>
#include <thread>
#include <unistd.h>
#include <vector>

namespace klio::command {

namespace {

struct Registered {
    int order;
    AddCommand add;
};

std::vector<Registered>& registered()
{
    static std::vector<Registered> commands;
    return commands;
}

// Signals that would end the run where an error, or nothing at all, is meant: a write beyond a
// limit on file sizes fails like one to a full disk, and output that nobody reads any more ends
// nothing that is paid for.
void ignore_signals()
{
    std::signal(SIGXFSZ, SIG_IGN);
    std::signal(SIGPIPE, SIG_IGN);
}

// False where this run has said it already: a request's warnings are kept with its job, too.
bool is_new(const std::string& line)
{
    static std::mutex mutex;
    static std::set<std::string> said;
    const std::lock_guard<std::mutex> lock(mutex);
    return said.insert(line).second;
}

// True where whoever started this wants it to outlive its terminal (nohup).
bool ignores_hangup()
{
    struct sigaction now { };
    return ::sigaction(SIGHUP, nullptr, &now) == 0 && now.sa_handler == SIG_IGN;
}

// The first Ctrl-C asks politely, the second kills: a thread waits for the signals, since a
// handler may hardly do anything. A terminal that is closed asks as well, and never kills: shell
// and kernel both say so, one right after the other.
void watch_signals(const CancelToken& cancel)
{
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    if (!ignores_hangup())
        sigaddset(&signals, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &signals, nullptr);
    std::thread([signals, cancel] {
        int received = 0;
        sigwait(&signals, &received);
        cancel.cancel();
        do
            sigwait(&signals, &received);
        while (received == SIGHUP);
        _exit(128 + received);
    }).detach();
}

} // namespace

RegisterCommand::RegisterCommand(int order, AddCommand add)
{
    registered().push_back({order, add});
}

void print_line(const Context& context, const std::string& line)
{
    if (!context.json)
        std::cout << base::mask(line) << std::endl;
}

void print_json(const Context& context, const std::string& json)
{
    if (context.json)
        std::cout << json << std::endl;
}

void warn(const std::string& message)
{
    const std::string line = base::mask(message);
    if (is_new(line))
        std::cerr << "klio: warning: " << line << std::endl;
}

ProgressCallback progress_printer(const Context& context)
{
    const bool json = context.json;
    const bool terminal = isatty(STDERR_FILENO) != 0;
    const CancelToken cancel = context.cancel;
    return [json, terminal, cancel](const Progress& progress) {
        if (progress.repeated)
            return !cancel.cancelled();
        if (json) {
            base::OrderedJson line
                = {{"event", "progress"}, {"step", progress.step}, {"job", progress.job}};
            line["message"] = base::mask(progress.message);
            line["done"] = progress.done;
            line["total"] = progress.total;
            std::cout << base::to_text(line) << std::endl;
        } else if (terminal) {
            std::string bar;
            if (progress.total > 0) {
                const int filled = std::clamp(int(20 * progress.done / progress.total), 0, 20);
                bar = "[" + std::string(size_t(filled), '=') + std::string(size_t(20 - filled), ' ')
                    + "] ";
            }
            std::fprintf(stderr, "\r\033[K%s%s", bar.c_str(), base::mask(progress.message).c_str());
            if (progress.step == "done")
                std::fprintf(stderr, "\r\033[K");
            std::fflush(stderr);
        }
        return !cancel.cancelled();
    };
}

namespace {

int fail(bool json, const Error& error)
{
    const std::string message = base::mask(error.what());
    if (isatty(STDERR_FILENO))
        std::fprintf(stderr, "\r\033[K");
    std::cerr << "klio: error: " << message << std::endl;
    if (json)
        std::cout << base::to_text(base::OrderedJson {{"event", "error"},
                                                      {"kind", to_string(error.kind())},
                                                      {"exit_code", error.exit_code()},
                                                      {"message", message}})
                  << std::endl;
    return error.exit_code();
}

int run(int argc, char** argv)
{
    bool json = false;
    for (int i = 1; i < argc; ++i)
        json = json || std::string(argv[i]) == "--json";
    try {
        Context context;
        watch_signals(context.cancel);
        context.command_line = "klio";
        for (int i = 1; i < argc; ++i)
            context.command_line += " " + base::shell_quoted(argv[i]);
        CLI::App app {"klio: kling-image-o1 for OpenImageIO pipelines", "klio"};
        app.set_version_flag("--version", std::string("klio ") + version());
        app.require_subcommand(1);
        app.fallthrough();
        app.add_flag("--json", context.json, "JSON lines on stdout, for programs");
        std::sort(registered().begin(), registered().end(),
                  [](const Registered& a, const Registered& b) { return a.order < b.order; });
        for (const Registered& command : registered())
            command.add(app, context);
        try {
            app.parse(argc, argv);
        } catch (const CLI::Success& success) {
            return app.exit(success);
        } catch (const CLI::ParseError& error) {
            // Of nested commands the innermost knows the flag.
            std::string command = "klio";
            for (const CLI::App* sub = &app; !sub->get_subcommands().empty();) {
                sub = sub->get_subcommands().front();
                command += " " + sub->get_name();
            }
            throw UsageError(std::string(error.what()) + " (see " + command + " --help)");
        }
        return 0;
    } catch (const Error& error) {
        return fail(json, error);
    } catch (const std::bad_alloc&) {
        return fail(json, Error(ErrorKind::internal, "out of memory"));
    } catch (const std::exception& error) {
        return fail(json, Error(ErrorKind::internal, error.what()));
    }
}

} // namespace

} // namespace klio::command

int main(int argc, char** argv)
{
    klio::command::ignore_signals();
    return klio::command::run(argc, argv);
}
