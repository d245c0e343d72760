// Mutated PNG, JPEG and WebP files through probe(), check_image() and decode(): each must end in a
// DamagedError or in a whole picture of the size that the probe told, never in a crash, a hang or
// another exception. Meant for a build with KLIO_SANITIZE=address,undefined.
//
//   fuzz_decode ROUNDS [SEED] [FILE...]
//
// Without files it makes its own.

#include "base/file.h"
#include "frames/crc.h"
#include "frames/decode.h"
#include "images_support.h"

#include <klio/error.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <random>
#include <string>
#include <vector>

using namespace klio;

namespace {

// Makes a PNG's checksums right again, so that what stands behind them is reached.
std::string mend_checksums(std::string png)
{
    const auto be32 = [&](size_t at) {
        uint32_t value = 0;
        for (size_t i = 0; i < 4; ++i)
            value = value << 8 | static_cast<unsigned char>(png[at + i]);
        return value;
    };
    for (size_t at = 8; at + 12 <= png.size();) {
        const size_t length = be32(at);
        if (length > png.size() - at - 12)
            break;
        const uint32_t crc = frames::crc32(std::string_view(png).substr(at + 4, length + 4));
        for (size_t i = 0; i < 4; ++i)
            png[at + 8 + length + i] = char(crc >> (24 - 8 * i) & 255);
        at += 12 + length;
    }
    return png;
}

std::string mutate(const std::string& whole, std::mt19937& random)
{
    const auto below = [&](size_t n) { return n == 0 ? 0 : size_t(random()) % n; };
    std::string bytes = whole;
    // Headers are a few hundred bytes of many thousand: half of all hits go there.
    const auto place
        = [&] { return below(random() % 2 ? std::min<size_t>(bytes.size(), 400) : bytes.size()); };
    for (size_t changes = 1 + below(4); changes > 0 && !bytes.empty(); --changes)
        switch (below(7)) {
        case 0:
            bytes[place()] ^= char(1 << below(8));
            break;
        case 1:
            bytes[place()] = char(random());
            break;
        case 2:
            bytes.resize(below(bytes.size()));
            break;
        case 3:
            bytes.erase(place(), below(64));
            break;
        case 4:
            bytes.insert(place(), std::string(below(64), char(random())));
            break;
        case 5: {
            const std::string part = bytes.substr(place(), below(200));
            bytes.insert(place(), part);
            break;
        }
        default: {
            const size_t at = place();
            for (size_t i = at; i < std::min(bytes.size(), at + 4); ++i)
                bytes[i] = random() % 2 ? '\xFF' : '\0';
        }
        }
    return random() % 2 && bytes.compare(0, 4, "\x89PNG") == 0 ? mend_checksums(bytes) : bytes;
}

} // namespace

int main(int argc, char** argv)
{
    const int rounds = argc > 1 ? std::atoi(argv[1]) : 1000;
    const unsigned seed = argc > 2 ? unsigned(std::atoi(argv[2])) : 1;
    std::map<std::string, std::string> files;
    for (int i = 3; i < argc; ++i)
        files[argv[i]] = base::read_file(argv[i]);
    if (files.empty()) {
        for (const char* ending : {"png", "jpg", "webp"})
            files[ending] = test::sample(96, 64, ending);
        files["png with alpha"] = test::sample(96, 64, "png", 4);
        files["png, palette"]
            = test::make_png(4, 4, 2, 3, std::string("\x1B\x1B\x1B\x1B", 4),
                             test::png_chunk("PLTE", "\x10\x20\x30\x40\x50\x60\x70\x80\x90xyz"));
        files["png, 16 bits"] = test::make_png(8, 8, 16, 6, std::string(8 * 8 * 8, 'q'));
        files["jpg, turned"] = test::with_exif(test::sample(96, 64, "jpg"), 6);
    }
    std::mt19937 random(seed);
    for (const auto& [name, whole] : files) {
        int pictures = 0, errors = 0;
        double slowest = 0;
        for (int i = 0; i < rounds; ++i) {
            const std::string bytes = mutate(whole, random);
            const auto start = std::chrono::steady_clock::now();
            try {
                const frames::ImageProbe probe = frames::probe(bytes);
                const OIIO::ImageBuf image = frames::decode(bytes, "frame");
                if (image.spec().width != probe.width || image.spec().height != probe.height
                    || image.spec().nchannels != probe.decoded_channels()) {
                    std::fprintf(stderr, "%s, round %d: decoded to something else\n", name.c_str(),
                                 i);
                    base::write_file_atomic("fuzz_decode.bad", bytes);
                    return 1;
                }
                ++pictures;
            } catch (const DamagedError&) {
                ++errors;
            } catch (const std::exception& error) {
                std::fprintf(stderr, "%s, round %d: %s\n", name.c_str(), i, error.what());
                base::write_file_atomic("fuzz_decode.bad", bytes);
                return 1;
            }
            slowest = std::max(
                slowest,
                std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
        }
        std::printf("%-16s %d mutations: %d errors, %d whole pictures, slowest %.0f ms\n",
                    name.c_str(), rounds, errors, pictures, 1000 * slowest);
    }
    return 0;
}
