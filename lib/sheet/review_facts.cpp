#include "sheet/review_facts.h"

#include "base/secret.h"
#include "sheet/html.h"

#include <klio/error.h>
#include <klio/recipe.h>
#include <klio/record.h>

#include <cstdio>
#include <ctime>

namespace klio::sheet {

namespace {

std::string time_text(double seconds)
{
    if (seconds <= 0)
        return {};
    const std::time_t time = std::time_t(seconds);
    std::tm utc {};
    gmtime_r(&time, &utc);
    char text[40];
    std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S UTC", &utc);
    return text;
}

std::string row(const std::string& name, const std::string& value)
{
    if (value.empty())
        return {};
    return "<tr><th scope=\"row\">" + html_text(name) + "</th><td>" + html_text(value)
        + "</td></tr>\n";
}

/// A block of text with a button that copies it.
std::string copyable(const std::string& title, const std::string& id, const std::string& text)
{
    if (text.empty())
        return {};
    return "<div><div class=\"title\"><h3>" + html_text(title)
        + "</h3><button type=\"button\" class=\"scripted\" hidden data-copy=\"" + id
        + "\" data-what=\"" + html_text(title) + "\" aria-label=\"Copy the "
        + html_text(title == "Command"      ? "command"
                        : title == "Recipe" ? "recipe"
                                            : "prompt")
        + "\">Copy</button></div><pre id=\"" + id + "\" tabindex=\"0\" dir=\"auto\">"
        + html_text(text) + "</pre></div>\n";
}

std::string color_rows(const StoredSet& set)
{
    std::string html;
    for (size_t i = 0; i < set.references.size(); ++i) {
        if (set.references[i].record.empty())
            continue;
        PrepareRecord record;
        try {
            record = prepare_record_from_json(set.references[i].record);
        } catch (const UsageError&) {
            continue;
        }
        const ColorRecord& color = record.color;
        std::string policy = color.policy;
        if (color.policy == "view")
            policy += " (" + color.display + ", " + color.view + ")";
        if (color.policy == "compress")
            policy += " (peak " + number_text(color.peak) + ")";
        const std::string prefix
            = set.references.size() > 1 ? "Reference " + std::to_string(i + 1) + ": " : "";
        html += row(prefix + "source space", color.source_space + " (by " + color.decided_by + ")")
            + row("policy", policy) + row("exposure", number_text(color.exposure) + " stops")
            + row("clipped", number_text(100 * color.clipped) + " % of pixels")
            + row("cut out",
                  number_text(record.crop_width) + "×" + number_text(record.crop_height) + " at "
                      + number_text(record.crop_x) + "," + number_text(record.crop_y) + " of "
                      + std::to_string(record.source_width) + "×"
                      + std::to_string(record.source_height))
            + row("sent as",
                  std::to_string(record.width) + "×" + std::to_string(record.height) + " "
                      + record.codec)
            + row("config", color.config);
    }
    return html;
}

} // namespace

std::string number_text(double value)
{
    char text[32];
    std::snprintf(text, sizeof text, "%.6g", value);
    return text;
}

std::string facts_html(const ReviewSet& review, size_t number, bool open)
{
    const StoredSet& set = review.set;
    const std::string id = std::to_string(number);
    Recipe recipe;
    recipe.request = set.request;
    std::string html = "<details" + std::string(open ? " open" : "")
        + "><summary>Prompt, recipe, colour and cost</summary>\n<div class=\"facts\">\n";
    html += copyable("Prompt", "prompt-" + id, set.request.prompt);
    html += copyable("Command", "command-" + id, base::mask(review.command));
    html += copyable("Recipe", "recipe-" + id,
                     base::mask(review.recipe.empty() ? write_recipe(recipe) : review.recipe));
    Price price;
    price.known = set.price_known;
    price.credits_at_least = set.credits_at_least;
    html += "<div><div class=\"title\"><h3>Cost and origin</h3></div><table>\n"
        + row("cost",
              set.endpoint == local_endpoint ? "nothing: made by the local gateway" : price.text())
        + row("state", to_string(set.state)) + row("model", set.request.model)
        + row("made", time_text(set.created_at)) + row("task", set.task_id) + row("job", set.job)
        + row("endpoint", base::mask_url(set.endpoint));
    for (const std::string& warning : set.warnings)
        html += row("warning", base::mask(warning));
    html += "</table></div>\n";
    const std::string color = color_rows(set);
    if (!color.empty())
        html += "<div><div class=\"title\"><h3>Colour</h3></div><table>\n" + color
            + "</table></div>\n";
    return html + "</div></details>\n";
}

} // namespace klio::sheet
