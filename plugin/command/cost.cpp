#include "command.h"
#include "job_text.h"

#include "base/json.h"

#include <cstdio>

namespace klio::command {

namespace {

std::string row(const std::string& label, const Cost& cost)
{
    char text[160];
    std::snprintf(text, sizeof text, "%-12s  %8lld  %8lld  %8lld  %8lld", label.c_str(),
                  static_cast<long long>(cost.total()), static_cast<long long>(cost.spent),
                  static_cast<long long>(cost.reserved), static_cast<long long>(cost.unknown));
    return text;
}

std::string note(const Cost& cost)
{
    return cost.unpriced == 0
        ? std::string()
        : ", and " + counted(cost.unpriced, "purchase") + " whose price is not known";
}

void budget_line(const Context& context, const char* name, const char* what, double limit,
                 double spent)
{
    if (limit < 0)
        return;
    const double left = limit > spent ? limit - spent : 0;
    print_json(
        context,
        base::to_text(base::OrderedJson {
            {"event", "budget"}, {"of", name}, {"limit", limit}, {"used", spent}, {"left", left}}));
    char text[128];
    std::snprintf(text, sizeof text, "budget %s: %.10g of %.10g credits are used, %.10g are left",
                  what, spent, limit, left);
    print_line(context, text);
}

void run(const Context& context, bool by_job)
{
    Jobs jobs(context.settings);
    const BudgetState budget = jobs.budget(); // first: a setting that is none is said at once
    const Cost all = jobs.cost();
    const auto lines = by_job ? jobs.cost_by_job() : jobs.cost_by_day();
    if (!lines.empty())
        print_line(context,
                   std::string(by_job ? "job          " : "day (UTC)    ")
                       + "  at least  spent     reserved  unknown");
    for (const CostLine& line : lines) {
        print_line(
            context,
            row(line.label.substr(0, 12), line.cost)
                + (by_job ? "  " + (line.prompt.empty() ? "(deleted)" : one_line(line.prompt, 48))
                          : std::string()));
        print_json(context, cost_json(by_job ? "job" : "day", line.label, line.cost));
    }
    if (lines.size() != 1)
        print_line(context, row("all", all));
    print_json(context, cost_json("total", "all", all));
    print_line(context,
               "at least " + std::to_string(all.total()) + " credits" + note(all)
                   + "; the service does not say what count and resolution multiply");
    budget_line(context, "total", "of this data folder", budget.total, budget.total_spent);
    budget_line(context, "day", "of today (UTC)", budget.per_day, budget.day_spent);
}

void add(CLI::App& app, Context& context)
{
    CLI::App* cost = app.add_subcommand("cost", "what was spent, in credits: by day, or by job")
                         ->fallthrough();
    cost->footer("Spent: jobs that succeeded. Reserved: jobs under way. Unknown: creates that may "
                 "have been\naccepted; they count as spent until klio jobs resolve says otherwise. "
                 "Failed and refused\njobs cost nothing.");
    auto by_job = std::make_shared<bool>(false);
    cost->add_flag("--by-job", *by_job, "one line a job instead of one a day");
    cost->callback([&context, by_job] { run(context, *by_job); });
}

const RegisterCommand registered(60, add);

} // namespace

} // namespace klio::command
