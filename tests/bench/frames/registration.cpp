// Real plates through prepare() and back by load_frame() with conform, as if the model had changed
// nothing: how far off the result stands, and how much differs. A table in Markdown, for
// lib/frames/README.md.
//
//   bench_registration IMAGE...

#include "base/file.h"
#include "base/sha256.h"
#include "color/transform.h"
#include "frames/decode.h"

#include <klio/error.h>
#include <klio/frame.h>
#include <klio/prepare.h>
#include <klio/record.h>

#include <OpenImageIO/imagebuf.h>
#include <OpenImageIO/imagebufalgo.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

namespace {

// In linear light, where all resampling is done: in code values an edge would seem to move to its
// dark side. Highlights of 400 would decide everything, so they are cut at 1.
std::vector<float> linear_pixels(const OIIO::ImageBuf& image, const OIIO::ROI& roi,
                                 const klio::ColorRecord& record)
{
    std::vector<float> pixels(size_t(roi.width()) * size_t(roi.height()) * 3);
    image.get_pixels(roi, OIIO::TypeDesc::FLOAT, pixels.data());
    klio::color::to_linear(record).apply(pixels.data(), pixels.size() / 3, 3);
    for (float& value : pixels)
        value = std::clamp(std::isfinite(value) ? value : 0.0F, 0.0F, 1.0F);
    return pixels;
}

void row(const std::string& path, const std::string& fit, const std::string& ratio,
         const std::string& resolution)
{
    klio::PrepareOptions options;
    options.policy = "compress";
    options.fit = fit;
    options.aspect_ratio = ratio;
    options.resolution = resolution;
    options.codec = "png";
    const klio::Prepared prepared = klio::prepare(path, options);
    const klio::PrepareRecord record = klio::prepare_record_from_json(prepared.record);
    const std::string file
        = (std::filesystem::temp_directory_path() / "klio-bench-registration.png").string();
    klio::base::write_file_atomic(file, prepared.bytes);
    klio::StoredSet set;
    set.job = std::string(64, '0');
    set.endpoint = "https://example.com";
    set.references.push_back({path, prepared.sha256, prepared.record});
    klio::StoredFrame frame;
    frame.index = 1;
    frame.path = file;
    frame.sha256 = prepared.sha256;
    frame.width = prepared.width;
    frame.height = prepared.height;
    frame.channels = 3;
    set.frames.push_back(frame);
    klio::FrameOptions back;
    back.conform = path;
    const klio::Frame result = klio::load_frame(set, 1, back);

    OIIO::ImageBuf plate(path);
    plate.read(0, 0, true, OIIO::TypeDesc::FLOAT);
    // Beyond the display window the model is shown padding, not what the plate has there.
    OIIO::ROI roi = OIIO::roi_intersection(OIIO::roi_intersection(result.image.roi(), plate.roi()),
                                           plate.roi_full());
    if (!roi.defined() || roi.npixels() == 0) {
        std::fprintf(stderr, "%s: its data and display windows have nothing in common\n",
                     path.c_str());
        return;
    }
    roi.chbegin = 0;
    roi.chend = 3;
    const std::vector<float> a = linear_pixels(result.image, roi, record.color);
    const std::vector<float> b = linear_pixels(plate, roi, record.color);
    const int width = roi.width();
    double a11 = 0, a12 = 0, a22 = 0, b1 = 0, b2 = 0, sum = 0;
    for (int y = 1; y + 1 < roi.height(); ++y)
        for (int x = 1; x + 1 < width; ++x)
            for (int c = 0; c < 3; ++c) {
                const auto at
                    = [&](int dx, int dy) { return size_t(((y + dy) * width + x + dx) * 3 + c); };
                const double difference = double(a[at(0, 0)]) - b[at(0, 0)];
                const double gx = (double(b[at(1, 0)]) - b[at(-1, 0)]) / 2;
                const double gy = (double(b[at(0, 1)]) - b[at(0, -1)]) / 2;
                a11 += gx * gx;
                a12 += gx * gy;
                a22 += gy * gy;
                b1 += gx * difference;
                b2 += gy * difference;
                sum += std::abs(difference);
            }
    const double determinant = a11 * a22 - a12 * a12;
    std::printf("| %s | %s, %s, %s | %dx%d | %s | %+.4f, %+.4f | %.4f |\n",
                std::filesystem::path(path).filename().c_str(), fit.c_str(), ratio.c_str(),
                resolution.c_str(), prepared.width, prepared.height,
                result.image.spec().get_string_attribute("klio:conform").c_str(),
                (b1 * a22 - b2 * a12) / determinant, (b2 * a11 - b1 * a12) / determinant,
                sum / (3.0 * roi.width() * roi.height()));
    std::filesystem::remove(file);
}

} // namespace

int main(int argc, char** argv)
{
    std::printf("| image | fit, ratio, resolution | reference | on the plate | off by, pixels "
                "| mean error, 0–1 |\n|---|---|---|---|---|---:|\n");
    for (int i = 1; i < argc; ++i)
        for (const auto& [fit, ratio, resolution] :
             {std::array<const char*, 3> {"crop", "auto", "1k"},
              {"crop", "auto", "2k"},
              {"crop", "9:16", "1k"},
              {"pad", "21:9", "1k"},
              {"none", "auto", "1k"}})
            try {
                row(argv[i], fit, ratio, resolution);
            } catch (const klio::Error& error) {
                std::fprintf(stderr, "%s, %s, %s: %s\n", argv[i], fit, ratio, error.what());
            }
    return 0;
}
