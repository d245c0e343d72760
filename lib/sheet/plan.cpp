#include "sheet/plan.h"

#include "sheet/template.h"

#include <klio/error.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <set>
#include <thread>

namespace klio::sheet {

namespace {

constexpr int default_page_width = 3200;
constexpr int most_lines = 3; // that one line of a template wraps to

Ink make_ink(Color paper)
{
    const bool dark = luminance(paper) < 0.18;
    const Color text = dark ? Color {232, 232, 235} : Color {22, 22, 26};
    return {paper, text, mix(paper, text, 0.62), dark ? Color {242, 178, 60} : Color {158, 92, 0},
            dark ? Color {240, 96, 88} : Color {180, 24, 24}};
}

void probe_all(std::vector<Cell>& cells, int threads, const CancelToken& cancel)
{
    std::atomic<size_t> next {0};
    const auto work = [&] {
        for (size_t i = next++; i < cells.size() && !cancel.cancelled(); i = next++) {
            Cell& cell = cells[i];
            if (cell.item->kind == SheetItem::Kind::failure || cell.item->path.empty())
                cell.info.problem = cell.item->message;
            else
                cell.info = probe_picture(cell.item->path, cell.item->subimage);
            if (cell.info.problem.empty() && cell.item->path.empty())
                cell.info.problem = "no picture";
        }
    };
    std::vector<std::thread> helpers;
    for (int i = 1; i < threads && size_t(i) < cells.size(); ++i)
        helpers.emplace_back(work);
    work();
    for (std::thread& helper : helpers)
        helper.join();
    cancel.check("the sheet");
}

void fill_fields(std::vector<Cell>& cells)
{
    int index = 0;
    for (Cell& cell : cells) {
        cell.fields = cell.item->fields;
        cell.fields["index"] = std::to_string(++index);
        if (!cell.picture())
            continue;
        const std::string width = std::to_string(cell.info.width);
        const std::string height = std::to_string(cell.info.height);
        cell.fields["width"] = width;
        cell.fields["height"] = height;
        cell.fields.emplace("size", width + "×" + height);
    }
}

std::vector<std::string> names_of(const std::vector<Cell>& cells)
{
    // Known even where no picture could be opened, so that a template does not fail then.
    std::set<std::string> names = {"index", "size", "width", "height"};
    for (const Cell& cell : cells)
        for (const auto& field : cell.fields)
            names.insert(field.first);
    return {names.begin(), names.end()};
}

std::map<std::string, std::string> shared_fields(const std::vector<Cell>& cells)
{
    std::map<std::string, std::string> shared;
    if (cells.empty())
        return shared;
    for (const auto& [name, value] : cells.front().fields)
        if (std::all_of(cells.begin(), cells.end(), [&](const Cell& cell) {
                const auto found = cell.fields.find(name);
                return found != cell.fields.end() && found->second == value;
            }))
            shared[name] = value;
    return shared;
}

/// Numbers of cells that stand together: what flows first, then row by row.
std::vector<std::vector<int>> groups_of(const std::vector<Cell>& cells)
{
    std::map<int, std::vector<int>> rows;
    for (size_t i = 0; i < cells.size(); ++i)
        rows[std::max(cells[i].item->row, -1)].push_back(int(i));
    std::vector<std::vector<int>> groups;
    for (auto& row : rows)
        groups.push_back(std::move(row.second));
    return groups;
}

std::vector<double> ratios_of(const std::vector<Cell>& cells)
{
    std::vector<double> ratios;
    for (const Cell& cell : cells)
        if (cell.picture())
            ratios.push_back(std::clamp(cell.info.ratio, 0.1, 10.0));
    std::vector<double> sorted = ratios;
    std::sort(sorted.begin(), sorted.end());
    const double middle = sorted.empty() ? 16.0 / 9 : sorted[sorted.size() / 2];
    ratios.resize(cells.size(), middle); // a failure takes the room that a picture would
    return ratios;
}

int label_size(int cell_width, const SheetOptions& options)
{
    if (options.font_size > 0)
        return options.font_size;
    return std::clamp(int(std::lround(cell_width / 22.0)), 13, 28);
}

int template_lines(const std::string& text)
{
    return text.empty() ? 0 : 1 + int(std::count(text.begin(), text.end(), '\n'));
}

/// Wraps every label to its cell's width; the most lines that one of them has.
int wrap_labels(SheetPlan& plan, const std::string& label, Typesetter& type)
{
    size_t most = 0;
    for (Cell& cell : plan.cells) {
        const std::string text = expand(label, cell.fields);
        cell.label.clear();
        if (!text.empty())
            cell.label = type.wrap(text, plan.grid.cell_width, most_lines * template_lines(text),
                                   plan.label);
        most = std::max(most, cell.label.size());
    }
    return int(most);
}

int block_lines(const SheetPlan& plan, const std::string& text, int width, Typesetter& type)
{
    const std::string shown = expand(text, plan.page_fields(0));
    if (shown.empty())
        return 0;
    return int(type.wrap(shown, width, most_lines * template_lines(shown), plan.title).size());
}

} // namespace

int SheetPlan::needed_width() const
{
    return 2 * margin + grid.columns * grid.cell_width + (grid.columns - 1) * gap;
}

int SheetPlan::pages() const
{
    return std::max(1, (int(lines.size()) + grid.rows - 1) / grid.rows);
}

int SheetPlan::lines_on(int page) const
{
    return std::clamp(int(lines.size()) - page * grid.rows, 0, grid.rows);
}

int SheetPlan::page_height(int page) const
{
    const int count = lines_on(page);
    const int needed = 2 * margin + header_height + footer_height
        + count * (grid.cell_height + label_height) + std::max(0, count - 1) * gap;
    return std::max(needed, fixed_height);
}

Rect SheetPlan::box(int column) const
{
    const int used = grid.columns * grid.cell_width + (grid.columns - 1) * gap;
    return {(page_width - used) / 2 + column * (grid.cell_width + gap), 0, grid.cell_width,
            grid.cell_height};
}

int SheetPlan::line_top(int line) const
{
    return margin + header_height + line * (grid.cell_height + label_height + gap);
}

std::map<std::string, std::string> SheetPlan::page_fields(int page) const
{
    std::map<std::string, std::string> all = shared;
    all["page"] = std::to_string(page + 1);
    all["pages"] = std::to_string(pages());
    return all;
}

int worker_count(int threads)
{
    return threads > 0 ? threads : int(std::max(1u, std::thread::hardware_concurrency()));
}

SheetPlan make_plan(const Sheet& sheet, const SheetOptions& options, Typesetter& type,
                    const CancelToken& cancel)
{
    SheetPlan plan;
    plan.path = sheet.path;
    if (sheet.items.empty())
        throw UsageError("there is nothing to put on the sheet \"" + sheet.path + "\"");
    for (const SheetItem& item : sheet.items) {
        plan.cells.emplace_back();
        plan.cells.back().item = &item;
    }
    probe_all(plan.cells, worker_count(options.threads), cancel);
    fill_fields(plan.cells);
    plan.shared = shared_fields(plan.cells);
    plan.shared["count"] = std::to_string(plan.cells.size());
    std::vector<std::string> known = names_of(plan.cells);
    check_template(options.label, known, "label");
    for (const char* name : {"count", "page", "pages"})
        known.push_back(name);
    check_template(options.header, known, "header");
    check_template(options.footer, known, "footer");
    plan.header = options.header;
    plan.footer = options.footer;
    plan.ink = make_ink(parse_color(options.background));
    plan.gap = std::max(0, options.gap);
    plan.margin = std::max(0, options.margin);

    GridRequest request;
    request.ratios = ratios_of(plan.cells);
    const std::vector<std::vector<int>> groups = groups_of(plan.cells);
    if (groups.size() > 1)
        for (const std::vector<int>& group : groups)
            request.lines.push_back(int(group.size()));
    if (!options.layout.empty())
        parse_size(options.layout, "layout", request.columns, request.rows);
    request.cell_width = options.cell_width;
    request.cell_height = options.cell_height;
    request.page_width = options.width > 0 ? options.width : default_page_width;
    request.fixed_page = options.height > 0;
    request.page_height = options.height > 0 ? options.height : request.page_width * 5 / 8;
    request.gap = plan.gap;
    request.margin = plan.margin;
    for (const Cell& cell : plan.cells)
        if (cell.picture()) {
            request.largest_width = std::max(request.largest_width, cell.info.width);
            request.largest_height = std::max(request.largest_height, cell.info.height);
        }

    // Labels and header decide the cells' size, and are themselves as wide as cells and page: the
    // second round settles it.
    request.label_height = 30 * template_lines(options.label);
    for (int round = 0; round < 2; ++round) {
        plan.grid = choose_grid(request);
        const int width = std::max(options.width, plan.needed_width());
        plan.title = {std::clamp(width / 90, 14, 32), true, plan.ink.text};
        plan.label = {label_size(plan.grid.cell_width, options), false, plan.ink.text};
        const int inner = width - 2 * plan.margin;
        plan.header_lines = block_lines(plan, plan.header, inner, type);
        plan.footer_lines = block_lines(plan, plan.footer, inner, type);
        const auto block_height = [&](int lines) {
            return lines ? lines * type.line_height(plan.title) + plan.title.size * 3 / 4 : 0;
        };
        plan.header_height = block_height(plan.header_lines);
        plan.footer_height = block_height(plan.footer_lines);
        request.head_height = plan.header_height + plan.footer_height;
        request.label_height = plan.label_height
            = wrap_labels(plan, options.label, type) * type.line_height(plan.label);
        if (plan.label_height)
            request.label_height = plan.label_height += plan.label.size;
    }

    for (const std::vector<int>& group : groups)
        for (size_t i = 0; i < group.size(); i += size_t(plan.grid.columns))
            plan.lines.emplace_back(
                group.begin() + long(i),
                group.begin() + long(std::min(group.size(), i + size_t(plan.grid.columns))));
    plan.page_width = std::max(options.width, plan.needed_width());
    plan.fixed_height = options.height;
    return plan;
}

} // namespace klio::sheet
