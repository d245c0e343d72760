#include "command.h"
#include "stored_sets.h"

#include "base/json.h"

#include <klio/sheet.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

namespace klio::command {

namespace {

struct SheetFlags {
    std::vector<std::string> inputs;
    std::string output, cell, page;
    std::vector<std::string> references;
    StoredFlags stored;
    bool force = false;
    SheetOptions options;
};

void parse_pair(const std::string& text, const char* flag, int& width, int& height)
{
    int end = 0;
    if (!text.empty()
        && (std::sscanf(text.c_str(), "%6dx%6d%n", &width, &height, &end) != 2
            || size_t(end) != text.size() || width < 1 || height < 1))
        throw UsageError(std::string(flag) + " " + text + ": write width x height, as 1024x576");
}

/// What goes on one sheet.
struct Group {
    std::string path;
    std::vector<SheetItem> files;
    std::vector<std::vector<StoredSet>> takes; ///< of each recipe
};

/// The output name is a template too: each name that comes out is a sheet of its own.
Group& group_of(std::vector<Group>& groups, const std::string& output, const SheetItem& item)
{
    const std::string path = sheet_name(output, item);
    for (Group& group : groups)
        if (group.path == path)
            return group;
    groups.push_back({path, {}, {}});
    return groups.back();
}

/// The set's name is that of its frames: a reference has no frame's fields.
SheetItem name_item(const StoredSet& set, const std::string& input)
{
    SheetItem item = sheet_items(set).back();
    item.fields["recipe"] = input.substr(input.rfind('/') + 1);
    item.fields["stem"] = item.fields["recipe"].substr(0, item.fields["recipe"].rfind('.'));
    return item;
}

std::vector<Group> gather(const SheetFlags& flags, Context& context)
{
    std::vector<Group> groups;
    for (const std::string& input : flags.inputs) {
        if (is_recipe(input) || is_job(input)) {
            std::vector<std::string> begun;
            for (StoredSet& set : find_sets(input, flags.stored, context)) {
                Group& group = group_of(groups, flags.output, name_item(set, input));
                if (std::find(begun.begin(), begun.end(), group.path) == begun.end()) {
                    begun.push_back(group.path);
                    group.takes.emplace_back();
                }
                group.takes.back().push_back(std::move(set));
            }
        } else {
            for (SheetItem& item : file_items({input}))
                group_of(groups, flags.output, item).files.push_back(std::move(item));
        }
    }
    return groups;
}

Sheet compose(const Group& group, const std::vector<SheetItem>& references)
{
    Sheet sheet {references, group.path};
    int rows = 0;
    const bool alone = group.takes.size() == 1 && group.files.empty();
    for (const std::vector<StoredSet>& sets : group.takes) {
        int last = rows;
        for (SheetItem& item : sheet_items(sets)) {
            // Each take has a row of its own, also that of a recipe that has but one.
            if (!alone && item.kind != SheetItem::Kind::reference)
                item.row = rows + std::max(item.row, 0);
            last = std::max(last, item.row + 1);
            sheet.items.push_back(std::move(item));
        }
        rows = last;
    }
    sheet.items.insert(sheet.items.end(), group.files.begin(), group.files.end());
    return sheet;
}

void run(const SheetFlags& flags, Context& context)
{
    SheetOptions options = flags.options;
    parse_pair(flags.cell, "--cell", options.cell_width, options.cell_height);
    parse_pair(flags.page, "--page", options.width, options.height);
    options.force = flags.force;
    options.progress = progress_printer(context);
    std::vector<SheetItem> references = file_items(flags.references);
    for (SheetItem& item : references) {
        item.kind = SheetItem::Kind::reference;
        item.fields["kind"] = "reference";
        item.fields["name"] = "reference · " + item.fields["name"];
    }
    std::vector<Sheet> sheets;
    for (const Group& group : gather(flags, context))
        sheets.push_back(compose(group, references));
    const std::vector<std::string> written = write_sheets(sheets, options, context.cancel);
    options.progress({"done", {}, {}, 0, 0});
    for (const std::string& path : written) {
        print_line(context, path);
        print_json(context, base::to_text(base::OrderedJson {{"event", "sheet"}, {"file", path}}));
    }
}

void add(CLI::App& app, Context& context)
{
    auto flags = std::make_shared<SheetFlags>();
    CLI::App* sub = app.add_subcommand("sheet", "contact sheets of images, sequences and recipes");
    sub->footer(
        "Examples:\n"
        "  klio sheet frames/*.png -o sheet.png\n"
        "  klio sheet 'seq.#.exr' --layout 4x3 -o 'sheet.#.jpg'\n"
        "  klio sheet shots/*/ -o 'sheets/{folder}.jpg'      one sheet for each folder\n"
        "Templates know {name} {file} {stem} {folder} {number?} {size} {index}, for recipes also\n"
        "{frame} {take} {prompt:40} {job:12} {model} {type} {ratio} {resolution} {credits?};\n"
        "header and footer what all cells share, and {page} {pages} {count}. {x?} may be missing.");
    sub->add_option("inputs", flags->inputs,
                    "images, sequences ('a.#.exr', 'a.%04d.exr'), folders, recipes")
        ->required();
    sub->add_option("-o,--out", flags->output,
                    "the sheet; a padding ('sheet.#.png') numbers its pages, a {field} makes one "
                    "sheet for each of its values")
        ->required();
    sub->add_option("--reference", flags->references,
                    "shown first and marked as reference; may be repeated")
        ->allow_extra_args(false);
    sub->add_option("--layout", flags->options.layout,
                    "columns x rows of a page; default: chosen to fill it");
    sub->add_option("--cell", flags->cell, "pixels of a picture's box, as 1024x576");
    sub->add_option("--page", flags->page, "pixels of the page, as 3840x2160");
    sub->add_option("--gap", flags->options.gap, "pixels between cells")->capture_default_str();
    sub->add_option("--margin", flags->options.margin, "pixels around them")->capture_default_str();
    sub->add_option("--background", flags->options.background, "r,g,b in 0-1, or #rrggbb")
        ->capture_default_str();
    sub->add_option("--label", flags->options.label, "template under each picture; '' for none")
        ->capture_default_str();
    sub->add_option("--header", flags->options.header, "template above; \\n begins a new line");
    sub->add_option("--footer", flags->options.footer, "template below");
    sub->add_option("--font", flags->options.font, "font file or family; default: found by itself");
    sub->add_option("--font-size", flags->options.font_size,
                    "pixels of labels; default: by the cells' width");
    sub->add_option("-d,--format", flags->options.format, "data type: uint8, uint16, half, float");
    sub->add_option("--jpeg-quality", flags->options.quality, "of JPEG and WebP")
        ->check(CLI::Range(1, 100))
        ->capture_default_str();
    sub->add_option("--threads", flags->options.threads, "default: one a core");
    sub->add_flag("-f,--force", flags->force, "write over files that are there");
    add_stored_flags(*sub, flags->stored);
    sub->callback([flags, &context] { run(*flags, context); });
}

const RegisterCommand registered(30, add);

} // namespace

} // namespace klio::command
