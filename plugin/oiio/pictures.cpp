#include "pictures.h"

#include "compat.h"

#include <OpenImageIO/imagebufalgo.h>

namespace klio::oiio {

namespace {

class FramePictures : public Pictures {
public:
    FramePictures(StoredSet set, FrameOptions options, int only_frame)
        : m_set(std::move(set)), m_options(std::move(options))
    {
        for (const StoredFrame& frame : m_set.frames)
            if (only_frame == 0 || frame.index == only_frame)
                m_frames.push_back(frame);
        if (m_frames.empty())
            throw UsageError("there is no frame " + std::to_string(only_frame) + ": job "
                             + m_set.job.substr(0, 12) + " has "
                             + std::to_string(m_set.frames.size()));
    }

    int count() const override { return int(m_frames.size()); }

    OIIO::ImageSpec spec(int subimage) const override
    {
        const StoredFrame& frame = m_frames.at(size_t(subimage));
        OIIO::ImageSpec spec = frame_spec(m_set, frame.index, m_options);
        spec.set_format(native_type(frame, spec));
        spec.attribute("oiio:ColorSpace", host_space(spec.get_string_attribute("oiio:ColorSpace")));
        spec.attribute("oiio:subimagename", "frame." + std::to_string(frame.index));
        if (count() > 1)
            spec.attribute("oiio:subimages", count());
        // Paths stay out of metadata, which travels.
        if (!m_set.missing_references.empty())
            spec.attribute("klio:missing_references", numbers(m_set.missing_references));
        return spec;
    }

    OIIO::ImageBuf pixels(int subimage) const override
    {
        const StoredFrame& frame = m_frames.at(size_t(subimage));
        return load_frame(m_set, frame.index, m_options).image;
    }

private:
    static std::string numbers(const std::vector<int>& values)
    {
        std::string text;
        for (const int value : values)
            text += (text.empty() ? "" : ", ") + std::to_string(value);
        return text;
    }

    // 8-bit code values fill half's 11 bits with room to spare; 16-bit ones do not.
    static OIIO::TypeDesc native_type(const StoredFrame& frame, const OIIO::ImageSpec& spec)
    {
        return spec.format == OIIO::TypeDesc::FLOAT && frame.bit_depth <= 8
            ? OIIO::TypeDesc(OIIO::TypeDesc::HALF)
            : spec.format;
    }

    StoredSet m_set;
    FrameOptions m_options;
    std::vector<StoredFrame> m_frames;
};

class SheetPictures : public Pictures {
public:
    SheetPictures(const StoredSet& set, const std::string& path) : m_path(path)
    {
        const auto input = OIIO::ImageInput::open(path);
        if (!input)
            throw DamagedError(path + ": the sheet can't be read (" + OIIO::geterror() + ")");
        m_spec = input->spec();
        m_spec.attribute("oiio:subimagename", "sheet");
        m_spec.attribute("oiio:ColorSpace", "sRGB");
        m_spec.attribute("klio:job", set.job);
    }

    int count() const override { return 1; }
    OIIO::ImageSpec spec(int) const override { return m_spec; }

    OIIO::ImageBuf pixels(int) const override
    {
        OIIO::ImageBuf image(m_path);
        if (!image.read(0, 0, true, m_spec.format))
            throw DamagedError(m_path + ": the sheet can't be read (" + image.geterror() + ")");
        return image;
    }

private:
    std::string m_path;
    OIIO::ImageSpec m_spec;
};

} // namespace

std::unique_ptr<Pictures> frame_pictures(StoredSet set, FrameOptions options, int only_frame)
{
    return std::make_unique<FramePictures>(std::move(set), std::move(options), only_frame);
}

std::unique_ptr<Pictures> sheet_pictures(const StoredSet& set, const std::string& path)
{
    return std::make_unique<SheetPictures>(set, path);
}

} // namespace klio::oiio
