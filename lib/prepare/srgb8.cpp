#include "prepare/srgb8.h"

#include <array>
#include <cmath>
#include <cstdint>
#include <cstring>

namespace klio::prep {

namespace {

// Floats from 2^-13 to 1 fall into buckets by their exponent and first 8 bits of mantissa. Codes
// lie at least 0.8 % apart and buckets are at most 0.4 % wide, so at most one change of code falls
// into each: the bucket's first code and where it changes say all.
constexpr int lowest_exponent = -13;
constexpr int mantissa_bits = 8;
constexpr uint32_t first_bucket = uint32_t(127 + lowest_exponent) << mantissa_bits;
constexpr size_t buckets = size_t(-lowest_exponent) << mantissa_bits;

struct Bucket {
    float change; ///< from here on the code is one higher
    unsigned char code;
};

double decode(double code)
{
    return code <= 0.04045 ? code / 12.92 : std::pow((code + 0.055) / 1.055, 2.4);
}

struct Table {
    std::array<Bucket, buckets> entries;
    Table()
    {
        // changes[k]: from this linear value on the code is k + 1.
        std::array<float, 256> changes {};
        for (int k = 0; k < 255; ++k)
            changes[size_t(k)] = float(decode((k + 0.5) / 255));
        changes[255] = HUGE_VALF;
        for (size_t i = 0; i < buckets; ++i) {
            const uint32_t bits = (first_bucket + uint32_t(i)) << (23 - mantissa_bits);
            float begin;
            std::memcpy(&begin, &bits, sizeof begin);
            unsigned code = 0;
            while (changes[code] <= begin)
                ++code;
            entries[i] = {changes[code], static_cast<unsigned char>(code)};
        }
    }
};

} // namespace

void linear_to_srgb8(const float* rgb, size_t count, int channels, unsigned char* out)
{
    static const Table table;
    for (size_t i = 0; i < count; ++i, rgb += channels, out += 3)
        for (int c = 0; c < 3; ++c) {
            const float value = rgb[c];
            if (!(value >= 0x1p-13f)) {
                out[c] = 0;
            } else if (value >= 1) {
                out[c] = 255;
            } else {
                uint32_t bits;
                std::memcpy(&bits, &value, sizeof bits);
                const Bucket& bucket = table.entries[(bits >> (23 - mantissa_bits)) - first_bucket];
                out[c] = static_cast<unsigned char>(bucket.code + (value >= bucket.change));
            }
        }
}

} // namespace klio::prep
