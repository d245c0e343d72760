#include "base/json.h"
#include "base/log.h"
#include "sheet/page_file.h"
#include "sheet/painter.h"
#include "sheet/plan.h"
#include "sheet/read_ahead.h"

#include <klio/error.h>
#include <klio/sheet.h>

#include <algorithm>

namespace klio {

namespace {

using namespace sheet;

/// The layout as the file's metadata, so that a program finds each cell again. File names stand
/// in it, prompts don't: prompts leak stories.
std::string describe(const SheetPlan& plan, int page)
{
    base::OrderedJson cells = base::OrderedJson::array();
    const int first = page * plan.grid.rows;
    for (int line = first; line < first + plan.lines_on(page); ++line) {
        int column = 0;
        for (const int number : plan.lines[size_t(line)]) {
            const Cell& cell = plan.cells[size_t(number)];
            const Rect box = plan.box(column++);
            base::OrderedJson entry
                = {{"index", number + 1},
                   {"box", {box.x, plan.line_top(line - first), box.width, box.height}}};
            for (const char* name : {"kind", "file", "job", "take", "frame"})
                if (const auto field = cell.fields.find(name); field != cell.fields.end())
                    entry[name] = field->second;
            if (!cell.picture())
                entry["failed"] = true;
            cells.push_back(entry);
        }
    }
    base::OrderedJson all
        = {{"klio_sheet", 1},        {"page", page + 1},
           {"pages", plan.pages()},  {"columns", plan.grid.columns},
           {"rows", plan.grid.rows}, {"cell", {plan.grid.cell_width, plan.grid.cell_height}},
           {"gap", plan.gap},        {"margin", plan.margin}};
    all["cells"] = cells;
    return base::to_text(all);
}

/// Where a picture is read from and how large it will be.
struct Task {
    const SheetPlan* plan;
    const Cell* cell;
};

LoadedPicture load(const Task& task, const CancelToken& cancel)
{
    LoadedPicture loaded;
    const Cell& cell = *task.cell;
    if (!cell.picture()) {
        loaded.problem = cell.info.problem;
        return loaded;
    }
    const SheetItem& item = *cell.item;
    const Grid& grid = task.plan->grid;
    const color::Processor view
        = item.space.empty() ? color::Processor() : color::to_display(item.space);
    loaded.picture
        = load_picture(item.path, item.subimage, grid.cell_width, grid.cell_height,
                       task.plan->ink.paper, cancel, item.space.empty() ? nullptr : &view);
    return loaded;
}

} // namespace

std::vector<std::string> write_sheet(const std::vector<SheetItem>& items, const std::string& path,
                                     const SheetOptions& options, const CancelToken& cancel)
{
    return write_sheets({{items, path}}, options, cancel);
}

std::vector<std::string> write_sheets(const std::vector<Sheet>& sheets, const SheetOptions& options,
                                      const CancelToken& cancel)
{
    Typesetter type(options.font);
    if (!type.available())
        base::log(base::LogLevel::warning, "no font is installed: the sheet has no labels");
    std::vector<SheetPlan> plans;
    for (const Sheet& sheet : sheets)
        plans.push_back(make_plan(sheet, options, type, cancel));
    std::vector<Task> tasks;
    size_t most_columns = 1;
    for (const SheetPlan& plan : plans) {
        most_columns = std::max(most_columns, size_t(plan.grid.columns));
        for (const std::vector<int>& line : plan.lines)
            for (const int number : line)
                tasks.push_back({&plan, &plan.cells[size_t(number)]});
    }
    for (const SheetPlan& plan : plans)
        for (int page = 0; page < plan.pages(); ++page)
            if (!options.force)
                check_free(page_name(plan.path, page + 1));

    const int threads = worker_count(options.threads);
    ReadAhead pictures(tasks.size(), threads, most_columns + 2 * size_t(threads),
                       [&](size_t number) { return load(tasks[number], cancel); });
    std::vector<std::string> written;
    size_t done = 0;
    for (const SheetPlan& plan : plans) {
        Painter painter(plan, type);
        for (int page = 0; page < plan.pages(); ++page) {
            const std::string name = page_name(plan.path, page + 1);
            PageFile file(name, plan.page_width, plan.page_height(page), options.format,
                          options.quality, describe(plan, page));
            file.write(painter.head(page));
            int rows = plan.margin + plan.header_height;
            for (int line = 0; line < plan.lines_on(page); ++line) {
                Canvas band = painter.line(line + 1 == plan.lines_on(page));
                int column = 0;
                for (const int number : plan.lines[size_t(page * plan.grid.rows + line)]) {
                    cancel.check("the sheet \"" + name + "\"");
                    const Cell& cell = plan.cells[size_t(number)];
                    painter.paint(band, cell, pictures.take(), column++);
                    ++done;
                    if (options.progress
                        && !options.progress(
                            {"sheet", {}, "sheet " + name, double(done), double(tasks.size())}))
                        throw CancelledError("the sheet \"" + name + "\" was stopped");
                }
                rows += band.height();
                file.write(band);
            }
            file.write(painter.foot(page, plan.page_height(page) - rows));
            file.close();
            written.push_back(name);
        }
    }
    if (type.missing())
        base::log(base::LogLevel::warning,
                  "no installed font has " + std::to_string(type.missing())
                      + " of the characters in the sheet's labels: install one that does (for "
                        "Chinese, Japanese and Korean fonts-noto-cjk)");
    return written;
}

void check_font(const std::string& font)
{
    sheet::Typesetter {font};
}

} // namespace klio
