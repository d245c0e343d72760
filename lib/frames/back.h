#pragma once

#include "color/transform.h"
#include "frames/decode.h"

#include <OpenImageIO/imagebuf.h>

#include <memory>
#include <optional>
#include <string>

namespace klio::frames {

/// What the space is called where code values stay as they arrived.
constexpr const char* srgb_space = "sRGB";

/// The way back for a frame: from its 8- or 16-bit display code values to a colour space.
struct WayBack {
    /// Empty where the code values stay as they are.
    std::optional<color::Processor> processor;
    std::string space; ///< what the pixels are in afterwards
};

/// `record` is the first reference's colour record, or null where it has none; `to` is
/// FrameOptions::to. Throws ColorError.
WayBack way_back(const ColorRecord* record, const std::string& to);

/// The largest value that white code values give: what no frame can be brighter than.
float brightest(const WayBack& back);

/// Rows of code values on their way back. Fast where the transform is a curve for each channel and
/// then a matrix: such a one is summed up from three tables of 256 entries, which are made from the
/// processor itself and compared with it before they are trusted. Any other transforms each colour
/// once. Immutable, thread-safe.
class RowsBack {
public:
    /// `processor` may be null: then code values become floats, 0–1, and no more.
    RowsBack(Codes codes, const color::Processor* processor, int threads);
    ~RowsBack();
    RowsBack(RowsBack&&) noexcept;

    /// Memory that they take.
    size_t bytes() const;
    /// Rows [begin, end) into `out`, without gaps, as float or, rounded from that, half; alpha,
    /// unassociated in the code values, is associated.
    void read(int begin, int end, OIIO::TypeDesc format, void* out, int threads) const;

private:
    struct Impl;
    std::unique_ptr<const Impl> m_impl;
};

/// All rows as an image of float or half pixels.
OIIO::ImageBuf apply_back(const WayBack& back, const OIIO::ImageBuf& image, int threads,
                          OIIO::TypeDesc format = OIIO::TypeDesc::FLOAT);

/// uint8 or uint16 code values as float, 0–1, alpha associated.
OIIO::ImageBuf to_float(const OIIO::ImageBuf& image, int threads);

} // namespace klio::frames
