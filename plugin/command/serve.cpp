#include "command.h"

#include "base/encoding.h"
#include "base/file.h"
#include "base/json.h"

#include <klio/local.h>

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <sstream>

namespace klio::command {

namespace {

struct ServeOptions {
    LocalGatewayOptions gateway;
    std::vector<std::string> keys;
    std::string key_file;
    bool list_faults = false;
};

// "KEY:CREDITS", or a bare key with --credits' amount. The last colon counts: keys may have some.
void add_key(ServeOptions& options, const std::string& text)
{
    const size_t colon = text.rfind(':');
    std::string key = text;
    long credits = options.gateway.credits;
    if (colon != std::string::npos) {
        char* end = nullptr;
        credits = std::strtol(text.c_str() + colon + 1, &end, 10);
        key = text.substr(0, colon);
        if (*end || end == text.c_str() + colon + 1 || credits < 0)
            throw UsageError("a key is given as KEY:CREDITS, with a whole number of credits");
    }
    if (key.empty())
        throw UsageError("a key is given as KEY:CREDITS; this one is empty");
    options.gateway.keys[key] = credits;
}

void read_keys(ServeOptions& options)
{
    for (const std::string& key : options.keys)
        add_key(options, key);
    if (options.key_file.empty())
        return;
    std::istringstream lines(base::read_file(options.key_file, 1 << 20));
    for (std::string line; std::getline(lines, line);) {
        line.erase(line.find_last_not_of(" \t\r") + 1);
        if (!line.empty() && line[0] != '#')
            add_key(options, line);
    }
}

void list_faults(const Context& context)
{
    for (const auto& [kind, meaning] : local_faults()) {
        print_line(context,
                   kind + std::string(kind.size() < 20 ? 20 - kind.size() : 1, ' ') + meaning);
        print_json(context,
                   base::to_text(base::OrderedJson {{"fault", kind}, {"meaning", meaning}}));
    }
}

void serve(Context& context, ServeOptions options)
{
    if (options.list_faults)
        return list_faults(context);
    read_keys(options);
    const auto say = [&context](const char* event, const std::string& line) {
        print_line(context, line);
        print_json(context, base::to_text(base::OrderedJson {{"event", event}, {"message", line}}));
    };
    // Lines of requests must not come before the one that says where to send them.
    CancelToken started;
    options.gateway.on_log = [&say, started](const std::string& line) {
        started.wait(60);
        say("gateway", line);
    };
    LocalGateway gateway(options.gateway);
    print_line(context, "listening on " + gateway.endpoint());
    print_json(context,
               base::to_text(
                   base::OrderedJson {{"event", "listening"}, {"endpoint", gateway.endpoint()}}));
    started.cancel();
    while (!context.cancel.wait(3600)) { }
    gateway.stop();
    const std::vector<LocalCharge> charges = gateway.charges();
    long credits = 0;
    for (const LocalCharge& charge : charges)
        credits += charge.credits;
    say("stopped",
        "stopped: " + std::to_string(gateway.creates()) + " creates, "
            + std::to_string(charges.size()) + " charges, " + std::to_string(credits) + " credits");
}

void add_serve(CLI::App& app, Context& context)
{
    auto options = std::make_shared<ServeOptions>();
    CLI::App* command = app.add_subcommand(
        "serve",
        "run the local gateway: a stand-in for the service on 127.0.0.1, for tests and previews");
    LocalGatewayOptions& gateway = options->gateway;
    command->add_option("--port", gateway.port, "Port on 127.0.0.1; 0 takes a free one")
        ->capture_default_str()
        ->check(CLI::Range(0, 65535));
    command->add_option("--key", options->keys,
                        "KEY:CREDITS, repeatable: a made-up key, never a real one: arguments are "
                        "seen by everyone on the machine. Without any, every key is good");
    command->add_option("--key-file", options->key_file, "A file with one KEY:CREDITS a line");
    command
        ->add_option("--credits", gateway.credits,
                     "Credits of each key that names none; negative: without end")
        ->capture_default_str();
    command->add_option("--latency", gateway.latency, "Seconds from a create to its task's end")
        ->capture_default_str()
        ->check(CLI::Range(0.0, 1e6));
    command->add_option("--fault", gateway.faults,
                        "KIND[@create|@poll|@download][:WHEN], repeatable: fail on purpose. WHEN "
                        "is a turn (3: the third alone), turns (2-4, 3-), or, with a dot, a "
                        "probability (0.1; 1.0 is always); without it, always");
    command->add_flag("--list-faults", options->list_faults, "Print the kinds of fault, and stop");
    command->add_option("--seed", gateway.seed, "Of the faults with a probability")
        ->capture_default_str()
        ->check([](const std::string& text) {
            return text.find('-') == std::string::npos ? std::string()
                                                       : "a seed is a whole number from 0 on";
        });
    command
        ->add_option("--fault-seconds", gateway.fault_seconds,
                     "How long slow answers take, and hang holds a connection")
        ->capture_default_str()
        ->check(CLI::Range(0.0, 1e6));
    command->add_option("--state", gateway.state_folder,
                        "A folder that keeps tasks and charges, so that a gateway started again "
                        "still knows them");
    command->add_flag("--honour-idempotency", gateway.honour_idempotency,
                      "Answer a repeated Idempotency-Key with the first task (the service "
                      "documents no such thing)");
    command->callback([&context, options] { serve(context, *options); });
}

const RegisterCommand registered(80, add_serve);

} // namespace

} // namespace klio::command
