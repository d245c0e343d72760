#pragma once

#include <klio/export.h>
#include <klio/set.h>

#include <OpenImageIO/imagebuf.h>

#include <map>
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
/// space asked for, conforms, matches, and attaches provenance. Thread-safe. Throws DamagedError,
/// ColorError, ReferenceError (plate).
KLIO_API Frame load_frame(const StoredSet& set, int index, const FrameOptions& options);

/// The spec that load_frame() would give, without decoding pixels: for readers that must know
/// sizes at open.
KLIO_API OIIO::ImageSpec frame_spec(const StoredSet& set, int index, const FrameOptions& options);

/// File names for `count` frames from a pattern: '#' is four digits, '@' one, '%04d' printf's; a
/// name without one gets '.####' before its ending where count > 1. Throws UsageError for two
/// paddings.
KLIO_API std::vector<std::string> frame_names(const std::string& pattern, int count);

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
