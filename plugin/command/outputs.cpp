#include "outputs.h"

#include "base/file.h"
#include "base/sha256.h"

#include <klio/provenance.h>
#include <klio/review.h>
#include <klio/sheet.h>

#include <chrono>
#include <filesystem>
#include <set>
#include <utility>

namespace klio::command {

namespace {

std::vector<std::string> frame_files(const Outputs& outputs, int count)
{
    return outputs.single_file ? std::vector<std::string> {outputs.out}
                               : frame_names(outputs.out, count);
}

/// A folder that goes away again.
class Scratch {
public:
    Scratch()
    {
        m_path = base::join_path(std::filesystem::temp_directory_path().string(),
                                 "klio-" + base::random_hex(6));
        base::make_folders(m_path, 0700);
    }
    ~Scratch()
    {
        std::error_code ignored;
        std::filesystem::remove_all(m_path, ignored);
    }
    Scratch(const Scratch&) = delete;
    Scratch& operator=(const Scratch&) = delete;
    /// Where what belongs at `path` is made.
    std::string in_place_of(const std::string& path) const
    {
        return base::join_path(m_path, base::file_name(path));
    }

private:
    std::string m_path;
};

void require_same(const std::string& there, const std::string& made)
{
    std::error_code error;
    if (std::filesystem::file_size(there, error) != std::filesystem::file_size(made, error) || error
        || base::sha256_file(there) != base::sha256_file(made))
        throw OutputError(there
                          + ": is there already, and is not what this would write; --force "
                            "writes over it");
}

std::vector<Frame> all_frames(const StoredSet& set, const FrameOptions& options)
{
    std::vector<Frame> frames;
    for (size_t i = 0; i < set.frames.size(); ++i)
        frames.push_back(load_frame(set, int(i) + 1, options));
    return frames;
}

// Those of `files` that need not be written. Throws where one is there and is another's.
std::set<std::string> frames_there(const Outputs& outputs, const StoredSet& set,
                                   const FrameOptions& options,
                                   const std::vector<std::string>& files, const Context& context)
{
    std::set<std::string> kept;
    const Scratch scratch;
    for (size_t i = 0; i < files.size() && !outputs.force; ++i) {
        if (!base::exists(files[i]))
            continue;
        context.cancel.check("the frames are in the store; run the same command again");
        const std::string made = scratch.in_place_of(files[i]);
        if (outputs.single_file)
            write_frames(all_frames(set, options), made, options);
        else
            write_frame(load_frame(set, int(i) + 1, options), made, options);
        require_same(files[i], made);
        kept.insert(files[i]);
    }
    return kept;
}

// The sheet's pages where all of them are there; none where it is to be written.
std::vector<std::string> sheets_there(const Outputs& outputs, const StoredSet& set,
                                      const Context& context)
{
    const std::string first = frame_names(outputs.sheet, 1).at(0);
    if (outputs.force || !base::exists(first))
        return {};
    const Scratch scratch;
    std::vector<std::string> pages;
    bool whole = true;
    for (const std::string& made : write_sheet(sheet_items(set), scratch.in_place_of(outputs.sheet),
                                               SheetOptions(), context.cancel)) {
        pages.push_back(base::join_path(base::parent_folder(outputs.sheet), base::file_name(made)));
        if (base::exists(pages.back()))
            require_same(pages.back(), made);
        else
            whole = false;
    }
    return whole ? pages : std::vector<std::string>();
}

// True for PREFIX, twelve hexadecimal digits, and SUFFIX.
bool is_temporary(const std::string& name, const std::string& prefix, const std::string& suffix)
{
    constexpr size_t digits = 12;
    return name.size() == prefix.size() + digits + suffix.size()
        && name.compare(0, prefix.size(), prefix) == 0
        && name.compare(name.size() - suffix.size(), suffix.size(), suffix) == 0
        && name.find_first_not_of("0123456789abcdef", prefix.size()) >= prefix.size() + digits;
}

// What a killed run left beside `path`. One that is written now changes all the time.
void remove_left_over(const std::string& path, const std::string& sheet_ending = {})
{
    constexpr std::chrono::seconds still_written {60};
    const std::string name = base::file_name(path);
    const auto now = std::filesystem::file_time_type::clock::now();
    std::error_code error;
    for (std::filesystem::directory_iterator it(base::parent_folder(path), error), end;
         !error && it != end; it.increment(error)) {
        const std::string found = it->path().filename().string();
        std::error_code ignored;
        const bool left = is_temporary(found, "." + name + ".tmp-", "")
            || is_temporary(found, name + ".tmp-", "")
            || is_temporary(found, name + ".json.tmp-", "")
            || (!sheet_ending.empty() && is_temporary(found, ".klio-", sheet_ending));
        if (left && it->is_regular_file(ignored)
            && now - it->last_write_time(ignored) > still_written)
            std::filesystem::remove(it->path(), ignored);
    }
}

void write_frame_files(const Outputs& outputs, const StoredSet& set, const FrameOptions& options,
                       const std::vector<std::string>& files, const std::set<std::string>& kept,
                       const Context& context, const ProgressCallback& progress)
{
    if (outputs.single_file) {
        const bool there = kept.count(outputs.out) > 0;
        if (there && !outputs.sidecar)
            return;
        progress({"write", set.job, "writing the frames", 0, 0});
        const std::vector<Frame> frames = all_frames(set, options);
        if (!there)
            write_frames(frames, outputs.out, options);
        if (outputs.sidecar)
            write_sidecar(frames.front(), outputs.out);
        return;
    }
    const size_t count = set.frames.size();
    for (size_t i = 0; i < count; ++i) {
        const bool there = kept.count(files[i]) > 0;
        if (there && !outputs.sidecar)
            continue;
        context.cancel.check(
            "the frames are in the store; run the same command again to write them");
        progress({"write", set.job,
                  "writing frame " + std::to_string(i + 1) + " of " + std::to_string(count),
                  double(i), double(count)});
        const Frame frame = load_frame(set, int(i) + 1, options);
        if (!there)
            write_frame(frame, files[i], options);
        if (outputs.sidecar)
            write_sidecar(frame, files[i]);
    }
}

} // namespace

void check(const Outputs& outputs, int count, const std::vector<std::string>& inputs)
{
    const auto real = [](const std::string& path) {
        std::error_code error;
        const auto canonical = std::filesystem::weakly_canonical(base::absolute_path(path), error);
        return error ? path : canonical.string();
    };
    std::vector<std::string> files = frame_files(outputs, count);
    for (const std::string& file : {outputs.sheet, outputs.review})
        if (!file.empty())
            files.push_back(file);
    std::set<std::string> sources, seen;
    for (const std::string& input : inputs)
        if (!input.empty())
            sources.insert(real(input));
    for (const std::string& file : files) {
        if (sources.count(real(file)))
            throw UsageError(file + ": is read by this very command; write to another name");
        if (!seen.insert(real(file)).second)
            throw UsageError(file + ": two outputs have this name");
    }
    check_outputs(frame_files(outputs, count), true);
    if (!outputs.sheet.empty())
        check_outputs(frame_names(outputs.sheet, 1), true);
    if (!outputs.review.empty())
        check_review(outputs.review, true);
}

void check_nothing_there(const Outputs& outputs, int count)
{
    check_outputs(frame_files(outputs, count), outputs.force);
    if (!outputs.sheet.empty())
        check_outputs(frame_names(outputs.sheet, 1), outputs.force);
    if (!outputs.review.empty())
        check_review(outputs.review, outputs.force);
}

Written write(const Outputs& outputs, const StoredSet& set, const FrameOptions& options,
              const std::string& command, const std::string& recipe, const Context& context,
              const ProgressCallback& progress)
{
    Written written;
    written.frames = frame_files(outputs, int(set.frames.size()));
    // The service may give more or fewer than asked, which makes other names.
    check_outputs(written.frames, true);
    // The page is written last: where it is there, that run ended.
    if (!outputs.review.empty())
        check_review(outputs.review, outputs.force);
    const std::set<std::string> kept = frames_there(outputs, set, options, written.frames, context);
    if (!outputs.sheet.empty())
        written.sheets = sheets_there(outputs, set, context);
    for (const std::string& file : written.frames)
        remove_left_over(file);
    if (!outputs.sheet.empty())
        remove_left_over(outputs.sheet, std::filesystem::path(outputs.sheet).extension());
    if (!outputs.review.empty())
        remove_left_over(outputs.review);
    write_frame_files(outputs, set, options, written.frames, kept, context, progress);
    if (!outputs.sheet.empty() && written.sheets.empty()) {
        progress({"sheet", set.job, "making the sheet", 0, 0});
        written.sheets
            = write_sheet(sheet_items(set), outputs.sheet, SheetOptions(), context.cancel);
    }
    if (!outputs.review.empty()) {
        ReviewSet shown;
        shown.set = set;
        shown.command = command;
        shown.recipe = recipe;
        shown.files = written.frames;
        ReviewOptions review;
        review.force = outputs.force;
        review.progress = progress;
        write_review({shown}, outputs.review, review, context.cancel);
        written.review = outputs.review;
    }
    return written;
}

} // namespace klio::command
