#include <klio/frame.h>

#include "base/encoding.h"
#include "base/file.h"
#include "base/sha256.h"
#include "frames/write.h"
#include "frames/xmp.h"

#include <klio/error.h>

#include <OpenImageIO/imagebufalgo.h>

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <set>

namespace klio {

namespace {

using namespace frames;

std::string one_line(std::string text)
{
    std::replace(text.begin(), text.end(), '\n', ' ');
    return text;
}

OIIO::TypeDesc output_format(const FrameOptions& options, const OIIO::ImageOutput& output,
                             const OIIO::ImageSpec& spec)
{
    if (options.format.empty())
        return std::strcmp(output.format_name(), "openexr") == 0 ? OIIO::TypeDesc::HALF
                                                                 : OIIO::TypeDesc(spec.format);
    check_format(options.format);
    return OIIO::TypeDesc(options.format);
}

// A format without windows gets the whole display window, black where the frame does not reach.
OIIO::ImageBuf whole_window(const OIIO::ImageBuf& image)
{
    const OIIO::ImageSpec& in = image.spec();
    OIIO::ImageBuf canvas;
    OIIO::ImageBufAlgo::crop(canvas, image, image.roi_full());
    canvas.set_origin(0, 0);
    canvas.set_full(0, in.full_width, 0, in.full_height, 0, 1);
    canvas.specmod().extra_attribs = in.extra_attribs;
    return canvas;
}

// Unassociated alpha is what PNG, TIFF and WebP may hold; the others expect OIIO's own convention.
OIIO::ImageBuf associated(const OIIO::ImageBuf& image)
{
    OIIO::ImageBuf result;
    OIIO::ImageBufAlgo::premult(result, image);
    result.specmod().erase_attribute("oiio:UnassociatedAlpha");
    return result;
}

// One image as its file's format wants it.
struct Output {
    const OIIO::ImageBuf* image = nullptr; ///< the frame's own, or `changed`
    OIIO::ImageBuf changed;
    OIIO::ImageSpec spec;
    std::string packet;
};

std::unique_ptr<Output> prepare_output(const Frame& frame, const OIIO::ImageOutput& writer,
                                       const FrameOptions& options)
{
    auto output = std::make_unique<Output>();
    output->image = &frame.image;
    const std::string format = writer.format_name();
    const bool exr = format == "openexr";
    const OIIO::ImageSpec& in = frame.image.spec();
    const bool windows = writer.supports("displaywindow") && writer.supports("negativeorigin");
    if (!windows
        && (in.x != 0 || in.y != 0 || in.full_x != 0 || in.full_y != 0 || in.width != in.full_width
            || in.height != in.full_height)) {
        output->changed = whole_window(frame.image);
        output->image = &output->changed;
    }
    if (in.get_int_attribute("oiio:UnassociatedAlpha") && format != "png" && format != "tiff"
        && format != "webp") {
        output->changed = associated(*output->image);
        output->image = &output->changed;
    }

    OIIO::ImageSpec& spec = output->spec;
    spec = output->image->spec();
    output->packet = make_xmp(spec);
    spec.set_format(output_format(options, writer, spec));
    if (exr) {
        spec.attribute("compression", "zip");
    } else {
        // What OIIO's writers make of these is text keys here and nothing there: the packet holds
        // them all.
        OIIO::ParamValueList kept;
        for (const OIIO::ParamValue& attribute : spec.extra_attribs) {
            const std::string name = attribute.name().string();
            if (name.rfind("klio:", 0) != 0 && name.rfind("Iptc4xmpExt:", 0) != 0)
                kept.push_back(attribute);
        }
        spec.extra_attribs = kept;
    }
    return output;
}

// A file that goes away again unless it was put in its place.
class Temporary {
public:
    explicit Temporary(const std::string& path) : m_path(path)
    {
        m_name = base::join_path(base::parent_folder(path),
                                 "." + base::file_name(path) + ".tmp-" + base::random_hex(6));
    }
    ~Temporary() { ::unlink(m_name.c_str()); }
    Temporary(const Temporary&) = delete;
    Temporary& operator=(const Temporary&) = delete;
    const std::string& name() const { return m_name; }
    void put_in_place() const
    {
        const int fd = ::open(m_name.c_str(), O_RDONLY | O_CLOEXEC);
        if (fd < 0 || ::fsync(fd) != 0 || ::close(fd) != 0
            || ::rename(m_name.c_str(), m_path.c_str()) != 0)
            throw OutputError(m_path + ": can't be put in its place ("
                              + std::string(std::strerror(errno)) + ")");
        base::sync_folder(base::parent_folder(m_path));
    }

private:
    std::string m_path;
    std::string m_name;
};

void write_images(const std::vector<const Frame*>& frames, const std::string& path,
                  const FrameOptions& options)
{
    const auto fail = [&](const std::string& why) {
        throw OutputError(path + ": can't be written (" + one_line(why) + ")");
    };
    base::make_folders(base::parent_folder(path));
    const std::unique_ptr<OIIO::ImageOutput> writer = OIIO::ImageOutput::create(path);
    if (!writer)
        fail(OIIO::geterror());
    const std::string format = writer->format_name();
    const bool several = frames.size() > 1;
    if (several)
        check_holds_several(path);
    std::vector<std::unique_ptr<Output>> images;
    std::vector<OIIO::ImageSpec> specs;
    std::set<std::string> names;
    std::vector<std::string> packets;
    for (const Frame* frame : frames) {
        images.push_back(prepare_output(*frame, *writer, options));
        if (several) {
            // Frames of two takes have the same number, and OpenEXR wants names of their own.
            std::string name = "frame" + std::to_string(frame->index);
            if (!names.insert(name).second)
                names.insert(name += "." + std::to_string(images.size()));
            images.back()->spec.attribute("oiio:subimagename", name);
        }
        specs.push_back(images.back()->spec);
        packets.push_back(images.back()->packet);
    }
    writer->threads(options.threads);

    const Temporary temporary(path);
    for (size_t i = 0; i < images.size(); ++i) {
        // OpenEXR wants to know all parts at first, TIFF takes one after another.
        const bool opened = i == 0 && several && format == "openexr"
            ? writer->open(temporary.name(), int(specs.size()), specs.data())
            : writer->open(temporary.name(), specs[i],
                           i == 0 ? OIIO::ImageOutput::Create : OIIO::ImageOutput::AppendSubimage);
        const OIIO::ImageBuf& image = *images[i]->image;
        if (!opened || !writer->write_image(image.spec().format, image.localpixels()))
            fail(writer->geterror());
    }
    if (!writer->close())
        fail(writer->geterror());
    if (format != "openexr") {
        const std::string bytes = base::read_file(temporary.name(), uint64_t(1) << 36);
        if (carries_xmp(bytes)) {
            base::write_file_atomic(path, insert_xmp(bytes, packets));
            return;
        }
    }
    temporary.put_in_place();
}

} // namespace

void frames::check_format(const std::string& format)
{
    const OIIO::TypeDesc type(format);
    const bool plain = type.numelements() == 1 && type.aggregate == OIIO::TypeDesc::SCALAR;
    if (!format.empty()
        && (!plain || type == OIIO::TypeDesc::UNKNOWN || type == OIIO::TypeDesc::STRING))
        throw UsageError("format '" + format + "' is no data type; half, float, uint8, uint16 are");
}

void frames::check_holds_several(const std::string& path)
{
    const std::unique_ptr<OIIO::ImageOutput> writer = OIIO::ImageOutput::create(path);
    if (writer && !writer->supports("multiimage"))
        throw OutputError(path + ": " + writer->format_name()
                          + " holds one image; write .exr or .tif for all frames in one file, or "
                            "number the names with #");
}

void write_frame(const Frame& frame, const std::string& path, const FrameOptions& options)
{
    write_images({&frame}, path, options);
}

void write_frames(const std::vector<Frame>& frames, const std::string& path,
                  const FrameOptions& options)
{
    if (frames.empty())
        throw OutputError(path + ": there are no frames to write");
    std::vector<const Frame*> images;
    for (const Frame& frame : frames)
        images.push_back(&frame);
    write_images(images, path, options);
}

std::string default_space(const std::string& path)
{
    const std::string name = base::lower(path);
    for (const char* ending : {".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".gif", ".bmp",
                               ".tga", ".tpic", ".jp2", ".heic", ".avif", ".ico", ".ppm", ".psd"}) {
        const std::string end = ending;
        if (name.size() >= end.size()
            && name.compare(name.size() - end.size(), end.size(), end) == 0)
            return "srgb";
    }
    return {};
}

} // namespace klio
