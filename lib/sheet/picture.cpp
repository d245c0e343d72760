#include "sheet/picture.h"

#include "base/file.h"
#include "sheet/jpeg.h"
#include "sheet/layout.h"
#include "sheet/resample.h"

#include <klio/error.h>

#include <OpenImageIO/imageio.h>

#include <algorithm>
#include <cmath>
#include <fstream>

namespace klio::sheet {

namespace {

constexpr int longest_side = 65536;
constexpr int rows_at_once = 64; // whole blocks of EXR and strips of TIFF, decoded in parallel
constexpr double most_pixels = 1 << 29; // of one picture that is read whole

bool begins_as_jpeg(const std::string& path)
{
    std::ifstream file(path, std::ios::binary);
    unsigned char start[3] = {};
    file.read(reinterpret_cast<char*>(start), 3);
    return start[0] == 0xFF && start[1] == 0xD8 && start[2] == 0xFF;
}

std::string one_line(std::string text)
{
    std::replace(text.begin(), text.end(), '\n', ' ');
    while (!text.empty() && text.back() == ' ')
        text.pop_back();
    return text;
}

std::unique_ptr<OIIO::ImageInput> open(const std::string& path, int subimage)
{
    // oiio:UnassociatedAlpha is left alone: OIIO's readers then associate, as compositing wants.
    std::unique_ptr<OIIO::ImageInput> input = OIIO::ImageInput::open(path);
    if (!input)
        throw ReferenceError("can't read \"" + path + "\": " + one_line(OIIO::geterror()));
    if (subimage > 0 && !input->seek_subimage(subimage, 0))
        throw ReferenceError("\"" + path + "\" has no subimage " + std::to_string(subimage));
    const OIIO::ImageSpec& spec = input->spec();
    if (spec.width < 1 || spec.height < 1 || spec.nchannels < 1 || spec.full_width < 1
        || spec.full_height < 1 || spec.full_width > longest_side || spec.full_height > longest_side
        || spec.width > longest_side || spec.height > longest_side
        || double(spec.width) * spec.height > most_pixels)
        throw ReferenceError("\"" + path + "\" says that it is " + std::to_string(spec.width) + "x"
                             + std::to_string(spec.height) + ": no picture for a sheet");
    return input;
}

/// What is shown of a file: its display window, unless no data lie in it.
struct Window {
    int x, y, width, height;
};

Window shown_window(const OIIO::ImageSpec& spec)
{
    const bool apart = spec.x >= spec.full_x + spec.full_width || spec.full_x >= spec.x + spec.width
        || spec.y >= spec.full_y + spec.full_height || spec.full_y >= spec.y + spec.height;
    if (apart)
        return {spec.x, spec.y, spec.width, spec.height};
    return {spec.full_x, spec.full_y, spec.full_width, spec.full_height};
}

double pixel_aspect(const OIIO::ImageSpec& spec)
{
    const float aspect = spec.get_float_attribute("PixelAspectRatio", 1.0f);
    return aspect > 0.05f && aspect < 20 ? aspect : 1;
}

/// The space that the file says it is in, else what its kind is by custom.
std::string space_of(const OIIO::ImageSpec& spec)
{
    const std::string stated = spec.get_string_attribute("oiio:ColorSpace");
    if (!stated.empty() && !OIIO::Strutil::iequals(stated, "linear")) {
        try {
            return color::resolve_space(stated);
        } catch (const ColorError&) {
            // A name of some other config: the custom of its kind is the best guess for a look.
        }
    }
    if (!spec.format.is_floating_point() && !OIIO::Strutil::iequals(stated, "linear"))
        return "sRGB";
    const OIIO::ParamValue* xy
        = spec.find_attribute("chromaticities", OIIO::TypeDesc(OIIO::TypeDesc::FLOAT, 8));
    if (xy)
        return color::chromaticities_space(static_cast<const float*>(xy->data()));
    return color::config_info().scene_linear;
}

Rendering rendering_of(const OIIO::ImageSpec& spec)
{
    const std::string space = space_of(spec);
    if (space == "sRGB" && !spec.format.is_floating_point())
        return {color::Processor(), false};
    return {color::to_display(space),
            color::is_scene_linear(space) || color::is_chromaticities(space)};
}

} // namespace

void turn_upright(Picture& picture, int orientation)
{
    if (orientation < 2 || orientation > 8)
        return;
    const int width = picture.width, height = picture.height;
    const bool turned = orientation >= 5;
    Picture out;
    out.width = turned ? height : width;
    out.height = turned ? width : height;
    out.pixels.resize(picture.pixels.size());
    for (int y = 0; y < out.height; ++y)
        for (int x = 0; x < out.width; ++x) {
            int sx = turned ? y : x, sy = turned ? x : y;
            if (orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8)
                sx = width - 1 - sx;
            if (orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7)
                sy = height - 1 - sy;
            std::copy_n(&picture.pixels[(size_t(sy) * size_t(width) + size_t(sx)) * 3], 3,
                        &out.pixels[(size_t(y) * size_t(out.width) + size_t(x)) * 3]);
        }
    picture = std::move(out);
}

void resample(const Picture& from, Picture& to)
{
    RowResampler resampler(from.width, from.height, to.width, to.height, 3, Kernel::lanczos2,
                           [&to](int y, const float* values) {
                               to_bytes(values, to.width * 3,
                                        &to.pixels[size_t(y) * size_t(to.width) * 3]);
                           });
    for (int y = 0; y < from.height; ++y)
        resampler.push(&from.pixels[size_t(y) * size_t(from.width) * 3]);
}

PictureInfo probe_picture(const std::string& path, int subimage)
{
    PictureInfo info;
    try {
        const auto input = open(path, subimage);
        const OIIO::ImageSpec& spec = input->spec();
        const int orientation = spec.get_int_attribute("Orientation", 1);
        const Window window = shown_window(spec);
        info.width = window.width;
        info.height = window.height;
        info.ratio = info.width * pixel_aspect(spec) / info.height;
        if (orientation >= 5 && orientation <= 8) {
            std::swap(info.width, info.height);
            info.ratio = 1 / info.ratio;
        }
    } catch (const Error& error) {
        info.problem = error.what();
    }
    return info;
}

Picture load_picture(const std::string& path, int subimage, int box_width, int box_height,
                     Color background, const Rendering* rendering)
{
    Picture picture;
    if (subimage == 0 && !rendering && begins_as_jpeg(path)
        && load_jpeg(base::read_file(path), path, box_width, box_height, picture))
        return picture;

    const auto input = open(path, subimage);
    const OIIO::ImageSpec spec = input->spec();
    const int orientation = spec.get_int_attribute("Orientation", 1);
    const bool turned = orientation >= 5 && orientation <= 8;
    const double aspect = pixel_aspect(spec);
    const Window window = shown_window(spec);
    double show_width = window.width * aspect, show_height = window.height;
    if (turned)
        std::swap(show_width, show_height);
    fit_size(show_width, show_height, box_width, box_height, picture.width, picture.height);
    if (turned)
        std::swap(picture.width, picture.height);
    picture.pixels.resize(size_t(picture.width) * size_t(picture.height) * 3);

    const int channels = std::min(spec.nchannels, 4);
    const bool grey = channels < 3;
    const bool alpha = spec.alpha_channel == channels - 1 && (channels == 4 || channels == 2);
    const Rendering shown = rendering ? *rendering : rendering_of(spec);
    std::vector<float> display(size_t(picture.width) * 4);
    const uint8_t paper[3] = {background.r, background.g, background.b};
    RowResampler resampler(
        window.width, window.height, picture.width, picture.height, 4,
        shown.scene_linear ? Kernel::tent : Kernel::lanczos2, [&](int y, const float* values) {
            std::copy_n(values, display.size(), display.data());
            shown.to_display.apply(display.data(), size_t(picture.width), 4);
            values = display.data();
            uint8_t* out = &picture.pixels[size_t(y) * size_t(picture.width) * 3];
            for (int x = 0; x < picture.width; ++x, values += 4)
                for (int c = 0; c < 3; ++c) {
                    const float v = values[c] * 255
                        + (1 - std::clamp(values[3], 0.0f, 1.0f)) * float(paper[c]);
                    *out++ = uint8_t(std::clamp(v + 0.5f, 0.0f, 255.0f));
                }
        });
    // Rows of the data window within the window that is shown; where there are none it stays clear.
    const int inside_begin = std::max(spec.x, window.x);
    const int inside_end = std::min(spec.x + spec.width, window.x + window.width);
    std::vector<float> row(size_t(window.width) * 4);
    std::vector<float> read;
    const size_t stride = size_t(spec.width) * size_t(channels);
    int read_begin = 0, read_end = 0;
    for (int y = window.y; y < window.y + window.height; ++y) {
        std::fill(row.begin(), row.end(), 0.0f);
        if (y >= spec.y && y < spec.y + spec.height) {
            if (y >= read_end) {
                const int last = spec.y + spec.height;
                read_begin = spec.tile_width ? spec.y : y;
                read_end = spec.tile_width ? last : std::min(y + rows_at_once, last);
                read.resize(stride * size_t(read_end - read_begin));
                const bool done = spec.tile_width
                    ? input->read_image(subimage, 0, 0, channels, OIIO::TypeFloat, read.data())
                    : input->read_scanlines(subimage, 0, read_begin, read_end, 0, 0, channels,
                                            OIIO::TypeFloat, read.data());
                if (!done)
                    throw ReferenceError("can't read \"" + path
                                         + "\": " + one_line(input->geterror()));
            }
            for (int x = inside_begin; x < inside_end; ++x) {
                const float* pixel = &read[size_t(y - read_begin) * stride
                                           + size_t(x - spec.x) * size_t(channels)];
                float* out = &row[size_t(x - window.x) * 4];
                for (int c = 0; c < 3; ++c) {
                    const float v = pixel[grey ? 0 : c];
                    out[c] = std::isfinite(v) ? v : 0.0f;
                }
                out[3] = alpha ? pixel[channels - 1] : 1.0f;
            }
        }
        resampler.push(row.data());
    }
    turn_upright(picture, orientation);
    return picture;
}

} // namespace klio::sheet
