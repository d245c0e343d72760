#include "command.h"

#include "base/json.h"
#include "base/secret.h"

#include <klio/staging.h>

#include <ctime>
#include <memory>

namespace klio::command {

namespace {

std::string local_time(double unix_time)
{
    const auto seconds = static_cast<std::time_t>(unix_time);
    std::tm parts {};
    localtime_r(&seconds, &parts);
    char buffer[32];
    std::strftime(buffer, sizeof buffer, "%Y-%m-%d %H:%M:%S", &parts);
    return buffer;
}

// Without what stands behind the "?": the column is for people.
std::string short_stage(const std::string& stage)
{
    return stage.substr(0, stage.find('?'));
}

std::string needed_by(const StagedObject& object)
{
    std::string text;
    for (const std::string& job : object.jobs)
        text += (text.empty() ? "" : ", ") + job.substr(0, 12);
    if (object.kept)
        return "kept (" + text + ")";
    return text.empty() ? "no job" : "job " + text;
}

void list(const Context& context)
{
    const std::vector<StagedObject> objects = list_staged(context.settings);
    for (const StagedObject& object : objects) {
        print_line(context,
                   object.id.substr(0, 12) + "  " + local_time(object.created_at) + "  "
                       + object.state + "  " + needed_by(object) + "  " + short_stage(object.stage)
                       + (object.message.empty() ? "" : "\n    " + object.message));
        print_json(context,
                   base::to_text(base::OrderedJson {{"event", "staged"},
                                                    {"id", object.id},
                                                    {"stage", object.stage},
                                                    {"url", object.url},
                                                    {"state", object.state},
                                                    {"message", base::mask(object.message)},
                                                    {"created_at", object.created_at},
                                                    {"expires_at", object.expires_at},
                                                    {"kept", object.kept},
                                                    {"jobs", object.jobs}}));
    }
    if (objects.empty())
        print_line(context, "nothing is staged");
}

void clean(const Context& context, bool all)
{
    const CleanResult result = clean_staged(context.settings, all, context.cancel);
    print_json(context,
               base::to_text(base::OrderedJson {{"event", "cleaned"},
                                                {"removed", result.removed},
                                                {"left", result.left},
                                                {"failures", result.failures}}));
    print_line(context,
               "removed " + std::to_string(result.removed) + ", left "
                   + std::to_string(result.left));
    if (!result.failures.empty())
        throw StagingError(std::to_string(result.failures.size())
                           + " could not be removed; the first: " + result.failures.front());
}

void add(CLI::App& app, Context& context)
{
    CLI::App* stage
        = app.add_subcommand("stage", "references that were given a URL: list and clean up");
    stage->require_subcommand(1);
    CLI::App* list_command = stage->add_subcommand(
        "list", "what is staged where, for which jobs, and what went wrong");
    list_command->callback([&context] { list(context); });
    CLI::App* clean_command = stage->add_subcommand(
        "clean", "remove what no job needs any more: after a crash, or a removal that failed");
    const auto all = std::make_shared<bool>(false);
    clean_command->add_flag("--all", *all,
                            "also what jobs still need, and what --keep-staged left there");
    clean_command->callback([&context, all] { clean(context, *all); });
}

const RegisterCommand register_stage(70, add);

} // namespace

} // namespace klio::command
