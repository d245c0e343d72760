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
#include <ctime>
#include <functional>
#include <string>
#include <vector>

namespace {

struct Cost {
    double wall = 0;
    double cpu = 0; // of all threads: what a busy machine does not blur
};

Cost once(const std::function<void()>& work)
{
    const auto start = std::chrono::steady_clock::now();
    const std::clock_t cpu = std::clock();
    work();
    return {std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count(),
            double(std::clock() - cpu) / CLOCKS_PER_SEC};
}

double median(std::vector<Cost>& times, double Cost::*member)
{
    std::sort(times.begin(), times.end(),
              [&](const Cost& a, const Cost& b) { return a.*member < b.*member; });
    return times[times.size() / 2].*member;
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
        std::vector<Cost> times;
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
    const double wall = median(rows[0].times, &Cost::wall);
    const double cpu = median(rows[0].times, &Cost::cpu);
    for (Row& row : rows) {
        const double row_wall = median(row.times, &Cost::wall);
        const double row_cpu = median(row.times, &Cost::cpu);
        std::printf("%-34s wall %8.2f ms x%.3f   CPU %8.2f ms x%.3f\n", row.name, 1000 * row_wall,
                    row_wall / wall, 1000 * row_cpu, row_cpu / cpu);
    }
    return 0;
}
