#pragma once

#include "prepare/geometry.h"

#include <vector>

/// \file
/// Gravity "attention": where the subject is.

namespace klio::prep {

/// Center of the part of a small picture that a crop of `crop_width` x `crop_height` should keep,
/// all in its pixels. `rgb`: linear Rec.709, interleaved; any exposure.
///
/// What stands out is taken for the subject: colours unlike the picture's mean (frequency-tuned
/// saliency, Achanta, Hemami, Estrada and Süsstrunk, "Frequency-tuned salient region detection",
/// CVPR 2009) and edges, both on compressed light so that lamps do not outweigh all else. What lies
/// below the mean of this measure counts nothing. The crop that holds the most of it wins, its
/// middle counting twice its border, so that the subject stands well inside. An even picture is
/// cropped at its center. It knows nothing of faces or of meaning.
Point find_subject(const std::vector<float>& rgb, int width, int height, double crop_width,
                   double crop_height);

} // namespace klio::prep
