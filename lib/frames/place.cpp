#include "frames/place.h"

#include "base/encoding.h"
#include "base/recipe_name.h"
#include "frames/decode.h"

#include <klio/error.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <memory>

namespace klio::frames {

namespace {

std::string size_text(int width, int height)
{
    return std::to_string(width) + "x" + std::to_string(height);
}

// The pixels whose centres lie in [start, start + length): for whole numbers exactly that range,
// and never a pixel that the picture hardly touches.
void centred_range(double start, double length, int& begin, int& end)
{
    // A thousandth of a pixel keeps a rectangle that is whole but for rounding on its pixels.
    begin = int(std::ceil(start - 0.5 - 1e-3));
    end = std::max(begin + 1, int(std::ceil(start + length - 0.5 - 1e-3)));
}

// Where a frame of width×height stands in the prepared reference, whose pixels reach over
// [0, shown_width]×[0, shown_height]. The frame's own ratio decides, not the one it was asked for:
// where it differs by more than rounding, the frame keeps its shape and is centred, as large as
// fits. Models crop or widen their picture around the middle, they don't squeeze it.
Rect keep_ratio(double shown_width, double shown_height, int width, int height)
{
    const double scale_x = shown_width / width;
    const double scale_y = shown_height / height;
    const double scale = std::min(scale_x, scale_y);
    const double excess = std::max(shown_width - width * scale, shown_height - height * scale);
    // A pixel in all, half of one at each edge: what rounding a size gives.
    if (excess <= std::max(1.0, scale))
        return {0, 0, shown_width, shown_height};
    return {(shown_width - width * scale) / 2, (shown_height - height * scale) / 2, width * scale,
            height * scale};
}

struct Plate {
    OIIO::ImageSpec spec;
    int orientation = 1;
};

Plate read_plate(const std::string& path)
{
    // In a host that has klio's plugin, a recipe opens as an image: one that named itself would
    // never end.
    if (base::names_recipe(path))
        throw ReferenceError("plate " + path
                             + ": is a recipe; a plate must be an image (generate the recipe "
                               "first, then use a frame of it)");
    const std::unique_ptr<OIIO::ImageInput> input(OIIO::ImageInput::open(path));
    if (!input) {
        std::string reason = OIIO::geterror();
        std::replace(reason.begin(), reason.end(), '\n', ' ');
        throw ReferenceError("plate " + path + ": can't be read (" + reason + ")");
    }
    Plate plate {input->spec(), 1};
    const int orientation = plate.spec.get_int_attribute("Orientation", 1);
    if (orientation >= 1 && orientation <= 8)
        plate.orientation = orientation;
    return plate;
}

} // namespace

Placement conform_placement(int width, int height, const PrepareRecord* record,
                            const std::string& path)
{
    const Plate plate = read_plate(path);
    const OIIO::ImageSpec& spec = plate.spec;
    const bool swap = swaps_sides(plate.orientation);
    const int upright_width = swap ? spec.full_height : spec.full_width;
    const int upright_height = swap ? spec.full_width : spec.full_height;

    Rect shown {0, 0, double(upright_width), double(upright_height)};
    // Generated pixels are square, a plate's need not be.
    const double aspect = spec.get_float_attribute("PixelAspectRatio", 1);
    double shown_width = upright_width * (swap ? 1 / aspect : aspect);
    double shown_height = upright_height;
    if (record && record->crop_width > 0 && record->crop_height > 0 && record->source_width > 0
        && record->source_height > 0) {
        const double scale_x = double(upright_width) / record->source_width;
        const double scale_y = double(upright_height) / record->source_height;
        // A proxy or a larger scan of the same picture is fine: its size may be rounded.
        if (std::abs(scale_x / scale_y - 1) * std::max(upright_width, upright_height) > 2)
            throw ReferenceError("plate " + path + " is " + size_text(upright_width, upright_height)
                                 + ", but the reference was cut from "
                                 + size_text(record->source_width, record->source_height)
                                 + ": give the plate that the reference was, or a scaled one");
        shown = {record->crop_x * scale_x, record->crop_y * scale_y, record->crop_width * scale_x,
                 record->crop_height * scale_y};
        shown_width = record->width > 0 ? record->width : shown.width;
        shown_height = record->height > 0 ? record->height : shown.height;
    }
    const Rect part = keep_ratio(shown_width, shown_height, width, height);
    const Rect rect {shown.x + part.x * shown.width / shown_width,
                     shown.y + part.y * shown.height / shown_height,
                     part.width * shown.width / shown_width,
                     part.height * shown.height / shown_height};

    Placement placement;
    placement.scaled = true;
    placement.covers = true;
    placement.orientation = plate.orientation;
    placement.pixel_aspect = spec.get_float_attribute("PixelAspectRatio", 1);
    placement.upright = rect;
    placement.where = to_stored(plate.orientation, spec.full_width, spec.full_height, rect);
    placement.where.x += spec.full_x;
    placement.where.y += spec.full_y;
    int x0 = 0, x1 = 0, y0 = 0, y1 = 0;
    centred_range(placement.where.x, placement.where.width, x0, x1);
    centred_range(placement.where.y, placement.where.height, y0, y1);
    placement.picture = placement.data = OIIO::ROI(x0, x1, y0, y1, 0, 1);
    placement.display = OIIO::ROI(spec.full_x, spec.full_x + spec.full_width, spec.full_y,
                                  spec.full_y + spec.full_height, 0, 1);
    char text[160];
    std::snprintf(text, sizeof text, "%.10gx%.10g%+.10g%+.10g of %dx%d", rect.width, rect.height,
                  rect.x, rect.y, upright_width, upright_height);
    placement.note = text;
    return placement;
}

Placement fit_placement(int width, int height, const std::string& fit)
{
    int to_width = 0, to_height = 0, used = 0;
    const int got = std::sscanf(fit.c_str(), "%5dx%5d%n", &to_width, &to_height, &used);
    std::string mode = "letterbox";
    const bool sized = got == 2 && to_width > 0 && to_height > 0;
    if (sized && size_t(used) < fit.size() && fit[size_t(used)] == ':')
        mode = fit.substr(size_t(used) + 1);
    else if (!sized || size_t(used) != fit.size())
        throw UsageError("fit '" + fit + "': give a size such as 1920x1080, or 1920x1080:width");
    if (to_width > max_side || to_height > max_side || int64_t(to_width) * to_height > max_pixels)
        throw UsageError("fit '" + fit + "': at most " + std::to_string(max_side)
                         + " pixels a side, and " + std::to_string(max_pixels) + " in all");
    const std::vector<std::string> modes = {"letterbox", "width", "height"};
    if (std::find(modes.begin(), modes.end(), mode) == modes.end()) {
        const std::string near = base::nearest(mode, modes);
        throw UsageError("fit '" + fit + "': the mode is one of letterbox, width, height"
                         + (near.empty() ? "" : "; did you mean " + near + "?"));
    }
    const double scale_x = double(to_width) / width;
    const double scale_y = double(to_height) / height;
    const double scale = mode == "width" ? scale_x
        : mode == "height"               ? scale_y
                                         : std::min(scale_x, scale_y);
    Placement placement;
    placement.scaled = true;
    placement.where.width = width * scale;
    placement.where.height = height * scale;
    placement.where.x = (to_width - placement.where.width) / 2;
    placement.where.y = (to_height - placement.where.height) / 2;
    placement.display = placement.data = OIIO::ROI(0, to_width, 0, to_height, 0, 1);
    int x0 = 0, x1 = 0, y0 = 0, y1 = 0;
    centred_range(placement.where.x, placement.where.width, x0, x1);
    centred_range(placement.where.y, placement.where.height, y0, y1);
    placement.picture = OIIO::ROI(std::max(x0, 0), std::min(x1, to_width), std::max(y0, 0),
                                  std::min(y1, to_height), 0, 1);
    placement.note = size_text(to_width, to_height) + ":" + mode;
    return placement;
}

} // namespace klio::frames
