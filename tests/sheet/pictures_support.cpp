#include "pictures_support.h"

#include <klio/record.h>

#include <OpenImageIO/imagebufalgo.h>
#include <OpenImageIO/imagecache.h>

#include <atomic>
#include <cmath>
#include <unistd.h>

namespace fs = std::filesystem;

Folder::Folder()
{
    static std::atomic<int> count {0};
    m_path = fs::temp_directory_path()
        / ("klio-sheet-" + std::to_string(getpid()) + "-" + std::to_string(count++));
    fs::create_directories(m_path);
}

Folder::~Folder()
{
    std::error_code error;
    fs::remove_all(m_path, error);
}

int Folder::files() const
{
    return int(std::distance(fs::directory_iterator(m_path), fs::directory_iterator()));
}

namespace {

OIIO::ImageBuf canvas(int width, int height)
{
    return OIIO::ImageBuf(OIIO::ImageSpec(width, height, 3, OIIO::TypeUInt8));
}

// OIIO's cache does not notice that a file was written over.
void forget(const std::string& path)
{
    OIIO::ImageCache::create(true)->invalidate(OIIO::ustring(path));
}

std::string write(OIIO::ImageBuf& image, const std::string& path)
{
    if (path.substr(path.size() - 4) == ".jpg")
        image.specmod().attribute("Compression", "jpeg:95");
    image.specmod().attribute("oiio:ColorSpace", "sRGB");
    if (!image.write(path))
        throw std::runtime_error(image.geterror());
    return path;
}

} // namespace

std::string flat(const std::string& path, int width, int height, float r, float g, float b)
{
    OIIO::ImageBuf image = canvas(width, height);
    OIIO::ImageBufAlgo::fill(image, {r, g, b});
    return write(image, path);
}

std::string quarters(const std::string& path, int width, int height, int orientation)
{
    OIIO::ImageBuf image = canvas(width, height);
    const int x = width / 2, y = height / 2;
    OIIO::ImageBufAlgo::fill(image, {1, 0, 0}, OIIO::ROI(0, x, 0, y));
    OIIO::ImageBufAlgo::fill(image, {0, 1, 0}, OIIO::ROI(x, width, 0, y));
    OIIO::ImageBufAlgo::fill(image, {0, 0, 1}, OIIO::ROI(0, x, y, height));
    OIIO::ImageBufAlgo::fill(image, {1, 1, 1}, OIIO::ROI(x, width, y, height));
    image.specmod().attribute("Orientation", orientation);
    return write(image, path);
}

Rgb pixel(const std::string& path, int x, int y)
{
    forget(path);
    OIIO::ImageBuf image(path);
    float value[4] = {};
    image.getpixel(x, y, 0, value, 4);
    return {int(std::lround(value[0] * 255)), int(std::lround(value[1] * 255)),
            int(std::lround(value[2] * 255))};
}

bool near(Rgb a, Rgb b, int tolerance)
{
    return std::abs(a.r - b.r) <= tolerance && std::abs(a.g - b.g) <= tolerance
        && std::abs(a.b - b.b) <= tolerance;
}

std::string size_of(const std::string& path)
{
    forget(path);
    OIIO::ImageBuf image(path);
    if (!image.read())
        return {};
    return std::to_string(image.spec().width) + "x" + std::to_string(image.spec().height);
}

std::string description_of(const std::string& path)
{
    forget(path);
    OIIO::ImageBuf image(path);
    image.read();
    return image.spec().get_string_attribute("ImageDescription");
}

klio::StoredSet sample_set(const Folder& folder, int count, int take)
{
    klio::StoredSet set;
    set.job = std::string(62, 'a') + std::to_string(10 + take);
    set.state = klio::JobState::succeeded;
    set.request.prompt = "a lantern in fog";
    set.request.images = {folder.path("plate.png")};
    set.request.aspect_ratio = "16:9";
    set.request.num_images = count;
    set.request.take = take;
    set.endpoint = "https://apiin.one";
    set.task_id = "task-" + std::to_string(take);
    set.price_known = true;
    set.credits_at_least = 6;
    set.created_at = 1700000000;
    klio::PrepareRecord record;
    record.color.source_space = "ACEScg";
    record.color.decided_by = "flag";
    record.source_width = 320;
    record.source_height = 240;
    record.crop_y = 30;
    record.crop_width = 320;
    record.crop_height = 180;
    record.width = 320;
    record.height = 180;
    record.codec = "jpeg";
    set.references.push_back(
        {quarters(folder.path("plate.png"), 320, 240), "plate-id", klio::to_json(record)});
    for (int i = 1; i <= count; ++i) {
        klio::StoredFrame frame;
        frame.index = i;
        frame.width = 320;
        frame.height = 180;
        frame.media_type = "image/jpeg";
        frame.path
            = flat(folder.path("take" + std::to_string(take) + "." + std::to_string(i) + ".jpg"),
                   320, 180, 0.1f * float(i), 0.5f, 0.2f * float(take));
        set.frames.push_back(frame);
    }
    return set;
}
