#include "sheet/preview.h"

#include "sheet/jpeg.h"
#include "sheet/read_ahead.h"

#include <klio/error.h>
#include <klio/record.h>

#include <algorithm>

namespace klio::sheet {

namespace {

Picture load_source(const PreviewSource& source, int side, const CancelToken& cancel)
{
    const Color grey {64, 64, 68};
    if (source.record.empty())
        return load_picture(source.path, 0, side, side, grey, cancel);
    const PrepareRecord record = prepare_record_from_json(source.record);
    if (record.color.policy == "icc")
        return load_picture(source.path, 0, side, side, grey, cancel);
    const color::Processor there = color::there(record.color);
    return load_picture(source.path, 0, side, side, grey, cancel, &there);
}

Preview make_preview(const PreviewSource& source, int side, uint64_t bytes,
                     const CancelToken& cancel)
{
    const PictureInfo info = probe_picture(source.path, 0);
    if (!info.problem.empty())
        throw ReferenceError(info.problem);
    Preview preview;
    // Never larger than what it shows; and fewer pixels look better than coarser ones below a
    // quality of about 70.
    for (side = std::min(side, std::max(info.width, info.height));; side = side * 4 / 5) {
        const Picture picture = load_source(source, side, cancel);
        preview.width = picture.width;
        preview.height = picture.height;
        for (const int quality : {86, 78, 70}) {
            preview.jpeg = preview_jpeg(picture, quality);
            if (preview.jpeg.size() <= bytes || side <= 320)
                return preview;
        }
    }
}

} // namespace

std::vector<Preview> make_previews(const std::vector<PreviewSource>& sources, int side,
                                   uint64_t bytes, int threads, const CancelToken& cancel,
                                   const ProgressCallback& progress)
{
    const uint64_t share = bytes / std::max<size_t>(sources.size(), 1);
    std::vector<Preview> previews(sources.size());
    ReadAhead ahead(sources.size(), threads, size_t(threads) * 2, [&](size_t i) {
        LoadedPicture none;
        cancel.check("the review page");
        previews[i].problem = sources[i].problem;
        if (!sources[i].path.empty()) {
            try {
                previews[i] = make_preview(sources[i], side, share, cancel);
            } catch (const Error& error) {
                previews[i].problem = error.what();
            }
        }
        return none;
    });
    for (size_t i = 0; i < sources.size(); ++i) {
        ahead.take();
        cancel.check("the review page");
        if (progress
            && !progress({"review", {}, "review page", double(i + 1), double(sources.size())}))
            throw CancelledError("the review page was stopped");
    }
    return previews;
}

} // namespace klio::sheet
