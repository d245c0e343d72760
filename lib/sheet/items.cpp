#include "base/encoding.h"
#include "base/file.h"
#include "base/secret.h"
#include "sheet/page_file.h"
#include "sheet/template.h"

#include <klio/error.h>
#include <klio/record.h>
#include <klio/sheet.h>

#include <OpenImageIO/imageio.h>
#include <OpenImageIO/strutil.h>

#include <algorithm>
#include <filesystem>
#include <set>

namespace klio {

namespace fs = std::filesystem;

namespace {

void add_file_fields(SheetItem& item)
{
    const fs::path path(item.path);
    item.fields["file"] = path.filename().string();
    item.fields["stem"] = path.stem().string();
    item.fields["folder"]
        = fs::path(base::absolute_path(item.path)).parent_path().filename().string();
}

std::string state_word(JobState state)
{
    switch (state) {
    case JobState::succeeded:
        return "succeeded";
    case JobState::refused:
        return "refused";
    case JobState::failed:
        return "failed";
    case JobState::unknown:
        return "unknown";
    default:
        return "not finished";
    }
}

std::map<std::string, std::string> set_fields(const StoredSet& set)
{
    std::map<std::string, std::string> fields;
    fields["job"] = set.job;
    fields["task"] = set.task_id;
    fields["take"] = std::to_string(set.request.take);
    fields["prompt"] = set.request.prompt;
    fields["model"] = set.request.model;
    fields["type"] = set.request.type;
    fields["ratio"] = set.request.aspect_ratio;
    fields["resolution"] = set.request.resolution;
    fields["state"] = state_word(set.state);
    if (set.price_known)
        fields["credits"] = std::to_string(set.credits_at_least);
    return fields;
}

/// The space that the reference was taken to be in; empty where the file is to say.
std::string space_of(const StoredReference& reference)
{
    if (reference.record.empty())
        return {};
    try {
        const ColorRecord color = prepare_record_from_json(reference.record).color;
        return color.icc_profile.empty() ? color.source_space : std::string();
    } catch (const UsageError&) {
        return {}; // a record of a later version
    }
}

void add_references(const StoredSet& set, std::vector<SheetItem>& items,
                    std::set<std::string>& seen)
{
    int number = 0;
    for (const StoredReference& reference : set.references) {
        ++number;
        if (!seen.insert(reference.id.empty() ? reference.source : reference.id).second)
            continue;
        SheetItem item;
        item.kind = SheetItem::Kind::reference;
        item.fields = set_fields(set);
        if (base::is_url(reference.source)) {
            // Nothing is fetched for a sheet: that could show another picture than was used.
            item.fields["file"] = base::mask_url(reference.source);
            item.message = "passed to the service by its URL";
        } else {
            item.path = reference.source;
            item.space = space_of(reference);
            add_file_fields(item);
        }
        item.fields["kind"] = "reference";
        item.fields["name"] = "reference " + std::to_string(number) + " · " + item.fields["file"];
        items.push_back(std::move(item));
    }
}

void add_frames(const StoredSet& set, int row, std::vector<SheetItem>& items)
{
    const std::string take = "take " + std::to_string(set.request.take);
    for (const StoredFrame& frame : set.frames) {
        SheetItem item;
        item.path = frame.path;
        item.row = row;
        item.fields = set_fields(set);
        item.fields["kind"] = "frame";
        item.fields["frame"] = std::to_string(frame.index);
        item.fields["size"] = std::to_string(frame.width) + "×" + std::to_string(frame.height);
        item.fields["name"]
            = take + " · frame " + std::to_string(frame.index) + " · " + item.fields["size"];
        items.push_back(std::move(item));
    }
    if (set.frames.empty()) {
        SheetItem item;
        item.kind = SheetItem::Kind::failure;
        item.row = row;
        item.message
            = set.message.empty() ? std::string("nothing more is known") : base::mask(set.message);
        item.fields = set_fields(set);
        item.fields["kind"] = state_word(set.state);
        item.fields["name"] = take + " · " + state_word(set.state);
        items.push_back(std::move(item));
    }
}

bool readable_ending(const fs::path& path)
{
    static const std::set<std::string> endings = [] {
        std::set<std::string> all;
        const std::string list = OIIO::get_string_attribute("extension_list");
        for (const std::string& format : OIIO::Strutil::splits(list, ";"))
            for (const std::string& ending :
                 OIIO::Strutil::splits(format.substr(format.find(':') + 1), ","))
                all.insert("." + ending);
        return all;
    }();
    return endings.count(OIIO::Strutil::lower(path.extension().string())) != 0;
}

SheetItem file_item(const std::string& path)
{
    SheetItem item;
    item.path = path;
    add_file_fields(item);
    item.fields["name"] = item.fields["file"];
    item.fields["kind"] = "frame";
    return item;
}

std::vector<SheetItem> sequence_items(const std::string& pattern, const sheet::Padding& padding)
{
    const std::string name = base::file_name(pattern);
    const std::string before = name.substr(0, padding.begin);
    const std::string after = name.substr(padding.begin + padding.length);
    std::vector<std::pair<long, std::string>> found;
    std::error_code error;
    for (const fs::directory_entry& entry :
         fs::directory_iterator(base::parent_folder(pattern), error)) {
        const std::string file = entry.path().filename().string();
        if (file.size() <= before.size() + after.size()
            || file.compare(0, before.size(), before) != 0
            || file.compare(file.size() - after.size(), after.size(), after) != 0)
            continue;
        const std::string digits
            = file.substr(before.size(), file.size() - before.size() - after.size());
        if (digits.size() > 9 || int(digits.size()) < padding.digits
            || digits.find_first_not_of("0123456789") != std::string::npos)
            continue;
        found.emplace_back(std::stol(digits), file);
    }
    std::sort(found.begin(), found.end());
    std::vector<SheetItem> items;
    for (const auto& [number, file] : found) {
        const bool bare = pattern.find('/') == std::string::npos;
        items.push_back(
            file_item(bare ? file : base::join_path(base::parent_folder(pattern), file)));
        items.back().fields["number"] = std::to_string(number);
    }
    return items;
}

std::vector<SheetItem> folder_items(const std::string& folder)
{
    std::vector<std::string> names;
    std::error_code error;
    for (const fs::directory_entry& entry : fs::directory_iterator(folder, error)) {
        const std::string name = entry.path().filename().string();
        // A recipe is readable through the plugin, but it is no image that lies there.
        if (name[0] != '.' && entry.is_regular_file(error) && readable_ending(entry.path())
            && entry.path().extension() != ".kling")
            names.push_back(entry.path().string());
    }
    std::sort(names.begin(), names.end());
    std::vector<SheetItem> items;
    for (const std::string& name : names)
        items.push_back(file_item(name));
    return items;
}

} // namespace

std::vector<SheetItem> sheet_items(const StoredSet& set)
{
    std::vector<SheetItem> items;
    std::set<std::string> seen;
    add_references(set, items, seen);
    add_frames(set, -1, items);
    return items;
}

std::vector<SheetItem> sheet_items(const std::vector<StoredSet>& sets)
{
    std::vector<SheetItem> items;
    std::set<std::string> seen;
    for (const StoredSet& set : sets)
        add_references(set, items, seen);
    int row = 0;
    for (const StoredSet& set : sets)
        add_frames(set, sets.size() > 1 ? row++ : -1, items);
    return items;
}

std::vector<SheetItem> file_items(const std::vector<std::string>& names)
{
    std::vector<SheetItem> items;
    for (const std::string& name : names) {
        std::error_code error;
        std::vector<SheetItem> found;
        if (fs::is_directory(name, error)) {
            found = folder_items(name);
            if (found.empty())
                throw ReferenceError("the folder \"" + name + "\" has no images in it");
        } else if (base::exists(name)) {
            found.push_back(file_item(name));
        } else if (const sheet::Padding padding = sheet::find_padding(base::file_name(name));
                   padding.found()) {
            found = sequence_items(name, padding);
            if (found.empty())
                throw ReferenceError("no file matches the sequence \"" + name + "\"");
        } else {
            throw ReferenceError("there is no file \"" + name + "\"");
        }
        items.insert(items.end(), found.begin(), found.end());
    }
    return items;
}

std::string sheet_name(const std::string& pattern, const SheetItem& item)
{
    std::vector<std::string> known;
    sheet::Fields fields;
    for (const auto& [name, value] : item.fields) {
        known.push_back(name);
        std::string& safe = fields[name] = value;
        std::replace(safe.begin(), safe.end(), '/', '_');
    }
    sheet::check_template(pattern, known, "the sheet's name");
    return sheet::expand(pattern, fields);
}

} // namespace klio
