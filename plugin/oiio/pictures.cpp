#include "pictures.h"

#include "compat.h"

#include "frames/provenance.h"

#include <OpenImageIO/imagebuf.h>

#include <cstring>

namespace klio::oiio {

namespace {

// A frame's way back to its colour space is made as the host reads, into the host's own memory.
class FramesRows : public Rows {
public:
    explicit FramesRows(FrameRows rows) : m_rows(std::move(rows)) { }
    const OIIO::ImageSpec& spec() const override { return m_rows.spec(); }
    void read(int begin, int end, void* rows) const override { m_rows.read(begin, end, rows); }
    size_t bytes() const override { return m_rows.bytes(); }

private:
    FrameRows m_rows;
};

class SheetsRows : public Rows {
public:
    explicit SheetsRows(OIIO::ImageBuf image) : m_image(std::move(image)) { }
    const OIIO::ImageSpec& spec() const override { return m_image.spec(); }
    void read(int begin, int end, void* rows) const override
    {
        const size_t row = m_image.spec().scanline_bytes();
        std::memcpy(rows, static_cast<const char*>(m_image.localpixels()) + size_t(begin) * row,
                    size_t(end - begin) * row);
    }
    size_t bytes() const override { return m_image.spec().image_bytes(); }

private:
    OIIO::ImageBuf m_image;
};

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
        OIIO::ImageSpec spec = frame_spec(m_set, frame.index, options_for(frame));
        spec.attribute("oiio:ColorSpace", host_space(spec.get_string_attribute("oiio:ColorSpace")));
        spec.attribute("oiio:subimagename", "frame." + std::to_string(frame.index));
        if (count() > 1)
            spec.attribute("oiio:subimages", count());
        // Paths stay out of metadata, which travels.
        if (!m_set.missing_references.empty())
            spec.attribute("klio:missing_references", numbers(m_set.missing_references));
        return spec;
    }

    std::unique_ptr<const Rows> rows(int subimage) const override
    {
        const StoredFrame& frame = m_frames.at(size_t(subimage));
        return std::make_unique<FramesRows>(FrameRows(m_set, frame.index, options_for(frame)));
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
    FrameOptions options_for(const StoredFrame& frame) const
    {
        FrameOptions options = m_options;
        options.format = frame.bit_depth <= 8 ? "half" : "float";
        return options;
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
        attach(frame_spec(set, set.frames.at(0).index, {}));
        m_spec.attribute("oiio:subimagename", "sheet");
        m_spec.attribute("oiio:ColorSpace", "sRGB");
    }

    int count() const override { return 1; }
    OIIO::ImageSpec spec(int) const override { return m_spec; }

    std::unique_ptr<const Rows> rows(int) const override
    {
        // Not as an ImageBuf of that name: OpenImageIO's cache does not see that a file was written
        // anew within a second.
        const auto input = OIIO::ImageInput::open(m_path);
        OIIO::ImageBuf image(input ? input->spec() : m_spec);
        if (!input || !image.localpixels()
            || !input->read_image(0, 0, 0, image.nchannels(), image.spec().format,
                                  image.localpixels()))
            throw DamagedError(m_path + ": the sheet can't be read ("
                               + (input ? input->geterror() : OIIO::geterror()) + ")");
        return std::make_unique<SheetsRows>(std::move(image));
    }

private:
    // What is true of all frames: where they come from, above all whether they are previews.
    void attach(const OIIO::ImageSpec& frame)
    {
        for (const OIIO::ParamValue& value : frame.extra_attribs) {
            const std::string name = value.name().string();
            const bool of_one = name == "klio:frame" || name == "klio:frame_sha256"
                || name == "klio:frame_size" || name == "klio:color_space";
            if ((name.compare(0, 5, "klio:") == 0 && !of_one)
                || name == frames::source_type_attribute)
                m_spec.extra_attribs.add_or_replace(value);
        }
    }

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
