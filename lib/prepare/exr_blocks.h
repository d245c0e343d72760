#pragma once

#include "prepare/reader.h"

#include <memory>
#include <string>
#include <vector>

/// \file
/// Pixels of zipped OpenEXR scanlines, faster than OpenEXR's own way to them.

namespace klio::prep {

/// Which part, rows and channels of an OpenEXR file are wanted.
struct ExrWanted {
    int part = 0;
    int x = 0, y = 0, width = 0, height = 0; ///< the data window that its reader saw
    std::string red, green, blue;            ///< names as they stand in the file
    std::string alpha;                       ///< empty: none, the fourth lane is 0
};

/// The blocks of a scanline part that is compressed by ZIP or ZIPS and whose wanted channels are
/// all half. OpenEXR 3.1 spends most of a plate's time in zlib, in gathering bytes and in memory
/// that it asks for anew for each block; here libdeflate inflates, the predictor is undone 16 bytes
/// at a time, and halves become floats from where the predictor left them, so that nothing is
/// copied in between. OpenEXR's core library still reads the header and finds the blocks.
class ExrBlocks {
public:
    /// Null where the part is none of this kind, or its header is not what `wanted` says.
    static std::unique_ptr<ExrBlocks> open(const Source& source, const ExrWanted& wanted);
    virtual ~ExrBlocks() = default;

    /// Rows that are compressed together; blocks begin at the data window's first row.
    virtual int block_rows() const = 0;
    /// Decodes rows `first` to `last` (of the data window's coordinates), whole blocks of them, and
    /// drops those before. False where a block is missing or damaged: what was loaded before is
    /// gone then, and OpenImageIO has to say what is wrong.
    virtual bool load(int first, int last, int threads) = 0;
    /// `count` pixels of a loaded row from column `x` on, as RGBX floats by the rules of
    /// convert_row(). Returns how many values were not finite. Thread-safe.
    virtual long long convert(int y, int x, int count, float* pixels) const = 0;
};

} // namespace klio::prep
