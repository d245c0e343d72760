// What prepare() costs beside decoding and encoding alone, in one process: OpenImageIO reading the
// plate's pixels as they are stored, and OpenImageIO writing a JPEG of the reference's size.
//
//   bench_prepare PLATE.exr [ROUNDS]

#include <klio/prepare.h>

#include <OpenImageIO/filesystem.h>
#include <OpenImageIO/imageio.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

namespace {

double seconds(const std::function<void()>& work)
{
    const auto start = std::chrono::steady_clock::now();
    work();
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

double median(std::vector<double>& times)
{
    std::sort(times.begin(), times.end());
    return times[times.size() / 2];
}

void require(bool good)
{
    if (!good) {
        std::fprintf(stderr, "%s\n", OIIO::geterror().c_str());
        std::exit(1);
    }
}

} // namespace

int main(int argc, char** argv)
{
    if (argc < 2) {
        std::fprintf(stderr, "usage: bench_prepare PLATE.exr [ROUNDS]\n");
        return 2;
    }
    const std::string plate = argv[1];
    const int rounds = argc > 2 ? std::max(1, std::atoi(argv[2])) : 9;
    klio::PrepareOptions options;
    options.aspect_ratio = "16:9";
    options.resolution = "2k";
    options.policy = "texture";
    options.codec = "jpeg";

    // What is encoded alone is what klio encodes.
    klio::Prepared prepared = klio::prepare(plate, options);
    OIIO::Filesystem::IOMemReader memory(&prepared.bytes[0], prepared.bytes.size());
    auto jpeg = OIIO::ImageInput::open("reference.jpg", nullptr, &memory);
    require(jpeg != nullptr);
    const OIIO::ImageSpec small = jpeg->spec();
    std::vector<unsigned char> pixels(size_t(small.width) * size_t(small.height) * 3);
    require(jpeg->read_image(0, 0, 0, 3, OIIO::TypeUInt8, pixels.data()));
    const std::string out_path = std::string(std::getenv("TMPDIR") ? std::getenv("TMPDIR") : "/tmp")
        + "/klio-bench-prepare.jpg";

    std::vector<double> decode, encode, whole;
    for (int i = 0; i < rounds; ++i) {
        decode.push_back(seconds([&] {
            auto in = OIIO::ImageInput::open(plate);
            require(in != nullptr);
            const OIIO::ImageSpec& spec = in->spec();
            std::vector<char> stored(spec.image_bytes(true));
            require(in->read_image(0, 0, 0, spec.nchannels, spec.format, stored.data()));
        }));
        encode.push_back(seconds([&] {
            auto out = OIIO::ImageOutput::create("jpeg");
            OIIO::ImageSpec spec(small.width, small.height, 3, OIIO::TypeUInt8);
            spec.attribute("Compression", "jpeg:95");
            spec.attribute("jpeg:subsampling", "4:4:4");
            require(out && out->open(out_path, spec)
                    && out->write_image(OIIO::TypeUInt8, pixels.data()) && out->close());
        }));
        whole.push_back(seconds([&] { klio::prepare(plate, options); }));
    }
    std::remove(out_path.c_str());
    const double d = median(decode), e = median(encode), w = median(whole);
    std::printf(
        "decode alone %.3f s, encode alone %.3f s, prepare() %.3f s: %.2f times both (limit "
        "1.3)\n",
        d, e, w, w / (d + e));
}
