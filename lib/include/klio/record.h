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
    double clipped = 0;             ///< share of pixels with a channel clipped on the way, 0–1
    long long not_finite = 0;       ///< NaN and infinite values that were made finite
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
    std::string codec;         ///< "jpeg" or "png"
    int quality = 0;           ///< of the JPEG; 0 for PNG
    std::string matte;
};

KLIO_API std::string to_json(const PrepareRecord& record);
/// Throws UsageError where `json` is no such record.
KLIO_API PrepareRecord prepare_record_from_json(const std::string& json);

} // namespace klio
