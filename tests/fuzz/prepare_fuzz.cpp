// Mutates pictures and prepares them: each must give a picture or a one-line error, within time and
// memory. Every try runs in a process of its own, so that one crash does not hide the next.
//
// Usage: prepare_fuzz FOLDER COUNT [NAME_PART]; FOLDER holds the seeds (make_seeds.py), COUNT
// mutations are made of each. Exit code 1 where any try crashed, hung, ran out of memory or said
// more than a line; the offending files are kept in FOLDER/failures.

#include <klio/error.h>
#include <klio/prepare.h>

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>
#include <string>
#include <vector>

namespace fs = std::filesystem;

namespace {

std::string read(const fs::path& path)
{
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

std::string mutate(std::string bytes, std::mt19937& random)
{
    const auto at = [&](size_t limit) { return size_t(random()) % std::max<size_t>(1, limit); };
    // Headers decide the most, so half of the changes fall there.
    const auto place
        = [&] { return random() % 2 ? at(bytes.size()) : at(std::min<size_t>(bytes.size(), 400)); };
    const int changes = 1 + int(random() % 6);
    for (int i = 0; i < changes && !bytes.empty(); ++i)
        switch (random() % 9) {
        case 0:
            bytes[place()] ^= char(1 << random() % 8);
            break;
        case 1:
            bytes[place()] = char(random());
            break;
        case 2:
            bytes[place()] = char(0xFF);
            break;
        case 3:
            bytes[place()] = 0;
            break;
        case 4:
            bytes.resize(at(bytes.size()));
            break;
        case 5: {
            const size_t from = place(), size = std::min<size_t>(bytes.size() - from, at(64));
            bytes.erase(from, size);
            break;
        }
        case 6:
            bytes.insert(place(), bytes.substr(place(), at(64)));
            break;
        case 7: {
            // Whole numbers where sizes and offsets stand.
            static const uint32_t numbers[]
                = {0, 1, 0x7FFFFFFF, 0xFFFFFFFF, 0x80000000, 100000, 0x10000, 65535, 0x01000000};
            const uint32_t number = numbers[random() % 9];
            const size_t from = place();
            for (size_t k = 0; k < 4 && from + k < bytes.size(); ++k)
                bytes[from + k] = char(number >> 8 * k);
            break;
        }
        default:
            for (size_t k = 0, from = place(); k < 16 && from + k < bytes.size(); ++k)
                bytes[from + k] = char(random());
            break;
        }
    return bytes;
}

constexpr int said_more_than_a_line = 40, wrong_exception = 41;

[[noreturn]] void prepare_one(const std::string& path)
{
#ifndef __SANITIZE_ADDRESS__ // which needs terabytes of addresses
    const rlimit memory {3ull << 30, 3ull << 30};
    setrlimit(RLIMIT_AS, &memory);
#endif
    const rlimit no_core {0, 0};
    setrlimit(RLIMIT_CORE, &no_core);
    const rlimit seconds {20, 20}; // of processor time: the machine may be busy
    setrlimit(RLIMIT_CPU, &seconds);
    std::freopen("/dev/null", "w", stderr);
    klio::PrepareOptions options;
    options.aspect_ratio = "16:9";
    options.threads = 1;
    try {
        klio::prepare(path, options);
    } catch (const klio::Error& error) {
        if (std::string(error.what()).find('\n') != std::string::npos)
            _exit(said_more_than_a_line);
    } catch (const std::bad_alloc&) {
        _exit(42);
    } catch (...) {
        _exit(wrong_exception);
    }
    _exit(0);
}

} // namespace

int main(int argc, char** argv)
{
    if (argc < 3) {
        std::fprintf(stderr, "usage: %s FOLDER COUNT [NAME_PART]\n", argv[0]);
        return 2;
    }
    const fs::path folder = argv[1];
    const int count = std::atoi(argv[2]);
    const std::string part = argc > 3 ? argv[3] : "";
    std::vector<fs::path> seeds;
    for (const auto& entry : fs::directory_iterator(folder))
        if (entry.is_regular_file()
            && entry.path().filename().string().find(part) != std::string::npos)
            seeds.push_back(entry.path());
    std::sort(seeds.begin(), seeds.end());
    const fs::path failures = folder / "failures";
    fs::create_directories(failures);
    const fs::path scratch
        = fs::temp_directory_path() / ("prepare-fuzz-" + std::to_string(getpid()));
    fs::create_directories(scratch);
    long tries = 0, bad = 0;
    for (const fs::path& seed : seeds) {
        const std::string bytes = read(seed);
        std::mt19937 random(std::hash<std::string> {}(seed.filename().string()) & 0xFFFFFFFF);
        long bad_here = 0;
        for (int i = 0; i < count; ++i, ++tries) {
            const fs::path path = scratch / ("m" + seed.extension().string());
            std::ofstream(path, std::ios::binary) << mutate(bytes, random);
            const pid_t child = fork();
            if (child == 0)
                prepare_one(path.string());
            int status = 0;
            waitpid(child, &status, 0);
            if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
                continue;
            const std::string what = WIFSIGNALED(status)
                ? "signal" + std::to_string(WTERMSIG(status))
                : "exit" + std::to_string(WEXITSTATUS(status));
            ++bad;
            if (++bad_here <= 20)
                fs::copy_file(path,
                              failures
                                  / (seed.stem().string() + "-" + what + "-" + std::to_string(i)
                                     + seed.extension().string()),
                              fs::copy_options::overwrite_existing);
        }
        std::printf("%-24s %6d mutated, %ld bad\n", seed.filename().c_str(), count, bad_here);
        std::fflush(stdout);
    }
    fs::remove_all(scratch);
    std::printf("%ld mutated files, %ld bad\n", tries, bad);
    return bad ? 1 : 0;
}
