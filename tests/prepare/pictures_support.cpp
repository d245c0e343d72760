#include "pictures_support.h"

#include <klio/error.h>

#include <OpenImageIO/filesystem.h>
#include <OpenImageIO/imageio.h>

#include <gmock/gmock.h>

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>

namespace pictures {

namespace {

struct Folder {
    std::filesystem::path path = std::filesystem::temp_directory_path()
        / ("klio-prepare-test-" + std::to_string(getpid()));
    Folder() { std::filesystem::create_directories(path); }
    ~Folder()
    {
        std::error_code ignored;
        std::filesystem::remove_all(path, ignored);
    }
};

} // namespace

std::string path(const std::string& name)
{
    static const Folder folder;
    return (folder.path / name).string();
}

std::string write(const std::string& name, const OIIO::ImageSpec& spec, const Shader& shader)
{
    std::vector<float> pixels;
    pixels.reserve(size_t(spec.width) * size_t(spec.height) * size_t(spec.nchannels));
    for (int y = 0; y < spec.height; ++y)
        for (int x = 0; x < spec.width; ++x)
            for (int c = 0; c < spec.nchannels; ++c)
                pixels.push_back(shader(x, y, c));
    const std::string file = path(name);
    const auto out = OIIO::ImageOutput::create(file);
    bool good = out && out->open(file, spec);
    if (good)
        good = spec.tile_width > 0
            ? out->write_tiles(spec.x, spec.x + spec.width, spec.y, spec.y + spec.height, 0, 1,
                               OIIO::TypeFloat, pixels.data())
            : out->write_image(OIIO::TypeFloat, pixels.data());
    if (!good || !out->close())
        throw std::runtime_error(file + ": " + (out ? out->geterror() : OIIO::geterror()));
    return file;
}

std::string write(const std::string& name, int width, int height, int channels, OIIO::TypeDesc type,
                  const Shader& shader)
{
    return write(name, OIIO::ImageSpec(width, height, channels, type), shader);
}

float gradient(int x, int y, int c)
{
    return 0.5f + 0.4f * std::sin(0.021f * float(x) + float(c)) * std::cos(0.017f * float(y));
}

Decoded decode(const klio::Prepared& prepared)
{
    OIIO::Filesystem::IOMemReader memory(const_cast<char*>(prepared.bytes.data()),
                                         prepared.bytes.size());
    const auto in = OIIO::ImageInput::open(prepared.media_type == "image/png" ? "x.png" : "x.jpg",
                                           nullptr, &memory);
    if (!in)
        throw std::runtime_error(OIIO::geterror());
    Decoded out;
    out.width = in->spec().width;
    out.height = in->spec().height;
    out.rgb.resize(size_t(out.width) * size_t(out.height) * 3);
    if (in->spec().nchannels != 3 || !in->read_image(0, 0, 0, 3, OIIO::TypeUInt8, out.rgb.data()))
        throw std::runtime_error(in->geterror());
    return out;
}

int srgb8(float x)
{
    x = std::clamp(x, 0.0f, 1.0f);
    return int((x <= 0.0031308f ? 12.92f * x : 1.055f * std::pow(x, 1 / 2.4f) - 0.055f) * 255
               + 0.5f);
}

std::string read(const std::string& file)
{
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

std::string write_bytes(const std::string& name, const std::string& bytes)
{
    std::ofstream(path(name), std::ios::binary) << bytes;
    return path(name);
}

std::string message_of(const std::string& file, const klio::PrepareOptions& options)
{
    try {
        klio::prepare(file, options);
    } catch (const klio::Error& error) {
        EXPECT_THAT(error.what(), testing::Not(testing::HasSubstr("\n")));
        EXPECT_THAT(error.what(),
                    testing::HasSubstr(std::filesystem::path(file).filename().string()));
        return error.what();
    }
    return "no error";
}

klio::PrepareOptions exact(const std::string& ratio)
{
    klio::PrepareOptions options;
    options.aspect_ratio = ratio;
    options.codec = "png";
    options.threads = 2;
    return options;
}

klio::PrepareRecord record(const klio::Prepared& prepared)
{
    return klio::prepare_record_from_json(prepared.record);
}

} // namespace pictures
