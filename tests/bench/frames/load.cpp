// What load_frame() costs beside OIIO's own reading of the same file, as ratios.
//
//   bench_load FRAME.png [ROUNDS]

#include "base/file.h"
#include "base/sha256.h"
#include "color/transform.h"
#include "frames/decode.h"

#include <klio/frame.h>
#include <klio/record.h>

#include <OpenImageIO/imagebuf.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>
#include <vector>

namespace {

double once(const std::function<void()>& work)
{
    const auto start = std::chrono::steady_clock::now();
    work();
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

} // namespace

int main(int argc, char** argv)
{
    if (argc < 2)
        return 2;
    const std::string path = argv[1];
    const int rounds = argc > 2 ? std::atoi(argv[2]) : 7;
    const std::string bytes = klio::base::read_file(path);
    const klio::frames::ImageProbe probe = klio::frames::probe(bytes);
    klio::StoredSet set;
    set.job = std::string(64, '0');
    set.endpoint = "https://example.com";
    klio::StoredFrame frame;
    frame.index = 1;
    frame.path = path;
    frame.sha256 = klio::base::sha256_hex(bytes);
    frame.width = probe.width;
    frame.height = probe.height;
    frame.channels = probe.channels;
    frame.bit_depth = probe.bit_depth;
    set.frames.push_back(frame);

    klio::PrepareRecord record;
    record.color.source_space = "ACEScg";
    klio::StoredSet texture = set;
    texture.references.push_back({"", std::string(64, 'a'), klio::to_json(record)});
    record.color.policy = "view";
    record.color.display = klio::color::config_info().default_display;
    record.color.view = klio::color::config_info().default_view;
    klio::StoredSet view = set;
    view.references.push_back({"", std::string(64, 'a'), klio::to_json(record)});

    klio::FrameOptions srgb;
    srgb.to = "srgb";
    klio::FrameOptions fit = srgb;
    fit.fit = "4096x2304";
    struct Row {
        const char* name;
        std::function<void()> work;
        std::vector<double> times;
    };
    std::vector<Row> rows = {
        {"OIIO reads it",
         [&] {
             OIIO::ImageBuf image(path);
             image.read(0, 0, true);
         },
         {}},
        {"OIIO reads it as float",
         [&] {
             OIIO::ImageBuf image(path);
             image.read(0, 0, true, OIIO::TypeDesc::FLOAT);
         },
         {}},
        {"load_frame, srgb", [&] { klio::load_frame(set, 1, srgb); }, {}},
        {"load_frame, texture to ACEScg", [&] { klio::load_frame(texture, 1, {}); }, {}},
        {"load_frame, view to ACEScg", [&] { klio::load_frame(view, 1, {}); }, {}},
        {"load_frame, srgb, fit 4096x2304", [&] { klio::load_frame(set, 1, fit); }, {}},
        {"frame_spec, texture", [&] { klio::frame_spec(texture, 1, {}); }, {}},
        {"frame_spec, view", [&] { klio::frame_spec(view, 1, {}); }, {}},
    };
    // Round by round, so that a noisy moment falls on all of them.
    for (int i = 0; i < rounds; ++i)
        for (Row& row : rows)
            row.times.push_back(once(row.work));
    double first = 0;
    for (Row& row : rows) {
        std::sort(row.times.begin(), row.times.end());
        const double median = row.times[row.times.size() / 2];
        first = first == 0 ? median : first;
        std::printf("%-34s %8.2f ms (least %8.2f)  x%.3f\n", row.name, 1000 * median,
                    1000 * row.times.front(), median / first);
    }
    return 0;
}
