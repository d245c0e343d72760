// A C++ host of the plugin: opens names as programs do that embed OpenImageIO, and prints what went
// wrong as they would.
//
//   oiio_host input|buf|cache|texture NAME [klio:HINT=VALUE …]
//   oiio_host threads NAME THREADS OPENS [klio:HINT=VALUE …]   prints how many opens failed
//   oiio_host cache NAME SUBIMAGE, texture NAME SUBIMAGENAME   prints a red value of that one
//   oiio_host twice NAME          reads every frame twice in turns through one ImageInput
//   oiio_host reopen NAME OTHER   opens one ImageInput on NAME, OTHER and NAME again
//   oiio_host state NAME          fails where an open leaves a thread, a signal's handler or an
//                                 attribute of OpenImageIO's other than it was
//   oiio_host foreign COUNT       microseconds that the reader takes to refuse a foreign name
//   oiio_host nowait NAME
//   oiio_host fork NAME           opens in a child while the parent's open is under way
//   oiio_host version LIBRARY PLUGIN   the plugin's version number with LIBRARY loaded first

#include <OpenImageIO/imagebuf.h>
#include <OpenImageIO/imagecache.h>
#include <OpenImageIO/imageio.h>
#include <OpenImageIO/texture.h>
#include <OpenImageIO/thread.h>

#include <dlfcn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

namespace {

OIIO::ImageSpec hints(int argc, char** argv, int first)
{
    OIIO::ImageSpec config;
    for (int i = first; i < argc; ++i) {
        const std::string text = argv[i];
        const size_t equals = text.find('=');
        config.attribute(text.substr(0, equals), text.substr(equals + 1));
    }
    return config;
}

int failed(const std::string& message)
{
    std::fprintf(stderr, "host: %s\n", message.c_str());
    return 1;
}

int read_input(const std::string& name, const OIIO::ImageSpec& config)
{
    const auto input = OIIO::ImageInput::open(name, &config);
    if (!input)
        return failed(OIIO::geterror());
    for (int i = 0; input->seek_subimage(i, 0); ++i) {
        const OIIO::ImageSpec spec = input->spec();
        std::vector<float> pixels(spec.image_pixels() * size_t(spec.nchannels));
        if (!input->read_image(i, 0, 0, spec.nchannels, OIIO::TypeDesc::FLOAT, pixels.data()))
            return failed(input->geterror());
        std::printf("%s %dx%d %s\n", spec.get_string_attribute("oiio:subimagename").c_str(),
                    spec.width, spec.height, spec.get_string_attribute("oiio:ColorSpace").c_str());
    }
    return 0;
}

int read_buf(const std::string& name, const OIIO::ImageSpec& config)
{
    OIIO::ImageBuf image(name, 0, 0, nullptr, &config);
    if (!image.read(0, 0, true))
        return failed(image.geterror());
    std::printf("%d subimages\n", image.nsubimages());
    return 0;
}

int read_cache(const std::string& name, int subimage)
{
    auto cache = OIIO::ImageCache::create(false);
    std::vector<float> pixel(4);
    if (!cache->get_pixels(OIIO::ustring(name), subimage, 0, 10, 11, 10, 11, 0, 1, 0, 3,
                           OIIO::TypeDesc::FLOAT, pixel.data()))
        return failed(cache->geterror());
    std::printf("%g\n", double(pixel[0]));
    return 0;
}

int read_texture(const std::string& name, const std::string& subimage)
{
    auto textures = OIIO::TextureSystem::create(false);
    OIIO::TextureOpt options;
    options.subimagename = OIIO::ustring(subimage);
    float color[3] = {-1, -1, -1};
    const bool good
        = textures->texture(OIIO::ustring(name), options, 0.5F, 0.5F, 0, 0, 0, 0, 3, color);
    const std::string error = good ? std::string() : textures->geterror();
    OIIO::TextureSystem::destroy(textures);
    if (!good)
        return failed(error);
    std::printf("%g\n", double(color[0]));
    return 0;
}

int read_in_threads(const std::string& name, int threads, int opens, const OIIO::ImageSpec& config)
{
    std::atomic<int> bad {0};
    std::vector<std::thread> pool;
    for (int i = 0; i < threads; ++i)
        pool.emplace_back([&] {
            for (int n = 0; n < opens; ++n)
                if (!OIIO::ImageInput::open(name, &config)) {
                    ++bad;
                    OIIO::geterror();
                }
        });
    for (std::thread& thread : pool)
        thread.join();
    std::printf("%d\n", bad.load());
    return 0;
}

int read_twice(const std::string& name)
{
    const auto input = OIIO::ImageInput::open(name);
    if (!input)
        return failed(OIIO::geterror());
    std::vector<unsigned char> row(1 << 20);
    for (int turn = 0; turn < 2; ++turn)
        for (int i = 0; input->seek_subimage(i, 0); ++i)
            for (int y = 0; y < 8; ++y)
                if (!input->read_native_scanline(i, 0, y, 0, row.data()))
                    return failed(input->geterror());
    return 0;
}

// What an ImageInput showed before must not show through when it is opened on another name.
int reopen(const std::string& name, const std::string& other)
{
    const auto input = OIIO::ImageInput::create(name);
    if (!input)
        return failed(OIIO::geterror());
    for (const std::string& one : {name, other, name}) {
        OIIO::ImageSpec spec;
        if (!input->open(one, spec))
            return failed(input->geterror());
        std::vector<float> pixels(spec.image_pixels() * size_t(spec.nchannels));
        if (!input->read_image(0, 0, 0, spec.nchannels, OIIO::TypeDesc::FLOAT, pixels.data()))
            return failed(input->geterror());
        double sum = 0;
        for (const float value : pixels)
            sum += double(value);
        std::printf("%s %.6g\n", spec.get_string_attribute("klio:frame_sha256").c_str(), sum);
        if (one == other && !input->close())
            return failed("it does not close");
    }
    return 0;
}

int threads_running()
{
    int count = 0;
    for (const auto& entry : std::filesystem::directory_iterator("/proc/self/task"))
        count += entry.is_directory() ? 1 : 0;
    return count;
}

std::string attributes()
{
    std::string text;
    for (const char* name : {"threads", "exr_threads", "log_times", "limits:imagesize_MB"}) {
        int value = -1;
        OIIO::getattribute(name, value);
        text += std::string(name) + "=" + std::to_string(value) + " ";
    }
    return text + std::string(OIIO::get_string_attribute("plugin_searchpath"));
}

int compare_state(const std::string& name)
{
    // OpenImageIO's own threads start with its first image, and with its first parallel loop.
    OIIO::ImageInput::open("no-such-image.png");
    OIIO::geterror();
    OIIO::default_thread_pool();
    struct sigaction before[32];
    for (int i = 1; i < 32; ++i)
        ::sigaction(i, nullptr, &before[i]);
    const std::string attributes_before = attributes();
    const int threads_before = threads_running();
    const int result = read_input(name, {});
    if (threads_running() > threads_before)
        return failed("threads are left over: " + std::to_string(threads_before) + " before, "
                      + std::to_string(threads_running()) + " after");
    if (attributes() != attributes_before)
        return failed("attributes were changed: " + attributes_before + " / " + attributes());
    for (int i = 1; i < 32; ++i) {
        struct sigaction after { };
        ::sigaction(i, nullptr, &after);
        if (after.sa_handler != before[i].sa_handler)
            return failed("the handler of signal " + std::to_string(i) + " was changed");
    }
    return result;
}

int refuse_foreign(int count)
{
    const auto input = OIIO::ImageInput::create("x.kling");
    if (!input)
        return failed(OIIO::geterror());
    OIIO::ImageSpec spec;
    const auto start = std::chrono::steady_clock::now();
    for (int i = 0; i < count; ++i)
        if (input->valid_file("/no/such/folder/picture.exr")
            || input->open("/no/such/folder/picture.exr", spec))
            return failed("a foreign name was taken");
    const std::chrono::duration<double, std::micro> time = std::chrono::steady_clock::now() - start;
    std::printf("%.2f\n", time.count() / count);
    return 0;
}

int open_nowait(const std::string& name)
{
    const auto input = OIIO::ImageInput::create("x.kling");
    OIIO::ImageSpec spec, config;
    config.attribute("nowait", 1);
    // What strace looks between.
    (void)!::write(2, "BEGIN\n", 6);
    const bool opened = input->open(name, spec, config);
    (void)!::write(2, "END\n", 4);
    return opened ? failed("it opened") : 0;
}

int open_in_child(const std::string& name)
{
    std::thread parent([&] { OIIO::ImageInput::open(name); });
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    const pid_t child = ::fork();
    if (child == 0) {
        const auto input = OIIO::ImageInput::open(name);
        ::_exit(input ? 0 : 3);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    parent.join();
    return WIFEXITED(status) ? WEXITSTATUS(status) : 4;
}

int print_version(const char* library, const char* plugin)
{
    if (std::strlen(library) && !::dlopen(library, RTLD_NOW | RTLD_GLOBAL))
        return failed(::dlerror());
    void* handle = ::dlopen(plugin, RTLD_LAZY | RTLD_GLOBAL);
    if (!handle)
        return failed(::dlerror());
    std::printf("%d\n", *static_cast<int*>(::dlsym(handle, "kling_imageio_version")));
    return 0;
}

} // namespace

int main(int argc, char** argv)
{
    const std::string mode = argc > 1 ? argv[1] : "";
    const std::string name = argc > 2 ? argv[2] : "";
    if (mode == "input")
        return read_input(name, hints(argc, argv, 3));
    if (mode == "buf")
        return read_buf(name, hints(argc, argv, 3));
    if (mode == "cache")
        return read_cache(name, argc > 3 ? std::stoi(argv[3]) : 0);
    if (mode == "texture")
        return read_texture(name, argc > 3 ? argv[3] : "");
    if (mode == "threads" && argc > 4)
        return read_in_threads(name, std::stoi(argv[3]), std::stoi(argv[4]), hints(argc, argv, 5));
    if (mode == "reopen" && argc > 3)
        return reopen(name, argv[3]);
    if (mode == "twice")
        return read_twice(name);
    if (mode == "state")
        return compare_state(name);
    if (mode == "foreign")
        return refuse_foreign(std::stoi(name));
    if (mode == "nowait")
        return open_nowait(name);
    if (mode == "fork")
        return open_in_child(name);
    if (mode == "version" && argc > 3)
        return print_version(argv[2], argv[3]);
    return failed("see the source for how to call this");
}
