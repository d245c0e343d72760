#include "outputs.h"

#include "base/file.h"

#include <klio/provenance.h>
#include <klio/review.h>
#include <klio/sheet.h>

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

void write_frame_files(const Outputs& outputs, const StoredSet& set, const FrameOptions& options,
                       const std::vector<std::string>& files, const Context& context,
                       const ProgressCallback& progress)
{
    const size_t count = set.frames.size();
    std::vector<Frame> subimages;
    for (size_t i = 0; i < count; ++i) {
        context.cancel.check(
            "the frames are in the store; run the same command again to write them");
        progress({"write", set.job,
                  "writing frame " + std::to_string(i + 1) + " of " + std::to_string(count),
                  double(i), double(count)});
        Frame frame = load_frame(set, int(i) + 1, options);
        if (outputs.single_file) {
            subimages.push_back(std::move(frame));
            continue;
        }
        write_frame(frame, files[i], options);
        if (outputs.sidecar)
            write_sidecar(frame, files[i]);
    }
    if (!outputs.single_file)
        return;
    write_frames(subimages, outputs.out, options);
    if (outputs.sidecar)
        write_sidecar(subimages.front(), outputs.out);
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
    if (int(set.frames.size()) != set.request.num_images)
        check_outputs(written.frames, outputs.force);
    write_frame_files(outputs, set, options, written.frames, context, progress);
    if (!outputs.sheet.empty()) {
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
