#pragma once

#include <cstddef>
#include <memory>
#include <string>

/// \file
/// Embedded ICC profiles, by Little CMS.

namespace klio::color {

/// From the colours of a profile to sRGB, relative colorimetric with black point compensation.
/// Immutable and thread-safe; cheap to copy.
class IccTransform {
public:
    enum class Kind { none, grey, rgb, cmyk };

    /// `profile`: the bytes of an ICC profile, from anywhere: damaged ones give kind none.
    explicit IccTransform(const std::string& profile);

    Kind kind() const; ///< of the device that the profile is for
    const std::string& description() const;
    /// True where converting would change no 8-bit value by a whole step.
    bool is_srgb() const;
    /// RGBX pixels in place (grey: the first lane counts; cmyk: ink, 0–1, in all four lanes). A
    /// fourth lane that is no ink is left alone.
    void apply(float* pixels, size_t count) const;

private:
    struct Impl;
    std::shared_ptr<const Impl> m_impl;
};

} // namespace klio::color
