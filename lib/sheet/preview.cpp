#include "sheet/preview.h"

#include "sheet/jpeg.h"
#include "sheet/layout.h"
#include "sheet/read_ahead.h"

#include <klio/error.h>
#include <klio/record.h>

#include <algorithm>

namespace klio::sheet {

namespace {

Picture shrink(const Picture& picture, int side)
{
    Picture out;
    fit_size(picture.width, picture.height, side, side, out.width, out.height);
    out.pixels.resize(size_t(out.width) * size_t(out.height) * 3);
    resample(picture, out);
    return out;
}

Picture load_source(const PreviewSource& source, int side)
{
    const PictureInfo info = probe_picture(source.path, 0);
    if (!info.problem.empty())
        throw ReferenceError(info.problem);
    // A preview is never larger than what it shows.
    const int longest = std::min(side, std::max(info.width, info.height));
    const Color grey {64, 64, 68};
    if (source.record.empty())
        return load_picture(source.path, 0, longest, longest, grey);
    const PrepareRecord record = prepare_record_from_json(source.record);
    const Rendering rendering {color::there(record.color),
                               color::is_scene_linear(record.color.source_space)};
    return load_picture(source.path, 0, longest, longest, grey, &rendering);
}

Preview encode(Picture picture, uint64_t bytes)
{
    Preview preview;
    // Fewer pixels look better than coarser ones below a quality of about 70.
    for (int side = std::max(picture.width, picture.height);; side = side * 4 / 5) {
        if (side < std::max(picture.width, picture.height))
            picture = shrink(picture, side);
        for (const int quality : {86, 78, 70}) {
            preview.jpeg = encode_jpeg(picture, quality);
            if (preview.jpeg.size() <= bytes || side <= 320) {
                preview.width = picture.width;
                preview.height = picture.height;
                return preview;
            }
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
                previews[i] = encode(load_source(sources[i], side), share);
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
