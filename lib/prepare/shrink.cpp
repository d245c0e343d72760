#include "prepare/shrink.h"

#include "prepare/parallel.h"
#include "prepare/resample.h"

#include <algorithm>
#include <atomic>

namespace klio::prep {

long long shrink(Reader& reader, const Cut& cut, int threads, const CancelToken& cancel,
                 const std::function<void(int, float*)>& row)
{
    const double reduced = reader.reduce(std::min(cut.w / cut.width, cut.h / cut.height));
    const Kernel columns(reader.width(), cut.x * reduced, cut.w * reduced, cut.width);
    const Kernel rows(reader.height(), cut.y * reduced, cut.h * reduced, cut.height);
    Resampler resampler(columns, rows);
    reader.begin(columns.begin(), columns.end(), rows.begin(), rows.end(), cut.alpha, threads);
    const int width = columns.end() - columns.begin();
    const size_t stride = size_t(resampler.row_floats());
    std::atomic<long long> not_finite {0};
    while (!resampler.done()) {
        cancel.check("preparing a reference");
        const int count = std::min(reader.chunk(), rows.end() - resampler.next_row());
        float* pixels = resampler.room(count);
        reader.load(count);
        parallel_rows(threads, 0, count, [&](int begin, int end) {
            long long bad = 0;
            for (int i = begin; i < end; ++i) {
                float* out = pixels + size_t(i) * stride;
                bad += reader.convert(i, out);
                std::fill(out + 4 * width, out + stride, 0.0f);
                mark_hot(out, width, resampler.hot(i));
            }
            not_finite += bad;
        });
        resampler.commit(count);
        int first = 0, last = 0;
        resampler.ready(first, last);
        parallel_rows(threads, first, last, [&](int begin, int end) {
            std::vector<float> scratch, out(size_t(cut.width) * 4);
            for (int y = begin; y < end; ++y) {
                resampler.compute(y, out.data(), scratch);
                row(y, out.data());
            }
        });
        resampler.release(last);
    }
    return not_finite;
}

} // namespace klio::prep
