#include "command.h"
#include "stored_sets.h"

#include "base/json.h"

#include <klio/review.h>

#include <memory>

namespace klio::command {

namespace {

struct ReviewFlags {
    std::vector<std::string> inputs;
    std::string output;
    StoredFlags stored;
    ReviewOptions options;
    bool force = false;
};

void run(const ReviewFlags& flags, Context& context)
{
    std::vector<ReviewSet> sets;
    for (const std::string& input : flags.inputs) {
        if (!is_recipe(input) && !is_job(input))
            throw UsageError("\"" + input
                             + "\" is neither a recipe (*.kling) nor the beginning of a job's key "
                               "as klio jobs shows it");
        for (StoredSet& set : find_sets(input, flags.stored, context)) {
            ReviewSet review;
            if (is_recipe(input)) {
                review.command = generate_command(input, flags.stored, set.request.take);
                review.recipe = recipe_text(input, flags.stored, set.request.take);
            }
            review.set = std::move(set);
            sets.push_back(std::move(review));
        }
    }
    ReviewOptions options = flags.options;
    options.force = flags.force;
    options.progress = progress_printer(context);
    write_review(sets, flags.output, options, context.cancel);
    options.progress({"done", {}, {}, 0, 0});
    print_line(context, flags.output);
    print_json(context,
               base::to_text(base::OrderedJson {{"event", "review"}, {"file", flags.output}}));
}

void add(CLI::App& app, Context& context)
{
    auto flags = std::make_shared<ReviewFlags>();
    CLI::App* sub = app.add_subcommand("review", "a page to compare references and takes on");
    sub->footer(
        "Example: klio review shot_010.kling -o shot_010.html\n"
        "The page is one file that opens offline and loads nothing. It shows the prompt, the\n"
        "recipe with the references' paths, and small copies of the pictures: give it to\n"
        "those who may see them. Nothing is bought: what is not stored is an error that\n"
        "says how to get it.");
    sub->add_option("inputs", flags->inputs, "recipes (*.kling), or jobs as klio jobs shows them")
        ->required();
    sub->add_option("-o,--out", flags->output, "the page, *.html")->required();
    sub->add_option("--title", flags->options.title, "default: the prompt's beginning");
    sub->add_option("--width", flags->options.width, "longest side of the pictures, pixels")
        ->check(CLI::Range(64, 8192))
        ->capture_default_str();
    sub->add_option("--bytes", flags->options.bytes,
                    "what the page may take; pictures become smaller to keep to it")
        ->capture_default_str();
    sub->add_flag("-f,--force", flags->force, "write over a file that is there");
    add_stored_flags(*sub, flags->stored);
    sub->callback([flags, &context] { run(*flags, context); });
}

const RegisterCommand registered(31, add);

} // namespace

} // namespace klio::command
