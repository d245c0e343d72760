#include "sheet/picture.h"

#include "color/icc.h"
#include "color/source.h"
#include "prepare/reader.h"
#include "prepare/shrink.h"
#include "prepare/upright.h"
#include "sheet/jpeg.h"
#include "sheet/layout.h"

#include <klio/error.h>

#include <algorithm>
#include <exception>
#include <optional>

namespace klio::sheet {

namespace {

std::unique_ptr<prep::Reader> open(const std::string& path, int subimage)
{
    prep::Options options;
    if (subimage > 0)
        options.image_view = std::to_string(subimage);
    return prep::open_reader({path, nullptr}, options);
}

bool turned(const prep::PictureInfo& info)
{
    return info.orientation >= 5 && info.orientation <= 8;
}

/// How rows of a file become display values.
struct Rendering {
    color::Processor processor = color::Processor();
    std::optional<color::IccTransform> icc;
};

Rendering rendering_of(const prep::PictureInfo& info, const std::string& path)
{
    Rendering rendering;
    if (!info.icc.empty() && !info.floating) {
        color::IccTransform icc(info.icc);
        using Kind = color::IccTransform::Kind;
        if (icc.kind() != Kind::none && (icc.kind() == Kind::cmyk) == info.cmyk) {
            if (!icc.is_srgb())
                rendering.icc = icc;
            return rendering;
        }
    }
    color::SourceHints hints;
    hints.path = path;
    hints.colorspace = info.colorspace;
    hints.reader_default = info.reader_default;
    hints.has_chromaticities = info.has_chromaticities;
    std::copy_n(info.chromaticities, 8, hints.chromaticities);
    hints.floating = info.floating;
    const std::string space = color::choose_source(hints).space;
    if (info.floating || space != "sRGB")
        rendering.processor = color::to_display(space);
    return rendering;
}

void ink_to_light(float* pixels, int count)
{
    for (int i = 0; i < count; ++i, pixels += 4)
        for (int c = 0; c < 3; ++c)
            pixels[c] = (1 - pixels[c]) * (1 - pixels[3]);
}

} // namespace

PictureInfo probe_picture(const std::string& path, int subimage)
{
    PictureInfo found;
    try {
        const prep::PictureInfo info = open(path, subimage)->info();
        found.width = info.width;
        found.height = info.height;
        found.ratio = info.width * info.pixel_aspect / info.height;
        if (turned(info)) {
            std::swap(found.width, found.height);
            found.ratio = 1 / found.ratio;
        }
    } catch (const std::exception& error) {
        found.problem = error.what();
    }
    return found;
}

Picture load_picture(const std::string& path, int subimage, int box_width, int box_height,
                     Color background, const CancelToken& cancel, const color::Processor* transform)
{
    const auto reader = open(path, subimage);
    const prep::PictureInfo& info = reader->info();
    Rendering rendering;
    if (transform)
        rendering.processor = *transform;
    else
        rendering = rendering_of(info, path);

    prep::Cut cut;
    cut.w = info.width;
    cut.h = info.height;
    cut.alpha = info.has_alpha;
    const double shown = info.width * info.pixel_aspect;
    fit_size(turned(info) ? info.height : shown, turned(info) ? shown : info.height, box_width,
             box_height, cut.width, cut.height);
    if (turned(info))
        std::swap(cut.width, cut.height);
    Picture picture;
    picture.width = cut.width;
    picture.height = cut.height;
    picture.pixels.resize(size_t(cut.width) * size_t(cut.height) * 3);
    const bool plain = !rendering.icc && rendering.processor.is_noop() && !info.cmyk;
    if (info.format == "jpeg" && plain && quick_jpeg(path, picture))
        return prep::upright(picture, info.orientation);
    const float paper[3] = {float(background.r), float(background.g), float(background.b)};
    prep::shrink(*reader, cut, 1, cancel, [&](int y, float* row) {
        if (rendering.icc)
            rendering.icc->apply(row, size_t(cut.width));
        else if (info.cmyk)
            ink_to_light(row, cut.width);
        rendering.processor.apply(row, size_t(cut.width), 4);
        unsigned char* out = picture.row(y);
        for (int x = 0; x < cut.width; ++x, row += 4) {
            // Associated alpha over the paper, in display values: exact where alpha is 0 or 1, and
            // what glows without covering keeps its glow.
            const float rest = info.has_alpha ? 1 - std::clamp(row[3], 0.0f, 1.0f) : 0;
            for (int c = 0; c < 3; ++c) {
                const float value = row[c] * 255 + rest * paper[c] + 0.5f;
                // Written so that NaN, which a config's LUT may give, becomes 0.
                *out++ = static_cast<unsigned char>(value > 0 ? std::min(value, 255.0f) : 0);
            }
        }
    });
    return prep::upright(picture, info.orientation);
}

} // namespace klio::sheet
