#include "resample_support.h"

#include "prepare/resample.h"

#include <OpenImageIO/imagebuf.h>

#include <algorithm>
#include <random>

using namespace klio::prep;

namespace pictures {

Plane resample(const Plane& in, double x, double y, double w, double h, int width, int height,
               int rows_at_once)
{
    const Kernel columns(in.width, x, w, width), rows(in.height, y, h, height);
    Resampler resampler(columns, rows);
    Plane out;
    out.width = width;
    out.height = height;
    out.rgbx.resize(size_t(width) * size_t(height) * 4);
    std::vector<float> scratch;
    while (!resampler.done()) {
        const int count = std::min(rows_at_once, rows.end() - resampler.next_row());
        float* room = resampler.room(count);
        for (int i = 0; i < count; ++i) {
            float* row = room + size_t(i) * size_t(resampler.row_floats());
            std::fill_n(row, resampler.row_floats(), 0.0f);
            const int from = resampler.next_row() + i;
            std::copy_n(&in.rgbx[4 * (size_t(from) * size_t(in.width) + size_t(columns.begin()))],
                        4 * (columns.end() - columns.begin()), row);
            mark_hot(row, columns.end() - columns.begin(), resampler.hot(i));
        }
        resampler.commit(count);
        int first = 0, last = 0;
        resampler.ready(first, last);
        for (int i = first; i < last; ++i)
            resampler.compute(i, &out.rgbx[4 * size_t(i) * size_t(width)], scratch);
        resampler.release(last);
    }
    return out;
}

Plane load(const std::string& path)
{
    OIIO::ImageBuf image(path);
    image.read(0, 0, 0, std::min(3, image.nchannels()), true, OIIO::TypeFloat);
    Plane out;
    out.width = image.spec().width;
    out.height = image.spec().height;
    out.rgbx.resize(size_t(out.width) * size_t(out.height) * 4);
    std::vector<float> rgb(size_t(out.width) * size_t(out.height) * 3);
    image.get_pixels(image.roi(), OIIO::TypeFloat, rgb.data());
    for (size_t i = 0; i < rgb.size() / 3; ++i)
        std::copy_n(&rgb[3 * i], 3, &out.rgbx[4 * i]);
    return out;
}

Plane noise(int width, int height)
{
    std::mt19937 random(3);
    Plane out;
    out.width = width;
    out.height = height;
    for (int i = 0; i < width * height * 4; ++i)
        out.rgbx.push_back(float(random() % 1000) / 1000);
    return out;
}

} // namespace pictures
