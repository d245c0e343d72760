#include "frames/half.h"

#include "frames/blank.h"
#include "frames/rows.h"

#include <OpenImageIO/imageio.h>

#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>
#define KLIO_F16C 1
#endif

namespace klio::frames {

namespace {

void to_half_anywhere(const float* in, size_t count, uint16_t* out)
{
    OIIO::convert_pixel_values(OIIO::TypeDesc::FLOAT, in, OIIO::TypeDesc::HALF, out, int(count));
}

#ifdef KLIO_F16C
__attribute__((target("avx,f16c"))) size_t to_half_f16c(const float* in, size_t count,
                                                        uint16_t* out)
{
    const size_t whole = count - count % 8;
    for (size_t i = 0; i < whole; i += 8)
        _mm_storeu_si128(reinterpret_cast<__m128i*>(out + i),
                         _mm256_cvtps_ph(_mm256_loadu_ps(in + i), _MM_FROUND_TO_NEAREST_INT));
    return whole;
}
#endif

} // namespace

void to_half(const float* in, size_t count, uint16_t* out)
{
    size_t done = 0;
#ifdef KLIO_F16C
    static const bool has = __builtin_cpu_supports("f16c") && __builtin_cpu_supports("avx");
    if (has)
        done = to_half_f16c(in, count, out);
#endif
    if (done < count)
        to_half_anywhere(in + done, count - done, out + done);
}

OIIO::ImageBuf to_half(const OIIO::ImageBuf& image, int threads)
{
    OIIO::ImageSpec spec = image.spec();
    spec.set_format(OIIO::TypeDesc::HALF);
    OIIO::ImageBuf result = blank_image(spec);
    const size_t row = size_t(spec.width) * size_t(spec.nchannels);
    parallel_rows(spec.height, threads, [&](int begin, int end) {
        for (int y = spec.y + begin; y < spec.y + end; ++y)
            to_half(static_cast<const float*>(image.pixeladdr(spec.x, y)), row,
                    static_cast<uint16_t*>(result.pixeladdr(spec.x, y)));
    });
    return result;
}

} // namespace klio::frames
