#include "command.h"
#include "job_text.h"
#include "option_flags.h"
#include "outputs.h"

#include "base/file.h"
#include "base/json.h"
#include "base/secret.h"

#include <klio/frame.h>
#include <klio/local_session.h>
#include <klio/recipe.h>
#include <klio/recipe_options.h>
#include <klio/session.h>

#include <cmath>
#include <cstdlib>
#include <memory>

namespace klio::command {

namespace {

struct Flags {
    std::string recipe;
    Request request; ///< what the flags say; only fields whose flag was given count
    std::vector<std::string> params;
    bool local = false;
    bool dry_run = false;
    std::map<std::string, std::string> options; ///< of the recipe, given as flags
    std::string stage, cacert, timeout;
    Outputs outputs;
    double budget = -1;
    std::string budget_per_day;
    bool prepare_urls = false;
    bool keep_staged = false;
    std::string format;
    bool embed_prompt = false;
};

/// The request and the recipe's options, flags laid over the recipe.
Recipe gather(const CLI::App& app, const Flags& flags)
{
    Recipe recipe;
    if (!flags.recipe.empty())
        recipe = read_recipe(flags.recipe);
    Request& request = recipe.request;
    const auto given = [&](const char* flag) { return app.count(flag) > 0; };
    if (given("--model"))
        request.model = flags.request.model;
    if (given("--prompt"))
        request.prompt = flags.request.prompt;
    if (given("--type"))
        request.type = flags.request.type;
    if (given("--image"))
        request.images = flags.request.images;
    if (given("--aspect-ratio"))
        request.aspect_ratio = flags.request.aspect_ratio;
    if (given("--resolution"))
        request.resolution = flags.request.resolution;
    if (given("--num-images"))
        request.num_images = flags.request.num_images;
    if (given("--take"))
        request.take = flags.request.take;
    for (const std::string& param : flags.params) {
        const size_t equals = param.find('=');
        if (equals == 0 || equals == std::string::npos)
            throw UsageError("--param '" + param + "': wants NAME=JSON, as in seed=7");
        request.params[param.substr(0, equals)] = param.substr(equals + 1);
    }
    return recipe;
}

std::string default_out(const Flags& flags)
{
    if (flags.recipe.empty())
        return "frame.#.exr";
    std::string stem = base::file_name(flags.recipe);
    stem.resize(std::min(stem.rfind('.'), stem.size()));
    return stem + ".#.exr";
}

base::OrderedJson frames_json(const StoredSet& set, const std::vector<std::string>& files)
{
    base::OrderedJson frames = base::OrderedJson::array();
    for (size_t i = 0; i < set.frames.size(); ++i) {
        const StoredFrame& frame = set.frames[i];
        base::OrderedJson entry = {{"index", frame.index},
                                   {"width", frame.width},
                                   {"height", frame.height},
                                   {"sha256", frame.sha256},
                                   {"stored", frame.path}};
        if (!files.empty())
            entry["file"] = files.size() == set.frames.size() ? files[i] : files.front();
        frames.push_back(entry);
    }
    return frames;
}

void print_plan(const Context& context, const Plan& plan)
{
    for (size_t i = 0; i < plan.references.size(); ++i) {
        const StoredReference& reference = plan.references[i];
        const Prepared& prepared = plan.prepared[i];
        print_line(context,
                   "reference " + std::to_string(i + 1) + ": " + reference.source
                       + (prepared.bytes.empty()
                              ? std::string(", passed through")
                              : " -> " + prepared.media_type + " " + std::to_string(prepared.width)
                                  + "x" + std::to_string(prepared.height) + ", "
                                  + std::to_string(prepared.bytes.size()) + " bytes"));
        if (!reference.record.empty())
            print_line(context, "  " + reference.record);
    }
    print_line(context,
               "POST " + plan.endpoint + "/api/v1/images/generations ("
                   + std::to_string(plan.body_bytes) + " bytes)");
    print_line(context, plan.body);
    print_line(context, "staged by: " + (plan.stage.empty() ? std::string("not set") : plan.stage));
    print_line(context, "job " + plan.job);
    if (plan.stored && plan.stored->state == JobState::succeeded)
        print_line(context,
                   "price: none, the store has its " + std::to_string(plan.stored->frames.size())
                       + " frames");
    else if (plan.stored)
        print_line(context,
                   std::string("the store knows this job as ") + to_string(plan.stored->state)
                       + (plan.stored->message.empty() ? "" : ": " + plan.stored->message));
    else
        print_line(context, "price: " + plan.price.text());
    print_line(context, "dry run: nothing was sent");

    base::OrderedJson json = {{"event", "plan"},
                              {"job", plan.job},
                              {"endpoint", plan.endpoint},
                              {"body_bytes", plan.body_bytes},
                              {"stage", plan.stage},
                              {"stored", plan.stored ? to_string(plan.stored->state) : "no"}};
    json["price_known"] = plan.price.known;
    json["credits_at_least"] = plan.price.credits_at_least;
    json["warnings"] = masked(plan.warnings);
    json["references"] = base::OrderedJson::array();
    for (size_t i = 0; i < plan.references.size(); ++i) {
        base::OrderedJson entry = {{"source", base::mask(plan.references[i].source)},
                                   {"id", base::mask(plan.references[i].id)}};
        entry["bytes"] = plan.prepared[i].bytes.size();
        entry["width"] = plan.prepared[i].width;
        entry["height"] = plan.prepared[i].height;
        base::Json record;
        base::JsonError error;
        if (base::parse_json(base::mask(plan.references[i].record), record, error))
            entry["record"] = record;
        json["references"].push_back(entry);
    }
    print_json(context, base::to_text(json));
}

/// Request, preparing and frames: what is wrong is said at once. `problems`: what was found before.
void check_all(const Request& request, const GenerateOptions& options, const FrameOptions& frame,
               const Flags& flags, std::vector<Problem> problems)
{
    try {
        check(request, options.prepare);
    } catch (const RequestError& error) {
        problems.insert(problems.begin(), error.problems().begin(), error.problems().end());
    }
    try {
        check_frame_options(frame, flags.outputs.single_file ? flags.outputs.out : std::string());
    } catch (const Error& error) {
        if (problems.empty())
            throw;
        const std::string text = error.what();
        const size_t colon = text.find(": ");
        if (colon == std::string::npos)
            problems.push_back({"frames", "", text});
        else
            problems.push_back({text.substr(0, colon), "", text.substr(colon + 2)});
    }
    if (!problems.empty())
        throw RequestError(std::move(problems));
}

// The one of a set's warnings that the library has logged when it stored the frames.
bool is_logged(const std::string& warning)
{
    return warning.rfind("asked for ", 0) == 0;
}

std::string paid_text(const Price& price)
{
    return price.known ? "paid " + price.text() : "paid a price that is not known";
}

void run(const CLI::App& app, Context& context, Flags& flags)
{
    const Recipe recipe = gather(app, flags);
    const Request& request = recipe.request;
    GenerateOptions options;
    FrameOptions frame;
    std::map<std::string, std::string> named = flags.options;
    named.insert(recipe.options.begin(), recipe.options.end()); // flags win
    std::vector<Problem> problems;
    apply_options(named, options, frame, problems);
    if (flags.outputs.out.empty())
        flags.outputs.out = default_out(flags);
    if (frame.to.empty())
        frame.to = default_space(flags.outputs.out);
    check_all(request, options, frame, flags, std::move(problems));
    for (const std::string& line : warnings(request))
        warn(line);
    options.endpoint_by_user = flags.options.count("endpoint") > 0;
    frame.format = flags.format;
    frame.embed_prompt = flags.embed_prompt;
    options.stage = flags.stage;
    if (app.count("--prepare-urls") > 0)
        options.prepare_urls = flags.prepare_urls;
    options.keep_staged = flags.keep_staged;
    options.budget = flags.budget;
    options.cancel = context.cancel;
    options.progress = progress_printer(context);
    if (!flags.cacert.empty())
        context.settings.set("cacert", flags.cacert);
    if (!flags.timeout.empty())
        context.settings.set("timeout", flags.timeout);
    if (!flags.budget_per_day.empty())
        context.settings.set("budget_per_day", flags.budget_per_day);
    if (flags.local && flags.options.count("endpoint"))
        throw UsageError("--local and --endpoint exclude each other");
    flags.local = flags.local || names_local_gateway(context.settings, options);

    if (flags.dry_run) {
        Session session(context.settings);
        if (flags.local) {
            options.endpoint = local_endpoint;
            options.stage = "inline";
        }
        print_plan(context, session.plan(request, options));
        return;
    }

    // Whatever would keep the result from being written is found before anything is paid.
    std::vector<std::string> inputs = request.images;
    inputs.insert(inputs.end(), {flags.recipe, frame.conform});
    check(flags.outputs, request.num_images, inputs);

    Session session(context.settings);
    std::unique_ptr<LocalGateway> gateway;
    if (flags.local)
        gateway = start_local_gateway(context.settings, options);
    const std::optional<StoredSet> before = session.find(request, options);
    if (!flags.local && !before && context.settings.api_key().empty())
        throw KeyError("no API key: set KLIO_API_KEY (or put the key into a file of mode 600 and "
                       "name it by KLIO_KEY_FILE), or try it without one by --local");
    // A killed run of this command may have written some of them.
    if (!before || before->state != JobState::succeeded) {
        check_nothing_there(flags.outputs, request.num_images);
        // Whether the plate is the one that the reference was, only its record says.
        if (!frame.conform.empty() && !request.images.empty())
            check_frame_options(frame, {}, session.plan(request, options).references.at(0).record);
    }

    const StoredSet set = session.generate(request, options);
    const bool had
        = before && before->state == JobState::succeeded && before->job == set.job && !set.bought;
    for (const std::string& line : set.warnings)
        if (had || !is_logged(line))
            warn(line);

    Recipe shown = recipe;
    shown.options = named;
    Written written;
    try {
        written = write(flags.outputs, set, frame, context.command_line, write_recipe(shown),
                        context, options.progress);
    } catch (const Error& error) {
        if (had || error.kind() == ErrorKind::cancelled)
            throw;
        // Code 2 would say that nothing was sent.
        throw_error(error.kind() == ErrorKind::usage ? ErrorKind::output : error.kind(),
                    error.what() + std::string("; the frames are in the store as job ")
                        + set.job.substr(0, 12) + ": mend this and run again, free");
    }
    options.progress({"done", set.job, "", 1, 1});

    const std::string paid = had ? std::string("from the store, nothing was sent")
        : flags.local            ? std::string("from the local gateway, nothing was paid")
        : set.bought             ? paid_text(price(request))
                                 : std::string("collected, paid for by another run");
    print_line(context,
               "job " + set.job.substr(0, 12) + ", take " + std::to_string(request.take) + ": "
                   + std::to_string(set.frames.size()) + " frames, " + paid);
    for (const std::string& file : written.frames)
        print_line(context, file);
    for (const std::string& file : written.sheets)
        print_line(context, file);
    if (!written.review.empty())
        print_line(context, written.review);
    base::OrderedJson json = {{"event", "result"}, {"job", set.job}, {"take", request.take}};
    json["task"] = set.task_id;
    json["from_store"] = had;
    json["credits_at_least"] = !set.bought || flags.local ? 0 : price(request).credits_at_least;
    json["price_known"] = price(request).known;
    json["frames"] = frames_json(set, written.frames);
    json["sheet"] = written.sheets;
    json["review"] = written.review;
    json["warnings"] = masked(set.warnings);
    print_json(context, base::to_text(json));
}

std::string is_number(const std::string& text)
{
    char* end = nullptr;
    const double value = std::strtod(text.c_str(), &end);
    return *end == '\0' && !text.empty() && std::isfinite(value) && value >= 0
        ? std::string()
        : "must be a number of 0 or more";
}

void add_generate(CLI::App& app, Context& context)
{
    auto flags = std::make_shared<Flags>();
    CLI::App* sub
        = app.add_subcommand("generate", "ask the model for frames, or fetch them from the store");
    sub->add_option("recipe", flags->recipe, "a recipe file, *.kling; flags win over it");
    sub->add_option("--prompt", flags->request.prompt,
                    "what to show; references are <<<image_1>>> …");
    sub->add_option("--type", flags->request.type,
                    "image-to-image (6 credits) or ai-multi-shot (16)");
    sub->add_option("--image", flags->request.images, "a reference, file or URL; may be repeated")
        ->allow_extra_args(false);
    sub->add_option("--aspect-ratio", flags->request.aspect_ratio,
                    "1:1 (default) 16:9 9:16 4:3 3:4 3:2 2:3 21:9 auto");
    sub->add_option("--resolution", flags->request.resolution, "1k (default) or 2k");
    sub->add_option("--num-images", flags->request.num_images, "1 (default) to 9")
        ->transform(base_ten);
    sub->add_option("--model", flags->request.model, "another model of the same endpoint");
    sub->add_option("--param", flags->params, "NAME=JSON: a further field for another model")
        ->allow_extra_args(false);
    sub->add_option("--take", flags->request.take,
                    "1 (default), 2 …: other pixels, another purchase")
        ->transform(base_ten);
    sub->add_flag("--local", flags->local,
                  "use the local gateway: marked previews, no key, no cost");
    sub->add_flag("--dry-run", flags->dry_run,
                  "show what would be sent and its price; nothing leaves");
    add_option_flags(*sub, flags->options, "Options", {"endpoint"});
    sub->add_option("--stage", flags->stage, "how references get a URL (KLIO_STAGE)");
    sub->add_flag("--prepare-urls", flags->prepare_urls, "fetch and prepare URL references too");
    sub->add_flag("--keep-staged", flags->keep_staged, "leave staged references where they are");
    sub->add_option("--budget", flags->budget, "credits that this run may spend")->check(is_number);
    sub->add_option("--budget-per-day", flags->budget_per_day,
                    "credits that the data folder may spend in a day (KLIO_BUDGET_PER_DAY)")
        ->check(is_number);
    sub->add_option("--timeout", flags->timeout,
                    "seconds to wait for the task (KLIO_TIMEOUT, 1200)");
    sub->add_option("--cacert", flags->cacert, "certificates to trust (KLIO_CACERT)");
    add_option_flags(*sub, flags->options, "References", prepare_option_names());
    const char* group = "Frames";
    add_option_flags(*sub, flags->options, group, {"fit", "to", "conform", "match"});
    sub->add_option("-o,--out", flags->outputs.out,
                    "where frames go, any format OIIO writes; # is four digits, @ one, or %04d "
                    "(default frame.#.exr, or the recipe's name)")
        ->group(group);
    sub->add_flag("--single-file", flags->outputs.single_file,
                  "all frames as subimages of one file")
        ->group(group);
    sub->add_flag("--force", flags->outputs.force,
                  "overwrite files that are there and hold something else than this would write")
        ->group(group);
    sub->add_option("--format", flags->format, "OIIO data type, as half or uint16")->group(group);
    sub->add_flag("--embed-prompt", flags->embed_prompt, "write the prompt into the files")
        ->group(group);
    sub->add_option("--sheet", flags->outputs.sheet, "a contact sheet as well")->group(group);
    sub->add_option("--review", flags->outputs.review, "a review page (HTML) as well")
        ->group(group);
    sub->add_flag("--sidecar", flags->outputs.sidecar,
                  "write each frame's provenance beside it as JSON")
        ->group(group);
    sub->callback([sub, &context, flags] { run(*sub, context, *flags); });
}

const RegisterCommand registered {10, add_generate};

} // namespace

} // namespace klio::command
