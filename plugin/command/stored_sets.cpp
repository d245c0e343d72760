#include "stored_sets.h"

#include "base/encoding.h"
#include "base/file.h"
#include "option_flags.h"

#include <klio/jobs.h>
#include <klio/local_session.h>
#include <klio/recipe.h>
#include <klio/recipe_options.h>
#include <klio/session.h>

#include <algorithm>

namespace klio::command {

namespace {

constexpr int most_takes = 1000; // of one call: what is beyond was hardly meant

int take_number(const std::string& text, const std::string& takes)
{
    if (text.empty() || text.size() > 6 || text.find_first_not_of("0123456789") != std::string::npos
        || std::stoi(text) < 1)
        throw UsageError("--take " + takes + ": write all, 2, 1-3, or 1,4-6");
    return std::stoi(text);
}

/// Empty for "all".
std::vector<int> parse_takes(const std::string& takes)
{
    std::vector<int> numbers;
    if (takes.empty() || takes == "all")
        return numbers;
    for (size_t begin = 0; begin <= takes.size();) {
        const size_t end = std::min(takes.find(',', begin), takes.size());
        const std::string part = takes.substr(begin, end - begin);
        const size_t dash = part.find('-');
        const int first = take_number(part.substr(0, dash), takes);
        const int last
            = dash == std::string::npos ? first : take_number(part.substr(dash + 1), takes);
        if (last < first || last - first >= most_takes)
            throw UsageError("--take " + takes + ": write all, 2, 1-3, or 1,4-6");
        for (int take = first; take <= last; ++take)
            numbers.push_back(take);
        begin = end + 1;
    }
    return numbers;
}

std::vector<StoredSet> sets_of_recipe(const std::string& path, const StoredFlags& flags,
                                      Context& context)
{
    const Recipe recipe = read_recipe(path);
    GenerateOptions options;
    FrameOptions frame;
    std::map<std::string, std::string> named = flags.options;
    named.insert(recipe.options.begin(), recipe.options.end()); // flags win
    apply_options(named, options, frame);
    options.cancel = context.cancel;
    if (flags.local || names_local_gateway(context.settings, options))
        options.endpoint = options.endpoint_identity = local_endpoint;
    Session session(context.settings);
    Request request = recipe.request;
    const auto missing = [&](int take) {
        return NotStoredError("the store has no take " + std::to_string(take) + " of \"" + path
                              + "\"; for "
                              + (flags.local ? std::string("nothing") : price(request).text())
                              + " it comes by: " + generate_command(path, flags, take));
    };
    std::vector<StoredSet> sets;
    const std::vector<int> asked = parse_takes(flags.takes);
    for (const int take : asked) {
        request.take = take;
        const std::optional<StoredSet> found = session.find(request, options);
        if (!found)
            throw missing(take);
        sets.push_back(*found);
    }
    if (!asked.empty())
        return sets;
    for (int take = 1; take <= most_takes; ++take) {
        request.take = take;
        const std::optional<StoredSet> found = session.find(request, options);
        if (found)
            sets.push_back(*found);
        else if (take >= recipe.request.take)
            break;
    }
    if (sets.empty())
        throw missing(recipe.request.take);
    return sets;
}

} // namespace

void add_stored_flags(CLI::App& app, StoredFlags& flags)
{
    const char* group = "Recipes";
    app.add_option("--take", flags.takes,
                   "takes of recipes: all (default: all from 1 on that are stored), 2, 1-3, 1,4-6")
        ->group(group);
    app.add_flag("--local", flags.local, "what the local gateway made of them")->group(group);
    add_option_flags(app, flags.options, group, {"endpoint"});
    add_option_flags(app, flags.options, group, prepare_option_names());
}

bool is_recipe(const std::string& input)
{
    return input.size() > 6 && input.compare(input.size() - 6, 6, ".kling") == 0;
}

bool is_job(const std::string& input)
{
    return input.size() >= 6 && input.size() <= 64
        && input.find_first_not_of("0123456789abcdef") == std::string::npos && !base::exists(input);
}

std::vector<StoredSet> find_sets(const std::string& input, const StoredFlags& flags,
                                 Context& context)
{
    if (is_job(input))
        return {Jobs(context.settings).job(input).set};
    return sets_of_recipe(input, flags, context);
}

std::string generate_command(const std::string& recipe, const StoredFlags& flags, int take)
{
    std::string command
        = "klio generate " + base::shell_quoted(recipe) + " --take " + std::to_string(take);
    if (flags.local)
        command += " --local";
    for (const auto& [name, value] : flags.options) {
        std::string flag = name;
        std::replace(flag.begin(), flag.end(), '_', '-');
        command += " --" + flag + " " + base::shell_quoted(value);
    }
    return command;
}

std::string recipe_text(const std::string& recipe, const StoredFlags& flags, int take)
{
    Recipe shown = read_recipe(recipe);
    shown.request.take = take;
    for (const auto& [name, value] : flags.options)
        shown.options[name] = value;
    return write_recipe(shown);
}

} // namespace klio::command
