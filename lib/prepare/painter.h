#pragma once

#include "color/transform.h"
#include "prepare/measure.h"

#include <atomic>
#include <cstddef>
#include <mutex>
#include <optional>

/// \file
/// The last step of a picture's colours: from its source space to bytes.

namespace klio::prep {

/// Paints rows as a record says, counting what is cut off on the way. Thread-safe.
class Painter {
public:
    /// `measures`: the light of what is painted is wanted too.
    Painter(const ColorRecord& record, bool measures);

    /// `rgb` is worked on in place; `out` gets three bytes a pixel.
    void paint(float* rgb, size_t count, int channels, unsigned char* out);

    double above(double pixels) const { return double(m_above) / pixels; }
    double below(double pixels) const { return double(m_below) / pixels; }
    /// Of all that was painted, the record's exposure applied. Not while paint() runs.
    const Light& light() const { return m_light; }

private:
    void tally(const float* rgb, size_t pixels, int channels);
    void measure(const float* rgb, size_t pixels, int channels);

    bool m_curve; ///< the processor ends in linear light, and the curve's table does the rest
    bool m_counts;
    bool m_measures;
    color::Processor m_processor;
    std::optional<color::Processor> m_linear; ///< where the way itself does not pass linear light
    std::atomic<long long> m_above {0}, m_below {0};
    std::mutex m_mutex;
    Light m_light;
};

/// Display code values as bytes, the nearest; what is outside 0–1, and NaN, is cut off.
void to_bytes(const float* rgb, size_t count, int channels, unsigned char* out);

} // namespace klio::prep
