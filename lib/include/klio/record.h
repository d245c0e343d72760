#pragma once

#include <klio/export.h>

#include <string>

namespace klio {

/// The colour half of a prepared reference's record.
struct ColorRecord {
    std::string source_space; ///< e.g. "ACEScg"
    std::string decided_by;   ///< "flag", "metadata oiio:ColorSpace", "chromaticities", "icc",
                              ///< "cicp", "file rule", "default"
    std::string policy = "texture"; ///< texture, view, compress, icc
    double exposure = 0;            ///< stops, applied in scene-linear before the policy
    double peak = 1;                ///< compress: the scene-linear value that becomes 1
    std::string display, view;      ///< view: of the config
    std::string config;             ///< name of the OCIO config
    std::string config_id;          ///< its identity: OCIO's cache id
    double clipped = 0;       ///< share of pixels with a channel above 1 that was clipped, 0–1
    double out_of_gamut = 0;  ///< share of pixels with a channel clearly below 0: texture, compress
    long long not_finite = 0; ///< NaN and infinite values that were made finite
    std::string icc_profile;  ///< policy icc: the profile's own description
};

/// How a reference was made: what prepare() did, from which the way back follows exactly.
struct PrepareRecord {
    int v = 1; ///< of this form
    ColorRecord color;
    std::string source_sha256;               ///< of the source file's bytes; empty for memory
    int source_width = 0, source_height = 0; ///< the display window, after orientation
    int display_x = 0, display_y = 0;        ///< its origin
    int orientation = 1;                     ///< EXIF orientation that was applied, 1–8
    std::string fit = "crop";                ///< crop, pad, none
    /// The rectangle of the source that the prepared image shows, in pixels of the upright display
    /// window, from its top left corner; beyond it where fit is pad.
    double crop_x = 0, crop_y = 0, crop_width = 0, crop_height = 0;
    int width = 0, height = 0; ///< of the prepared image
    std::string
        aspect_ratio;        ///< one of the eight that it was cropped or padded to; fit none: empty
    double pixel_aspect = 1; ///< of the source (width by height of one pixel); the prepared image
                             ///< has square ones, so crop_width × pixel_aspect : crop_height is
                             ///< what is seen
    std::string image_view;  ///< part or view that was chosen; empty: the first
    std::string codec;       ///< "jpeg" or "png"
    int quality = 0;         ///< of the JPEG; 0 for PNG
    std::string matte;
};

KLIO_API std::string to_json(const PrepareRecord& record);
/// Throws UsageError where `json` is no such record.
KLIO_API PrepareRecord prepare_record_from_json(const std::string& json);

} // namespace klio
