#include "local/picture.h"

#include <klio/error.h>

#include <OpenImageIO/filesystem.h>
#include <OpenImageIO/imageio.h>

#include <algorithm>
#include <cmath>

namespace klio::local {

namespace {

constexpr int64_t max_pixels = 300'000'000;

// By format and not by ImageInput::open(), which in OpenImageIO 2.4 looks for JPEG files on disk
// even where a reader for memory is given.
std::unique_ptr<OIIO::ImageInput> open_picture(const std::string& bytes,
                                               OIIO::Filesystem::IOMemReader& reader)
{
    const bool png = bytes.compare(0, 4, "\x89PNG") == 0;
    OIIO::ImageSpec config;
    config.attribute("oiio:UnassociatedAlpha", 1);
    std::unique_ptr<OIIO::ImageInput> input = OIIO::ImageInput::create(png ? "png" : "jpeg");
    OIIO::ImageSpec spec;
    if (!input || !input->set_ioproxy(&reader) || !input->open("reference", spec, config)) {
        OIIO::geterror();
        return nullptr;
    }
    return input;
}

bool turned(int orientation)
{
    return orientation >= 5 && orientation <= 8;
}

Picture upright(Picture source, int orientation)
{
    if (orientation <= 1 || orientation > 8)
        return source;
    const int w = source.width;
    const int h = source.height;
    Picture result(turned(orientation) ? h : w, turned(orientation) ? w : h);
    for (int y = 0; y < result.height; ++y)
        for (int x = 0; x < result.width; ++x) {
            // EXIF: where the shown pixel stands in the file.
            const int sx[] = {x, w - 1 - x, w - 1 - x, x, y, y, w - 1 - y, w - 1 - y};
            const int sy[] = {y, y, h - 1 - y, h - 1 - y, x, h - 1 - x, h - 1 - x, x};
            std::copy_n(source.at(sx[orientation - 1], sy[orientation - 1]), 3, result.at(x, y));
        }
    return result;
}

// The source pixels and weights that make one pixel of a resampled row or column.
struct Taps {
    int first = 0;
    std::vector<float> weights;
};

double catmull_rom(double x)
{
    x = std::fabs(x);
    if (x < 1)
        return 1.5 * x * x * x - 2.5 * x * x + 1;
    return x < 2 ? -0.5 * x * x * x + 2.5 * x * x - 4 * x + 2 : 0;
}

std::vector<Taps> make_taps(double start, double length, int limit, int count)
{
    std::vector<Taps> all;
    all.resize(size_t(count));
    const double step = length / count;
    const double scale = std::max(1.0, step);
    for (int i = 0; i < count; ++i) {
        const double center = start + (i + 0.5) * step - 0.5;
        const int from = int(std::ceil(center - 2 * scale));
        const int to = int(std::floor(center + 2 * scale));
        Taps& taps = all[size_t(i)];
        taps.first = std::clamp(from, 0, limit - 1);
        taps.weights.assign(size_t(std::clamp(to, 0, limit - 1) - taps.first + 1), 0.0f);
        double sum = 0;
        for (int j = from; j <= to; ++j) {
            const double weight = catmull_rom((j - center) / scale);
            taps.weights[size_t(std::clamp(j, 0, limit - 1) - taps.first)] += float(weight);
            sum += weight;
        }
        for (float& weight : taps.weights)
            weight /= float(sum);
    }
    return all;
}

} // namespace

bool picture_size(const std::string& bytes, int& width, int& height)
{
    OIIO::Filesystem::IOMemReader reader(bytes.data(), bytes.size());
    const auto input = open_picture(bytes, reader);
    if (!input)
        return false;
    width = input->spec().width;
    height = input->spec().height;
    if (turned(input->spec().get_int_attribute("Orientation", 1)))
        std::swap(width, height);
    return width > 0 && height > 0;
}

bool decode_picture(const std::string& bytes, Picture& picture)
{
    OIIO::Filesystem::IOMemReader reader(bytes.data(), bytes.size());
    const auto input = open_picture(bytes, reader);
    if (!input)
        return false;
    const OIIO::ImageSpec spec = input->spec();
    const int channels = spec.nchannels;
    if (spec.width <= 0 || spec.height <= 0 || channels < 1
        || int64_t(spec.width) * spec.height > max_pixels)
        return false;
    std::vector<uint8_t> raw(size_t(spec.width) * size_t(spec.height) * size_t(channels));
    if (!input->read_image(0, 0, 0, channels, OIIO::TypeDesc::UINT8, raw.data()))
        return false;
    Picture decoded(spec.width, spec.height);
    const bool grey = channels < 3;
    const int alpha = channels == 2 ? 1 : channels == 4 ? 3 : -1;
    for (size_t i = 0; i < decoded.rgb.size() / 3; ++i)
        for (size_t c = 0; c < 3; ++c) {
            const uint8_t* pixel = &raw[i * size_t(channels)];
            int value = pixel[grey ? 0 : c];
            if (alpha >= 0)
                value = (value * pixel[alpha] + 96 * (255 - pixel[alpha]) + 127) / 255;
            decoded.rgb[i * 3 + c] = uint8_t(value);
        }
    picture = upright(std::move(decoded), spec.get_int_attribute("Orientation", 1));
    return true;
}

Picture resample(const Picture& source, const Window& window, int width, int height,
                 const CancelToken& stop)
{
    const std::vector<Taps> across = make_taps(window.x, window.width, source.width, width);
    const std::vector<Taps> down = make_taps(window.y, window.height, source.height, height);
    const int first_row = down.front().first;
    const int last_row = down.back().first + int(down.back().weights.size()) - 1;
    const size_t row_size = size_t(width) * 3;
    std::vector<float> rows(size_t(last_row - first_row + 1) * row_size);
    for (int y = first_row; y <= last_row; ++y) {
        stop.check("rendering");
        float* out = &rows[size_t(y - first_row) * row_size];
        for (const Taps& taps : across) {
            const uint8_t* in = source.at(taps.first, y);
            float sum[3] = {0, 0, 0};
            for (const float weight : taps.weights) {
                sum[0] += weight * in[0];
                sum[1] += weight * in[1];
                sum[2] += weight * in[2];
                in += 3;
            }
            out = std::copy_n(sum, 3, out);
        }
    }
    Picture result(width, height);
    std::vector<float> line(row_size);
    for (int y = 0; y < height; ++y) {
        stop.check("rendering");
        const Taps& taps = down[size_t(y)];
        std::fill(line.begin(), line.end(), 0.5f);
        for (size_t t = 0; t < taps.weights.size(); ++t) {
            const float* in = &rows[(size_t(taps.first - first_row) + t) * row_size];
            const float weight = taps.weights[t];
            for (size_t i = 0; i < row_size; ++i)
                line[i] += weight * in[i];
        }
        uint8_t* out = result.at(0, y);
        for (size_t i = 0; i < row_size; ++i)
            out[i] = uint8_t(std::clamp(line[i], 0.0f, 255.0f));
    }
    return result;
}

void fill(Picture& picture, int x, int y, int width, int height, Color color, double opacity)
{
    const int right = std::min(x + width, picture.width);
    const int bottom = std::min(y + height, picture.height);
    const int mix = int(std::lround(opacity * 256));
    const int ink[3] = {color.r * mix, color.g * mix, color.b * mix};
    for (int row = std::max(y, 0); row < bottom; ++row)
        for (int column = std::max(x, 0); column < right; ++column) {
            uint8_t* pixel = picture.at(column, row);
            for (int c = 0; c < 3; ++c)
                pixel[c] = uint8_t((pixel[c] * (256 - mix) + ink[c]) >> 8);
        }
}

void paste(Picture& picture, const Picture& part, int x, int y)
{
    const int left = std::max(x, 0);
    const int right = std::min(x + part.width, picture.width);
    for (int row = std::max(y, 0); row < std::min(y + part.height, picture.height) && left < right;
         ++row)
        std::copy_n(part.at(left - x, row - y), size_t(right - left) * 3, picture.at(left, row));
}

std::string encode_picture(const Picture& picture, const std::map<std::string, std::string>& texts,
                           const std::string& format)
{
    OIIO::ImageSpec spec(picture.width, picture.height, 3, OIIO::TypeDesc::UINT8);
    spec.attribute("oiio:ColorSpace", "sRGB");
    spec.attribute("png:compressionLevel", 1);
    for (const auto& [name, text] : texts)
        spec.attribute(name, text);
    std::vector<unsigned char> bytes;
    OIIO::Filesystem::IOVecOutput sink(bytes);
    const auto output = OIIO::ImageOutput::create(format, &sink);
    if (!output || !output->open("preview." + format, spec)
        || !output->write_image(OIIO::TypeDesc::UINT8, picture.rgb.data()) || !output->close())
        throw Error(ErrorKind::internal,
                    "the preview can't be written as " + format + ": "
                        + (output ? output->geterror() : OIIO::geterror()));
    return {bytes.begin(), bytes.end()};
}

} // namespace klio::local
