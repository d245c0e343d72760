#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

/// \file
/// Files of kinds that OpenImageIO does not write, made byte by byte or by the formats' libraries.

namespace pictures {

/// A TIFF of one uncompressed strip, little-endian.
struct Tiff {
    int width = 320, height = 320;
    int samples = 1, bits = 8;
    int photometric = 1;          ///< 0 white is zero, 1 black is zero, 2 RGB, 3 palette, 5 CMYK
    std::string data;             ///< rows, each padded to whole bytes
    std::vector<uint16_t> colors; ///< the palette: all reds, all greens, all blues
    std::string icc;
};
std::string write_tiff(const std::string& name, const Tiff& tiff);

/// A PNG with a palette of `colors` (RGB) at `bits` an index (1, 2, 4 or 8); `indices` has one a
/// pixel.
std::string write_palette_png(const std::string& name, int width, int height, int bits,
                              const std::vector<std::array<unsigned char, 3>>& colors,
                              const std::vector<unsigned char>& indices);

enum class Ink { plain, adobe, ycck };
/// A JPEG of one colour of ink (0–255): as it is, or as Adobe's programs write it, which is
/// inverted.
std::string write_cmyk_jpeg(const std::string& name, const std::array<unsigned char, 4>& ink,
                            Ink kind, const std::string& icc);

/// A profile of a press whose inks are far from what plain arithmetic makes of them.
std::string cmyk_profile();
/// What Little CMS makes of one ink under that profile, in 8-bit sRGB.
std::array<int, 3> through_profile(const std::array<unsigned char, 4>& ink);

} // namespace pictures
