#include "frames/back.h"

#include "base/encoding.h"
#include "frames/blank.h"
#include "frames/color_memo.h"
#include "frames/half.h"
#include "frames/rows.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <vector>

namespace klio::frames {

namespace {

typedef float Float4 __attribute__((vector_size(16)));

// Three tables, one for each channel that comes in: what its code value adds to each channel that
// goes out. The fourth lane keeps the sums in whole vectors.
struct Tables {
    std::array<std::array<std::array<float, 4>, 256>, 3> add {};

    /// A pixel's three channels; writes a fourth one without meaning.
    void apply(const uint8_t* in, float* out) const
    {
        Float4 r, g, b;
        std::memcpy(&r, add[0][in[0]].data(), sizeof r);
        std::memcpy(&g, add[1][in[1]].data(), sizeof g);
        std::memcpy(&b, add[2][in[2]].data(), sizeof b);
        const Float4 sum = r + g + b;
        std::memcpy(out, &sum, sizeof sum);
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
        std::array<float, 4> got {};
        tables.apply(&codes[i], got.data());
        for (size_t c = 0; c < 3; ++c)
            if (!(std::abs(got[c] - expected[i + c])
                  <= 1e-6F * peak + 1e-5F * std::abs(expected[i + c])))
                return std::nullopt;
    }
    return tables;
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

struct RowsBack::Impl {
    Codes codes;
    const color::Processor processor;
    bool changes = false; ///< the processor is one
    std::optional<Tables> tables;
    std::optional<ColorMemo> memo;

    /// One row of floats; `out` has room for one more than there are.
    void turn(const uint8_t* in, float* out) const
    {
        const auto width = size_t(codes.width);
        const auto channels = size_t(codes.channels);
        if (tables || memo) {
            for (size_t x = 0; x < width; ++x, in += channels, out += channels) {
                if (tables)
                    tables->apply(in, out);
                else
                    std::copy_n(memo->find(in), 3, out);
                if (channels == 4) {
                    const float alpha = float(in[3]) / 255.0F;
                    for (size_t c = 0; c < 3; ++c)
                        out[c] *= alpha;
                    out[3] = alpha;
                }
            }
            return;
        }
        if (codes.wide)
            load_row(reinterpret_cast<const uint16_t*>(in), out, width * channels);
        else
            load_row(in, out, width * channels);
        if (changes)
            processor.apply(out, width, int(channels));
        if (channels == 4)
            associate(out, width);
    }
};

RowsBack::RowsBack(Codes codes, const color::Processor* processor, int threads)
{
    auto impl = std::make_unique<Impl>(Impl {std::move(codes),
                                             processor ? *processor : color::Processor(),
                                             processor != nullptr, std::nullopt, std::nullopt});
    const Codes& in = impl->codes;
    const int64_t pixels = int64_t(in.width) * in.height;
    // Both have costs of their own, which small pictures don't earn back.
    if (processor && !in.wide && pixels > 16384) {
        impl->tables = make_tables(*processor);
        if (!impl->tables && pixels > 262144)
            impl->memo.emplace(in, *processor, threads);
    }
    m_impl = std::move(impl);
}

RowsBack::~RowsBack() = default;
RowsBack::RowsBack(RowsBack&&) noexcept = default;

size_t RowsBack::bytes() const
{
    return m_impl->codes.bytes() + (m_impl->memo ? m_impl->memo->bytes() : 0);
}

void RowsBack::read(int begin, int end, OIIO::TypeDesc format, void* out, int threads) const
{
    const Impl& impl = *m_impl;
    const size_t row = size_t(impl.codes.width) * size_t(impl.codes.channels);
    const bool half = format == OIIO::TypeDesc::HALF;
    parallel_rows(end - begin, threads, [&](int first, int last) {
        std::vector<float> floats(row + 1);
        for (int y = first; y < last; ++y) {
            impl.turn(impl.codes.row(begin + y), floats.data());
            if (half)
                to_half(floats.data(), row, static_cast<uint16_t*>(out) + size_t(y) * row);
            else
                std::copy_n(floats.data(), row, static_cast<float*>(out) + size_t(y) * row);
        }
    });
}

namespace {

OIIO::ImageBuf convert(const OIIO::ImageBuf& image, const color::Processor* processor, int threads,
                       OIIO::TypeDesc format)
{
    const OIIO::ImageSpec& in = image.spec();
    // The image outlives this call, so the rows need not own it.
    Codes codes;
    codes.first = static_cast<const uint8_t*>(image.localpixels());
    codes.stride = in.scanline_bytes();
    codes.width = in.width;
    codes.height = in.height;
    codes.channels = in.nchannels;
    codes.wide = in.format == OIIO::TypeDesc::UINT16;
    const RowsBack rows(std::move(codes), processor, threads);
    OIIO::ImageBuf result = blank_image(OIIO::ImageSpec(in.width, in.height, in.nchannels, format));
    rows.read(0, in.height, format, result.localpixels(), threads);
    return result;
}

} // namespace

OIIO::ImageBuf apply_back(const WayBack& back, const OIIO::ImageBuf& image, int threads,
                          OIIO::TypeDesc format)
{
    return convert(image, back.processor ? &*back.processor : nullptr, threads, format);
}

OIIO::ImageBuf to_float(const OIIO::ImageBuf& image, int threads)
{
    return convert(image, nullptr, threads, OIIO::TypeDesc::FLOAT);
}

} // namespace klio::frames
