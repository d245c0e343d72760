#include "command.h"

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

/// The output name is a template too: each name that comes out is a sheet of its own.
std::vector<Sheet> group(const std::vector<SheetItem>& items, const std::string& output)
{
    std::vector<Sheet> sheets;
    for (const SheetItem& item : items) {
        const std::string path = sheet_name(output, item);
        const auto known = std::find_if(sheets.begin(), sheets.end(),
                                        [&](const Sheet& sheet) { return sheet.path == path; });
        Sheet& sheet = known == sheets.end() ? sheets.emplace_back() : *known;
        sheet.path = path;
        sheet.items.push_back(item);
    }
    return sheets;
}

void run(const SheetFlags& flags, Context& context)
{
    SheetOptions options = flags.options;
    parse_pair(flags.cell, "--cell", options.cell_width, options.cell_height);
    parse_pair(flags.page, "--page", options.width, options.height);
    options.force = flags.force;
    options.progress = progress_printer(context);
    std::vector<SheetItem> items = file_items(flags.references);
    for (SheetItem& item : items) {
        item.kind = SheetItem::Kind::reference;
        item.fields["kind"] = "reference";
        item.fields["name"] = "reference · " + item.fields["name"];
    }
    const std::vector<SheetItem> files = file_items(flags.inputs);
    items.insert(items.end(), files.begin(), files.end());
    const std::vector<Sheet> sheets = group(items, flags.output);
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
    CLI::App* sub = app.add_subcommand("sheet", "Contact sheets of images, sequences and recipes");
    sub->footer(
        "Examples:\n"
        "  klio sheet frames/*.png -o sheet.png\n"
        "  klio sheet 'seq.#.exr' --layout 4x3 -o 'sheet.#.jpg'\n"
        "  klio sheet shots/*/ -o 'sheets/{folder}.jpg'      one sheet for each folder\n"
        "Templates know {name} {file} {stem} {folder} {number?} {size} {index}, for recipes also\n"
        "{frame} {take} {prompt:40} {job:12} {model} {type} {ratio} {resolution} {credits?};\n"
        "header and footer what all cells share, and {page} {pages} {count}. {x?} may be missing.");
    sub->add_option("inputs", flags->inputs,
                    "Images, sequences ('a.#.exr', 'a.%04d.exr'), folders, recipes")
        ->required();
    sub->add_option("-o,--output", flags->output,
                    "The sheet; a padding ('sheet.#.png') numbers its pages, a {field} makes one "
                    "sheet for each of its values")
        ->required();
    sub->add_option("--reference", flags->references, "Shown first and marked as reference");
    sub->add_option("--layout", flags->options.layout,
                    "Columns x rows of a page; default: chosen to fill it");
    sub->add_option("--cell", flags->cell, "Pixels of a picture's box, as 1024x576");
    sub->add_option("--page", flags->page, "Pixels of the page, as 3840x2160");
    sub->add_option("--gap", flags->options.gap, "Pixels between cells")->capture_default_str();
    sub->add_option("--margin", flags->options.margin, "Pixels around them")->capture_default_str();
    sub->add_option("--background", flags->options.background, "r,g,b in 0-1, or #rrggbb")
        ->capture_default_str();
    sub->add_option("--label", flags->options.label, "Template under each picture; '' for none")
        ->capture_default_str();
    sub->add_option("--header", flags->options.header, "Template above; \\n begins a new line");
    sub->add_option("--footer", flags->options.footer, "Template below");
    sub->add_option("--font", flags->options.font, "Font file or family; default: found by itself");
    sub->add_option("--font-size", flags->options.font_size,
                    "Pixels of labels; default: by the cells' width");
    sub->add_option("-d,--format", flags->options.format, "Data type: uint8, uint16, half, float");
    sub->add_option("--quality", flags->options.quality, "Of JPEG and WebP")
        ->check(CLI::Range(1, 100))
        ->capture_default_str();
    sub->add_option("--threads", flags->options.threads, "Default: one a core");
    sub->add_flag("-f,--force", flags->force, "Write over files that are there");
    sub->callback([flags, &context] { run(*flags, context); });
}

const RegisterCommand registered(60, add);

} // namespace

} // namespace klio::command
