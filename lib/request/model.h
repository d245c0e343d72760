#pragma once

#include <cstddef>
#include <string>
#include <vector>

/// \file
/// What is known of kling-image-o1, in one place (contract: "The request", "Money").

namespace klio::kling {

constexpr size_t max_prompt = 2500;   ///< characters (grade D)
constexpr size_t max_references = 10; ///< (P)
constexpr int max_images = 9;         ///< (P)
constexpr int image_to_image_credits = 6;
constexpr int multi_shot_credits = 16;
constexpr int min_side = 300;                      ///< pixels, of a reference (D)
constexpr double max_aspect = 2.5;                 ///< of a reference, exclusive (D)
constexpr size_t max_reference_bytes = 10'000'000; ///< "10 MB", the smaller reading (D)

inline const std::vector<std::string>& types()
{
    static const std::vector<std::string> values = {"image-to-image", "ai-multi-shot"};
    return values;
}

inline const std::vector<std::string>& resolutions()
{
    static const std::vector<std::string> values = {"1k", "2k"};
    return values;
}

/// The body's fields.
inline const std::vector<std::string>& fields()
{
    static const std::vector<std::string> values
        = {"model", "prompt", "type", "images", "aspect_ratio", "resolution", "num_images"};
    return values;
}

} // namespace klio::kling
