#pragma once

#include "color/config.h"

#include <cstddef>
#include <functional>
#include <string>

/// \file
/// Transforms in a row. For the color floor alone: no OCIO type leaves it.

namespace klio::color {

/// Works on `count` interleaved pixels of 3 or 4 channels in place; empty: nothing to do.
using Step = std::function<void(float* pixels, size_t count, int channels)>;

/// A list of OCIO transforms that becomes one processor. Throws ColorError where the config has no
/// hub by which a space could be reached.
class Chain {
public:
    explicit Chain(const WorkingConfig& working);

    void add(const OCIO::ConstTransformRcPtr& transform);
    /// Stops of exposure, in linear light.
    void add_gain(double stops);
    /// IEC 61966-2-1 on linear Rec.709, or its inverse; negative values are mirrored, so that what
    /// is out of gamut survives the way.
    void add_srgb_curve(bool encode);
    void space_to_linear709(const std::string& space);
    void linear709_to_space(const std::string& space);
    /// Any space to any other of the config.
    void space_to_space(const std::string& from, const std::string& to);

    /// `exact`: without the fast inverses and powers that are meant for looking.
    Step step(bool exact) const;

private:
    void require_hub(const std::string& space) const;
    void space_to_hub(const std::string& space);
    void hub_to_space(const std::string& space);

    const WorkingConfig& m_working;
    OCIO::GroupTransformRcPtr m_group;
};

} // namespace klio::color
