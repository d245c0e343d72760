#include "frames/back.h"

#include "base/encoding.h"
#include "frames/color_memo.h"
#include "frames/rows.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <vector>

namespace klio::frames {

namespace {

// Three tables, one for each channel that comes in: what its code value adds to each channel that
// goes out. The fourth lane keeps the sums in whole vectors.
struct Tables {
    std::array<std::array<std::array<float, 4>, 256>, 3> add {};

    void apply(const uint8_t* in, int channels, float* out) const
    {
        const auto& r = add[0][in[0]];
        const auto& g = add[1][in[1]];
        const auto& b = add[2][in[2]];
        for (size_t c = 0; c < 3; ++c)
            out[c] = r[c] + g[c] + b[c];
        if (channels == 4) {
            const float alpha = float(in[3]) / 255.0F;
            for (size_t c = 0; c < 3; ++c)
                out[c] *= alpha;
            out[3] = alpha;
        }
    }
};

// The tables, or none where the transform is not a sum over its channels.
std::optional<Tables> make_tables(const color::Processor& processor)
{
    std::vector<float> ramp(3 * 256 * 3, 0.0F);
    for (size_t channel = 0; channel < 3; ++channel)
        for (size_t v = 0; v < 256; ++v)
            ramp[(channel * 256 + v) * 3 + channel] = float(v) / 255.0F;
    processor.apply(ramp.data(), 3 * 256, 3);
    Tables tables;
    for (size_t channel = 0; channel < 3; ++channel)
        for (size_t v = 0; v < 256; ++v)
            for (size_t c = 0; c < 3; ++c) {
                // What black alone gives is counted once, with the first channel.
                const float black = channel == 0 ? 0.0F : ramp[c];
                tables.add[channel][v][c] = ramp[(channel * 256 + v) * 3 + c] - black;
            }

    std::vector<uint8_t> codes;
    uint32_t state = 1;
    for (int i = 0; i < 1024; ++i)
        for (int c = 0; c < 3; ++c) {
            state = state * 1664525U + 1013904223U; // Knuth's and Lewis' linear congruence
            codes.push_back(uint8_t(i < 256 ? i : state >> 24));
        }
    std::vector<float> expected(codes.begin(), codes.end());
    for (float& value : expected)
        value /= 255.0F;
    processor.apply(expected.data(), expected.size() / 3, 3);
    float peak = 0;
    for (const float value : expected) {
        if (!std::isfinite(value))
            return std::nullopt;
        peak = std::max(peak, std::abs(value));
    }
    for (size_t i = 0; i < expected.size(); i += 3) {
        std::array<float, 3> got {};
        tables.apply(&codes[i], 3, got.data());
        for (size_t c = 0; c < 3; ++c)
            if (!(std::abs(got[c] - expected[i + c])
                  <= 1e-6F * peak + 1e-5F * std::abs(expected[i + c])))
                return std::nullopt;
    }
    return tables;
}

OIIO::ImageBuf float_image(const OIIO::ImageBuf& image)
{
    OIIO::ImageSpec spec(image.spec().width, image.spec().height, image.spec().nchannels,
                         OIIO::TypeDesc::FLOAT);
    return OIIO::ImageBuf(spec, OIIO::InitializePixels::No);
}

template <typename T> void load_row(const T* in, float* out, size_t count)
{
    constexpr float scale = sizeof(T) == 1 ? 1.0F / 255.0F : 1.0F / 65535.0F;
    for (size_t i = 0; i < count; ++i)
        out[i] = float(in[i]) * scale;
}

void associate(float* pixels, size_t count)
{
    for (size_t i = 0; i < count; ++i, pixels += 4)
        for (size_t c = 0; c < 3; ++c)
            pixels[c] *= pixels[3];
}

OIIO::ImageBuf convert(const OIIO::ImageBuf& image, const color::Processor* processor, int threads)
{
    OIIO::ImageBuf result = float_image(image);
    const int width = image.spec().width;
    const int channels = image.spec().nchannels;
    const bool wide = image.spec().format == OIIO::TypeDesc::UINT16;
    std::optional<Tables> tables;
    std::optional<ColorMemo> memo;
    // Both have costs of their own, which small pictures don't earn back.
    if (processor && !wide && image.spec().image_pixels() > 16384) {
        tables = make_tables(*processor);
        if (!tables && image.spec().image_pixels() > 262144)
            memo.emplace(image, *processor, threads);
    }
    const size_t row = size_t(width) * size_t(channels);
    parallel_rows(image.spec().height, threads, [&](int begin, int end) {
        for (int y = begin; y < end; ++y) {
            const void* in = image.pixeladdr(0, y);
            auto* out = static_cast<float*>(result.pixeladdr(0, y));
            if (tables) {
                const auto* codes = static_cast<const uint8_t*>(in);
                for (int x = 0; x < width; ++x, codes += channels, out += channels)
                    tables->apply(codes, channels, out);
                continue;
            }
            if (memo) {
                const auto* codes = static_cast<const uint8_t*>(in);
                for (int x = 0; x < width; ++x, codes += channels, out += channels) {
                    const float alpha = channels == 4 ? float(codes[3]) / 255.0F : 1.0F;
                    const float* value = memo->find(codes);
                    for (size_t c = 0; c < 3; ++c)
                        out[c] = value[c] * alpha;
                    if (channels == 4)
                        out[3] = alpha;
                }
                continue;
            }
            if (wide)
                load_row(static_cast<const uint16_t*>(in), out, row);
            else
                load_row(static_cast<const uint8_t*>(in), out, row);
            if (processor)
                processor->apply(out, size_t(width), channels);
            if (channels == 4)
                associate(out, size_t(width));
        }
    });
    return result;
}

} // namespace

WayBack way_back(const ColorRecord* record, const std::string& to)
{
    WayBack back;
    const std::string lower = base::lower(to);
    if (lower == "srgb") {
        back.space = srgb_space;
        return back;
    }
    const ColorRecord used = record ? *record : color::default_record();
    if (!to.empty())
        back.space = color::resolve_space(to);
    else
        back.space = record && !record->source_space.empty() ? record->source_space
                                                             : color::config_info().scene_linear;
    color::Processor processor = color::back(used, back.space);
    if (!processor.is_noop())
        back.processor = processor;
    return back;
}

float brightest(const WayBack& back)
{
    std::array<float, 3> white = {1, 1, 1};
    if (back.processor)
        back.processor->apply(white.data(), 1, 3);
    return std::max({white[0], white[1], white[2]});
}

OIIO::ImageBuf apply_back(const WayBack& back, const OIIO::ImageBuf& image, int threads)
{
    return convert(image, back.processor ? &*back.processor : nullptr, threads);
}

OIIO::ImageBuf to_float(const OIIO::ImageBuf& image, int threads)
{
    return convert(image, nullptr, threads);
}

} // namespace klio::frames
