// How much of a picture's colour survives the way to the model and back, image by image and policy
// by policy: a table in Markdown, for lib/frames/README.md.
//
//   bench_roundtrip IMAGE...

#include "color/transform.h"
#include "frames/back.h"

#include <klio/error.h>
#include <klio/frame.h>
#include <klio/prepare.h>
#include <klio/record.h>

#include <OpenImageIO/imagebuf.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

namespace {

struct Figures {
    double clipped = 0;                 // share of pixels with a channel outside 0–1
    double mean = 0, max = 0;           // absolute, all pixels
    double kept_mean = 0, kept_max = 0; // relative, of the pixels that did not clip
};

// There, rounded to 8 or 16 bits as PNG holds it, and back.
template <typename T> Figures measure(const OIIO::ImageBuf& plate, const klio::ColorRecord& record)
{
    const float peak = sizeof(T) == 1 ? 255.0F : 65535.0F;
    const OIIO::ImageSpec& spec = plate.spec();
    const size_t count = size_t(spec.image_pixels());
    std::vector<float> source(count * 3);
    plate.get_pixels(
        OIIO::ROI(spec.x, spec.x + spec.width, spec.y, spec.y + spec.height, 0, 1, 0, 3),
        OIIO::TypeDesc::FLOAT, source.data());
    std::vector<float> display = source;
    klio::color::there(record).apply(display.data(), count, 3);
    OIIO::ImageBuf frame(
        OIIO::ImageSpec(spec.width, spec.height, 3, OIIO::BaseTypeFromC<T>::value));
    auto* codes = static_cast<T*>(frame.localpixels());
    std::vector<bool> clipped(count);
    for (size_t i = 0; i < count * 3; ++i) {
        const float value = std::isfinite(display[i]) ? display[i] : 0.0F;
        // Half a code value beyond the ends is rounding, not clipping.
        if (value < -0.5F / 255 || value > 1 + 0.5F / 255)
            clipped[i / 3] = true;
        codes[i] = static_cast<T>(std::lround(std::clamp(value, 0.0F, 1.0F) * peak));
    }
    const klio::frames::WayBack back = klio::frames::way_back(&record, "");
    const OIIO::ImageBuf result = klio::frames::apply_back(back, frame, 0);
    const auto* got = static_cast<const float*>(result.localpixels());

    Figures figures;
    double kept = 0;
    for (size_t i = 0; i < count; ++i) {
        figures.clipped += clipped[i];
        for (size_t c = 0; c < 3; ++c) {
            const double error = std::abs(double(got[i * 3 + c]) - source[i * 3 + c]);
            figures.mean += error;
            figures.max = std::max(figures.max, error);
            if (clipped[i])
                continue;
            const double relative = error / std::max(0.02, std::abs(double(source[i * 3 + c])));
            figures.kept_mean += relative;
            figures.kept_max = std::max(figures.kept_max, relative);
            ++kept;
        }
    }
    figures.clipped /= double(count);
    figures.mean /= double(count) * 3;
    figures.kept_mean /= std::max(1.0, kept);
    return figures;
}

void row(const std::string& path, const std::string& policy, const std::string& exposure)
{
    klio::PrepareOptions options;
    options.policy = policy;
    options.exposure = exposure;
    const klio::Prepared prepared = klio::prepare(path, options);
    const klio::PrepareRecord record = klio::prepare_record_from_json(prepared.record);
    OIIO::ImageBuf plate(path);
    plate.read(0, 0, true, OIIO::TypeDesc::FLOAT);
    const Figures f = measure<uint8_t>(plate, record.color);
    const Figures wide = measure<uint16_t>(plate, record.color);
    std::printf("| %s | %s%s | %s | %.4g %% | %.3g | %.4g | %.2g %% | %.2g %% | %.2g %% |\n",
                std::filesystem::path(path).filename().c_str(), policy.c_str(),
                exposure.empty() ? "" : (", exposure " + exposure).c_str(),
                record.color.source_space.c_str(), 100 * f.clipped, f.mean, f.max,
                100 * f.kept_mean, 100 * f.kept_max, 100 * wide.kept_mean);
}

} // namespace

int main(int argc, char** argv)
{
    std::printf("| image | policy | space | clipped | mean error | largest error "
                "| unclipped: mean | unclipped: largest | unclipped: mean at 16 bits |\n"
                "|---|---|---|---:|---:|---:|---:|---:|---:|\n");
    for (int i = 1; i < argc; ++i)
        for (const char* policy : {"texture", "view", "compress"})
            for (const char* exposure : {"", "auto"})
                try {
                    row(argv[i], policy, exposure);
                } catch (const klio::Error& error) {
                    std::fprintf(stderr, "%s, %s: %s\n", argv[i], policy, error.what());
                }
    return 0;
}
