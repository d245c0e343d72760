#pragma once

#include <klio/export.h>
#include <klio/set.h>

#include <OpenImageIO/imagebuf.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace klio {

/// What a frame is turned into on its way to a file.
struct FrameOptions {
    std::string to;      ///< colour space; default: the first reference's own, else scene-linear of
                         ///< the config; "srgb" leaves the bytes as they are
    std::string conform; ///< plate to put the frame back on; empty: not
    std::string fit;     ///< "WxH" or "WxH:MODE" with oiiotool's modes (letterbox, width, height)
    std::string match;   ///< "color", or empty
    std::string format;  ///< OIIO data type (half, float, uint8 …); default by the file format
    bool embed_prompt = false; ///< write the prompt's text into the file's metadata
    int threads = 0;
};

/// One generated image with its provenance as `klio:` attributes in the ImageBuf's spec.
struct Frame {
    OIIO::ImageBuf image;
    int index = 0; ///< 1-based
};

/// Reads a stored frame's bytes (SHA-256 checked), decodes them safely, brings them to the colour
/// space asked for, matches, conforms or fits, and attaches provenance.
///
/// The pixels are code values as they arrived (uint8 or uint16, alpha unassociated and marked as
/// such) where nothing changes them: "srgb", neither placed nor matched. Else they are float (half
/// where FrameOptions::format says "half") with associated alpha. A frame that is put on a plate
/// always has alpha, so that `over` works; its data window is the rectangle that its first
/// reference was cut from, its display window and orientation are the plate's, and its own ratio
/// decides: where it is not the reference's, it keeps its shape, centred, as large as fits. Without
/// a reference it is centred on the plate.
///
/// Thread-safe. Throws DamagedError (missing, changed or corrupt bytes), ColorError, ReferenceError
/// (plate, or nothing to match to), UsageError (an option, an index).
KLIO_API Frame load_frame(const StoredSet& set, int index, const FrameOptions& options);

/// A stored frame for who reads it row by row, as image readers do: decoded once, at construction,
/// and brought to its colour space as the rows are asked for. The pixels are those of load_frame().
/// Reading is thread-safe. The constructor throws what load_frame() throws.
class KLIO_API FrameRows {
public:
    FrameRows(const StoredSet& set, int index, const FrameOptions& options);
    ~FrameRows();
    FrameRows(FrameRows&&) noexcept;
    FrameRows& operator=(FrameRows&&) noexcept;

    const OIIO::ImageSpec& spec() const;
    /// Memory that it holds.
    size_t bytes() const;
    /// Rows [begin, end), counted from the top of the data window, into `rows`, without gaps.
    /// Throws UsageError for rows that are not there.
    void read(int begin, int end, void* rows) const;

private:
    struct Impl;
    std::unique_ptr<Impl> m_impl;
};

/// The spec that load_frame() would give, without decoding pixels: for readers that must know
/// sizes at open.
KLIO_API OIIO::ImageSpec frame_spec(const StoredSet& set, int index, const FrameOptions& options);

/// Throws whatever load_frame() and write_frame() would for these options with any frame: an
/// unknown colour space, mode, match or data type, a plate that can't be read. For a call before
/// anything is paid. `single_file`, where not empty, is where write_frames() will put several
/// frames; `record` is the first reference's (StoredReference::record), and says whether it was cut
/// from such a plate.
KLIO_API void check_frame_options(const FrameOptions& options, const std::string& single_file = {},
                                  const std::string& record = {});

/// File names for `count` frames from a pattern: '#' is four digits, '@' one, '%04d' printf's; a
/// name without one gets '.####' before its ending where count > 1. Throws UsageError for two
/// paddings.
KLIO_API std::vector<std::string> frame_names(const std::string& pattern, int count);

/// The colour space to ask for where the user named none and writes to `path`: "srgb" for formats
/// that are made for display (PNG, JPEG, WebP …), empty (FrameOptions' own default) for the others.
KLIO_API std::string default_space(const std::string& path);

/// Throws OutputError unless every file could be written: the folder exists or can be made and is
/// writable, OIIO has a writer for the ending, and nothing is there already (unless `force`).
KLIO_API void check_outputs(const std::vector<std::string>& paths, bool force);

/// Writes atomically (temporary file beside it, rename). EXR is half and zip unless
/// options.format says otherwise. Throws OutputError.
KLIO_API void write_frame(const Frame& frame, const std::string& path, const FrameOptions& options);
/// All frames as subimages of one EXR or TIFF file.
KLIO_API void write_frames(const std::vector<Frame>& frames, const std::string& path,
                           const FrameOptions& options);

} // namespace klio
