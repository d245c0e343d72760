#pragma once

#include <klio/record.h>

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

/// \file
/// Which transform there, which one back. OCIO does the mathematics.

namespace klio::color {

/// Turns rows of interleaved float pixels in place. Immutable and thread-safe; cheap to copy.
class Processor {
public:
    struct Impl;
    explicit Processor(std::shared_ptr<const Impl> impl = nullptr) : m_impl(std::move(impl)) { }
    bool is_noop() const;
    /// `channels` 3 or 4; a fourth channel is left alone.
    void apply(float* pixels, size_t count, int channels) const;

private:
    std::shared_ptr<const Impl> m_impl;
};

/// The working config: $OCIO, else klio's own (builtin transforms only). Throws ColorError where
/// $OCIO does not parse.
struct ConfigInfo {
    std::string name, id, scene_linear, default_display, default_view;
    std::vector<std::string> spaces;
};
ConfigInfo config_info();

/// From the source space to display code values (sRGB texture, or the view), as `record` says.
Processor there(const ColorRecord& record);
/// From 8/16-bit display code values in 0–1 back to `to_space`: the inverse of there(record), then
/// source space to `to_space`. `to_space` empty: the record's own source space. "srgb": the code
/// values as they are.
Processor back(const ColorRecord& record, const std::string& to_space);
/// The record of a frame that had no reference: sRGB texture in, scene-linear of the config.
ColorRecord default_record();
/// From any space of the config to sRGB for looking at: the view for scene-linear, plain otherwise.
Processor to_display(const std::string& space);
/// From the record's source space to linear Rec.709, exposure applied: where highlights and
/// exposure are measured.
Processor to_linear(const ColorRecord& record);
/// True where there(record), policy texture, is to_linear(record) and then the sRGB curve: not
/// where the source is sRGB already, or data.
bool is_linear_way(const ColorRecord& record);
/// The config's name for `space` (aliases and roles resolved, case-insensitive); throws ColorError
/// with the nearest names where there is none. A name made by chromaticities_space() stands for
/// itself.
std::string resolve_space(const std::string& space);

/// True where the config takes `space` for scene-linear. False for unknown names.
bool is_scene_linear(const std::string& space);

/// A linear space that no config need know, by the CIE xy of red, green, blue and white (eight
/// numbers, in that order), as a name that all functions here take in place of a config's own:
/// "chromaticities(0.64,0.33,…)".
std::string chromaticities_space(const float* xy);
bool is_chromaticities(const std::string& space);

/// The view and display of a view-policy record, filled in and checked: empty ones become the
/// config's defaults. Throws ColorError with the names that there are.
void resolve_view(std::string& display, std::string& view);

} // namespace klio::color
