#include "prepare/pixels.h"

#include "prepare/half.h"
#include "prepare/simd.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <vector>

namespace klio::prep {

namespace {

// One run of values as floats, not yet made finite.
KLIO_CLONES void from_half(const uint16_t* in, float* out, int count)
{
    for (int i = 0; i < count; ++i)
        out[i] = half_to_float(in[i]);
}

// Film plates are half RGB: their rows are converted, checked and spread to four lanes in one go, a
// pixel (and the first value of the next) at a time. Returns how many pixels were done: those
// before the first 16 with a value that is not finite, and never the last one.
KLIO_CLONES int from_half_rgb(const uint16_t* in, float* out, int width)
{
    typedef uint16_t Short4 __attribute__((vector_size(8)));
    constexpr int pixels = 16;
    int x = 0;
    for (; x + pixels < width; x += pixels) {
        Int4 not_finite = {};
        for (int i = 0; i < pixels; ++i, in += 3, out += 4) {
            Short4 half;
            std::memcpy(&half, in, sizeof half);
            const Int4 bits = __builtin_convertvector(half, Int4);
            const Int4 magnitude = (bits & 0x7fff) << 13;
            const Int4 sign = (bits & 0x8000) << 16;
            const Int4 value = Int4(Float4(magnitude) * 0x1p112f) | sign;
            const Int4 mask = {-1, -1, -1, 0};
            not_finite |= (bits & 0x7c00) == 0x7c00;
            store4(out, Float4(value & mask));
        }
        if (not_finite[0] | not_finite[1] | not_finite[2] | not_finite[3])
            break;
    }
    return x;
}

KLIO_CLONES void from_uint8(const uint8_t* in, float* out, int count)
{
    for (int i = 0; i < count; ++i)
        out[i] = float(in[i]) * (1.0f / 255);
}

KLIO_CLONES void from_uint16(const uint16_t* in, float* out, int count)
{
    for (int i = 0; i < count; ++i)
        out[i] = float(in[i]) * (1.0f / 65535);
}

KLIO_CLONES int make_finite(float* values, int count)
{
    int bad = 0;
    for (int i = 0; i < count; ++i)
        values[i] = made_finite(values[i], bad);
    return bad;
}

// OpenEXR's luminance-chroma: RY = (R - Y) / Y, BY = (B - Y) / Y, with Rec.709's weights
// ("Technical Introduction to OpenEXR", Luminance/Chroma Images).
void to_rgb(float* pixels, int width)
{
    for (int x = 0; x < width; ++x, pixels += 4) {
        const float y = pixels[0];
        const float r = (pixels[1] + 1) * y, b = (pixels[2] + 1) * y;
        pixels[0] = r;
        pixels[1] = (y - 0.2126f * r - 0.0722f * b) / 0.7152f;
        pixels[2] = b;
    }
}

} // namespace

long long convert_row(const void* in, const PixelLayout& layout, float* out, int width)
{
    const bool in_order = layout.red == 0 && layout.green == 1 && layout.blue == 2;
    if (layout.type == PixelType::half && in_order && layout.channels == 3
        && !layout.luminance_chroma) {
        const int done = from_half_rgb(static_cast<const uint16_t*>(in), out, width);
        in = static_cast<const uint16_t*>(in) + 3 * size_t(done);
        out += 4 * size_t(done);
        width -= done;
        if (width == 0)
            return 0;
    }
    static thread_local std::vector<float> values;
    const int count = width * layout.channels;
    values.resize(size_t(count) + 4);
    switch (layout.type) {
    case PixelType::uint8:
        from_uint8(static_cast<const uint8_t*>(in), values.data(), count);
        break;
    case PixelType::uint16:
        from_uint16(static_cast<const uint16_t*>(in), values.data(), count);
        break;
    case PixelType::half:
        from_half(static_cast<const uint16_t*>(in), values.data(), count);
        break;
    case PixelType::float32:
        std::memcpy(values.data(), in, size_t(count) * sizeof(float));
        break;
    }
    long long bad = 0;
    if (layout.type == PixelType::half || layout.type == PixelType::float32)
        bad = make_finite(values.data(), count);

    const float* from = values.data();
    if (in_order && layout.alpha < 0) {
        const Int4 mask = {-1, -1, -1, 0};
        for (int x = 0; x < width; ++x, from += layout.channels)
            store4(out + 4 * x, Float4(Int4(load4(from)) & mask));
    } else if (in_order && layout.alpha == 3 && layout.channels == 4) {
        std::memcpy(out, from, size_t(width) * 4 * sizeof(float));
    } else {
        for (int x = 0; x < width; ++x, from += layout.channels) {
            out[4 * x] = from[layout.red];
            out[4 * x + 1] = from[layout.green];
            out[4 * x + 2] = from[layout.blue];
            out[4 * x + 3] = layout.alpha >= 0 ? from[layout.alpha] : 0;
        }
    }
    if (layout.luminance_chroma) {
        to_rgb(out, width);
        make_finite(out, width * 4);
    }
    return bad;
}

} // namespace klio::prep
