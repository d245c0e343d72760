#pragma once

#include <string>

/// \file
/// Which colour space an image is in, and who says so.

namespace klio::color {

/// What is known of an image's colours before its pixels are looked at.
struct SourceHints {
    std::string path;            ///< for the config's file rules
    std::string flag;            ///< --from; wins over everything else
    std::string colorspace;      ///< oiio:ColorSpace
    bool reader_default = false; ///< `colorspace` is what the reader says of every file of its
                                 ///< kind, so it is no statement about this one
    int cicp_primaries = 0;      ///< ITU-T H.273's ColourPrimaries; 0 or 2: not said
    int cicp_transfer = 0;       ///< and TransferCharacteristics
    bool has_chromaticities = false;
    float chromaticities[8] = {}; ///< CIE xy of red, green, blue, white
    bool floating = false;        ///< half or float pixels
};

struct SourceChoice {
    std::string space;
    std::string decided_by; ///< as in ColorRecord
    std::string warning;    ///< empty, or what a person should know about the choice
};

/// Flag, then metadata (CICP, oiio:ColorSpace, chromaticities), then the config's file rules, then
/// what its pixel type suggests: sRGB for integers, the config's scene_linear for floats. A Default
/// file rule that would take integer pixels for scene-linear, or anything for data, decides
/// nothing. Throws ColorError where the flag names no space of the config.
SourceChoice choose_source(const SourceHints& hints);

} // namespace klio::color
