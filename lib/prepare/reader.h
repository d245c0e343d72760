#pragma once

#include "prepare/options.h"

#include <memory>
#include <string>
#include <vector>

/// \file
/// A picture as rows of RGBX floats, whatever file it stands in.

namespace klio::prep {

/// What is known before pixels are read. Sizes are those of the display window, as it is stored
/// (before EXIF orientation).
struct PictureInfo {
    std::string format; ///< OIIO's name: openexr, jpeg, tiff …
    int width = 0, height = 0;
    int display_x = 0, display_y = 0;
    int orientation = 1; ///< EXIF, 1–8
    double pixel_aspect = 1;
    bool shows_data = true; ///< the display window holds any pixel of the data window
    bool floating = false;  ///< half or float pixels: values may exceed 1
    bool has_alpha = false;
    std::string image_view;      ///< part or view that was chosen; empty where there is one only
    std::string colorspace;      ///< oiio:ColorSpace
    bool reader_default = false; ///< the reader says so of every file of this format
    bool has_chromaticities = false;
    float chromaticities[8] = {};
    int cicp_primaries = 0, cicp_transfer = 0; ///< ITU-T H.273; 0: not said
    std::string icc;                           ///< the embedded profile's bytes
    bool cmyk = false;                         ///< rows come as CMYK, 0 = no ink, in the four lanes
    std::vector<std::string> warnings;
};

/// One open file. Rows are asked for from top to bottom. Not thread-safe but for convert().
class Reader {
public:
    virtual ~Reader() = default;
    const PictureInfo& info() const { return m_info; }

    /// Says that the picture is going to be shrunk at least `shrink` times: a reader that can
    /// decode smaller for less work then does. Returns by how much the rows that follow are
    /// smaller (1 or less); width() and height() change with it.
    virtual double reduce(double shrink)
    {
        (void)shrink;
        return 1;
    }
    int width() const { return m_width; } ///< of the rows that read() gives
    int height() const { return m_height; }

    /// Readies the reading of rows from `y_begin` to `y_end`, columns from `x_begin` to `x_end`.
    virtual void begin(int x_begin, int x_end, int y_begin, int y_end, bool alpha, int threads) = 0;
    /// Rows that are cheap to read together.
    virtual int chunk() const { return 32; }
    /// Decodes the next `count` rows. Throws ReferenceError.
    virtual void load(int count) = 0;
    /// Row `i` of those that were loaded, as RGBX pixels. What the file has no pixels for is 0.
    /// Returns how many values were not finite (they are finite now). Thread-safe.
    virtual long long convert(int i, float* pixels) const = 0;

protected:
    PictureInfo m_info;
    int m_width = 0, m_height = 0;
};

/// Bytes of an image in a file or in memory.
struct Source {
    std::string name; ///< path, or what messages call the bytes
    const std::string* bytes = nullptr;
};

/// Opens with the reader that is fastest for what the file is. Throws ReferenceError.
std::unique_ptr<Reader> open_reader(const Source& source, const Options& options);
std::unique_ptr<Reader> open_oiio_reader(const Source& source, const Options& options);
std::unique_ptr<Reader> open_jpeg_reader(const Source& source);

/// No picture that klio reads is larger, whatever its header says.
constexpr int max_side = 65535;
constexpr double max_pixels = double(1 << 30);
/// Throws ReferenceError where a header's sizes can't be meant.
void check_size(const std::string& name, double width, double height);

} // namespace klio::prep
