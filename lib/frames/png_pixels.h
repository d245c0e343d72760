#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>

namespace klio::frames {

/// How a PNG's pixels are stored.
struct PngLayout {
    int width = 0, height = 0;
    int channels = 3;  ///< 3 or 4: truecolour, without or with alpha
    int bit_depth = 8; ///< 8 or 16
};

/// Pixels where they were decoded.
struct PngPixels {
    struct Free {
        void operator()(uint8_t* memory) const { std::free(memory); }
    };
    std::unique_ptr<uint8_t, Free> memory;
    const uint8_t* first = nullptr; ///< the top row
    size_t stride = 0;              ///< bytes from row to row
};

/// The common PNG (truecolour of 8 or 16 bits, not interlaced) by libdeflate, which inflates some
/// three times as fast as the zlib that libpng uses; 16 bits in this machine's byte order. `bytes`
/// is a file whose chunks check_image() has walked.
///
/// False where anything at all is unusual: libpng then decodes the file, and is the one to say what
/// is wrong with it.
bool read_png_pixels(const std::string& bytes, const PngLayout& layout, PngPixels& pixels);

} // namespace klio::frames
