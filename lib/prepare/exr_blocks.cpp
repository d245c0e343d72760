#include "prepare/exr_blocks.h"

#include "prepare/half.h"
#include "prepare/parallel.h"
#include "prepare/simd.h"

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstring>

#include <libdeflate.h>
#include <openexr.h>

namespace klio::prep {

namespace {

typedef uint8_t Byte16 __attribute__((vector_size(16)));
typedef uint8_t Byte8 __attribute__((vector_size(8)));
typedef uint16_t Short8 __attribute__((vector_size(16)));
typedef int Int8 __attribute__((vector_size(32)));

// OpenEXR's predictor stores each byte as its difference from the one before, plus 128
// ("OpenEXR File Layout", ZIP). A sum of 16 differences takes four additions of shifted vectors.
KLIO_CLONES void undo_predictor(uint8_t* bytes, size_t count)
{
    const Byte16 zero = {};
    const Byte16 bias = zero + 128;
    Byte16 before = zero + 128; // the first byte is stored as it is
    size_t i = 0;
    for (; i + 16 <= count; i += 16) {
        Byte16 v;
        std::memcpy(&v, bytes + i, sizeof v);
        v -= bias;
        // clang-format off
        v += __builtin_shufflevector(v, zero, 16, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14);
        v += __builtin_shufflevector(v, zero, 16, 16, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13);
        v += __builtin_shufflevector(v, zero, 16, 16, 16, 16, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11);
        v += __builtin_shufflevector(v, zero, 16, 16, 16, 16, 16, 16, 16, 16, 0, 1, 2, 3, 4, 5, 6, 7);
        v += before;
        before = __builtin_shufflevector(v, v, 15, 15, 15, 15, 15, 15, 15, 15,
                                         15, 15, 15, 15, 15, 15, 15, 15);
        // clang-format on
        std::memcpy(bytes + i, &v, sizeof v);
    }
    for (uint8_t last = before[0]; i < count; ++i)
        bytes[i] = last = uint8_t(last + bytes[i] - 128);
}

// Where a run of one channel's pixels stands: ZIP keeps the low bytes of all halves of a block
// before all of their high bytes.
struct Plane {
    const uint8_t* low = nullptr;
    const uint8_t* high = nullptr;
};

uint16_t half_at(const Plane& plane, int x)
{
    return uint16_t(plane.low[x] | plane.high[x] << 8);
}

inline __attribute__((always_inline)) void eight_halves(const Plane& plane, int x, Float8& out,
                                                        Short8& not_finite)
{
    Byte8 low, high;
    std::memcpy(&low, plane.low + x, sizeof low);
    std::memcpy(&high, plane.high + x, sizeof high);
    const Short8 half
        = __builtin_convertvector(low, Short8) | __builtin_convertvector(high, Short8) << 8;
    not_finite |= Short8((half & 0x7c00) == 0x7c00);
    const Int8 bits = __builtin_convertvector(half, Int8);
    const Int8 magnitude = (bits & 0x7fff) << 13;
    const Int8 sign = (bits & 0x8000) << 16;
    out = Float8(Int8(Float8(magnitude) * 0x1p112f) | sign);
}

int scalar_halves(const Plane* planes, int lanes, int x, int end, float* pixels)
{
    int bad = 0;
    for (; x < end; ++x)
        for (int c = 0; c < 4; ++c)
            pixels[4 * x + c]
                = c < lanes ? made_finite(half_to_float(half_at(planes[c], x)), bad) : 0;
    return bad;
}

// Rows of red, green, blue (and alpha, where there are four lanes) as RGBX pixels.
inline __attribute__((always_inline)) int spread_halves(const Plane* planes, int lanes,
                                                        float* pixels, int count)
{
    int bad = 0, x = 0;
    for (; x + 8 <= count; x += 8) {
        Short8 not_finite = {};
        Float8 r, g, b, a = {};
        eight_halves(planes[0], x, r, not_finite);
        eight_halves(planes[1], x, g, not_finite);
        eight_halves(planes[2], x, b, not_finite);
        if (lanes == 4)
            eight_halves(planes[3], x, a, not_finite);
        // A transposition of 4 by 8.
        const Float8 rg0 = __builtin_shufflevector(r, g, 0, 8, 1, 9, 4, 12, 5, 13);
        const Float8 rg1 = __builtin_shufflevector(r, g, 2, 10, 3, 11, 6, 14, 7, 15);
        const Float8 ba0 = __builtin_shufflevector(b, a, 0, 8, 1, 9, 4, 12, 5, 13);
        const Float8 ba1 = __builtin_shufflevector(b, a, 2, 10, 3, 11, 6, 14, 7, 15);
        const Float8 p04 = __builtin_shufflevector(rg0, ba0, 0, 1, 8, 9, 4, 5, 12, 13);
        const Float8 p15 = __builtin_shufflevector(rg0, ba0, 2, 3, 10, 11, 6, 7, 14, 15);
        const Float8 p26 = __builtin_shufflevector(rg1, ba1, 0, 1, 8, 9, 4, 5, 12, 13);
        const Float8 p37 = __builtin_shufflevector(rg1, ba1, 2, 3, 10, 11, 6, 7, 14, 15);
        const Float8 out[4] = {__builtin_shufflevector(p04, p15, 0, 1, 2, 3, 8, 9, 10, 11),
                               __builtin_shufflevector(p26, p37, 0, 1, 2, 3, 8, 9, 10, 11),
                               __builtin_shufflevector(p04, p15, 4, 5, 6, 7, 12, 13, 14, 15),
                               __builtin_shufflevector(p26, p37, 4, 5, 6, 7, 12, 13, 14, 15)};
        std::memcpy(pixels + 4 * x, out, sizeof out);
        uint64_t any[2];
        std::memcpy(any, &not_finite, sizeof any);
        if (any[0] | any[1])
            bad += scalar_halves(planes, lanes, x, x + 8, pixels);
    }
    return bad + scalar_halves(planes, lanes, x, count, pixels);
}

KLIO_CLONES int spread_rgb(const Plane* planes, float* pixels, int count)
{
    return spread_halves(planes, 3, pixels, count);
}

KLIO_CLONES int spread_rgba(const Plane* planes, float* pixels, int count)
{
    return spread_halves(planes, 4, pixels, count);
}

int64_t read_memory(exr_const_context_t, void* user, void* buffer, uint64_t size, uint64_t offset,
                    exr_stream_error_func_ptr_t)
{
    const std::string& bytes = *static_cast<const std::string*>(user);
    if (offset > bytes.size())
        return -1;
    size = std::min<uint64_t>(size, bytes.size() - offset);
    std::memcpy(buffer, bytes.data() + offset, size);
    return int64_t(size);
}

int64_t size_of_memory(exr_const_context_t, void* user)
{
    return int64_t(static_cast<const std::string*>(user)->size());
}

void say_nothing(exr_const_context_t, exr_result_t, const char*)
{
}

class ZipBlocks : public ExrBlocks {
public:
    ZipBlocks(exr_context_t context, const ExrWanted& wanted) : m_context(context), m_wanted(wanted)
    {
    }
    ~ZipBlocks() override { exr_finish(&m_context); }
    ZipBlocks(const ZipBlocks&) = delete;
    ZipBlocks& operator=(const ZipBlocks&) = delete;

    // Whether this part is of the kind that is read here.
    bool fits()
    {
        exr_storage_t storage;
        exr_compression_t compression;
        exr_attr_box2i_t window;
        const exr_attr_chlist_t* list = nullptr;
        int32_t rows = 0;
        const int part = m_wanted.part;
        if (exr_get_storage(m_context, part, &storage) != EXR_ERR_SUCCESS
            || storage != EXR_STORAGE_SCANLINE
            || exr_get_compression(m_context, part, &compression) != EXR_ERR_SUCCESS
            || (compression != EXR_COMPRESSION_ZIP && compression != EXR_COMPRESSION_ZIPS)
            || exr_get_data_window(m_context, part, &window) != EXR_ERR_SUCCESS
            || exr_get_scanlines_per_chunk(m_context, part, &rows) != EXR_ERR_SUCCESS || rows < 1
            || exr_get_channels(m_context, part, &list) != EXR_ERR_SUCCESS || !list)
            return false;
        m_block_rows = rows;
        if (window.min.x != m_wanted.x || window.min.y != m_wanted.y
            || int64_t(window.max.x) - window.min.x + 1 != m_wanted.width
            || int64_t(window.max.y) - window.min.y + 1 != m_wanted.height)
            return false;
        const std::string* names[4]
            = {&m_wanted.red, &m_wanted.green, &m_wanted.blue, &m_wanted.alpha};
        m_lanes = m_wanted.alpha.empty() ? 3 : 4;
        int found = 0;
        for (int i = 0; i < list->num_channels; ++i) {
            const exr_attr_chlist_entry_t& channel = list->entries[i];
            if (channel.x_sampling != 1 || channel.y_sampling != 1)
                return false;
            for (int c = 0; c < m_lanes; ++c)
                if (*names[c] == channel.name.str) {
                    if (channel.pixel_type != EXR_PIXEL_HALF)
                        return false;
                    m_offsets[c] = m_row_bytes / 2;
                    ++found;
                }
            m_row_bytes += size_t(m_wanted.width) * (channel.pixel_type == EXR_PIXEL_HALF ? 2 : 4);
        }
        return found == m_lanes;
    }

    int block_rows() const override { return m_block_rows; }

    bool load(int first, int last, int threads) override
    {
        const int from = (first - m_wanted.y) / m_block_rows;
        const int to = (last - m_wanted.y + m_block_rows - 1) / m_block_rows;
        m_first = from;
        if (m_blocks.size() < size_t(to - from))
            m_blocks.resize(size_t(to - from));
        std::atomic<bool> good {true};
        parallel_rows(
            threads, 0, to - from,
            [&](int begin, int end) {
                for (int i = begin; i < end && good; ++i)
                    if (!decode(from + i, m_blocks[size_t(i)]))
                        good = false;
            },
            1);
        return good;
    }

    long long convert(int y, int x, int count, float* pixels) const override
    {
        const int row = y - m_wanted.y;
        const Block& block = m_blocks[size_t(row / m_block_rows - m_first)];
        const size_t at = size_t(row % m_block_rows) * (m_row_bytes / 2) + size_t(x - m_wanted.x);
        Plane planes[4];
        for (int c = 0; c < m_lanes; ++c) {
            planes[c].low = block.bytes.data() + at + m_offsets[c];
            planes[c].high = planes[c].low + block.size / 2;
        }
        return m_lanes == 4 ? spread_rgba(planes, pixels, count)
                            : spread_rgb(planes, pixels, count);
    }

private:
    struct Block {
        std::vector<uint8_t> packed, bytes;
        size_t size = 0;
        struct Free {
            void operator()(libdeflate_decompressor* inflater) const
            {
                libdeflate_free_decompressor(inflater);
            }
        };
        std::unique_ptr<libdeflate_decompressor, Free> inflater;
    };

    bool decode(int number, Block& block) const
    {
        const int top = number * m_block_rows;
        const int rows = std::min(m_block_rows, m_wanted.height - top);
        const size_t size = size_t(rows) * m_row_bytes;
        exr_chunk_info_t info;
        if (exr_read_scanline_chunk_info(m_context, m_wanted.part, m_wanted.y + top, &info)
                != EXR_ERR_SUCCESS
            || info.packed_size == 0 || info.packed_size > size)
            return false;
        block.size = size;
        block.bytes.resize(size);
        block.packed.resize(size_t(info.packed_size));
        if (exr_read_chunk(m_context, m_wanted.part, &info, block.packed.data()) != EXR_ERR_SUCCESS)
            return false;
        if (info.packed_size == size) {
            // What zlib would have made larger is stored as it is.
            uint8_t* low = block.bytes.data();
            uint8_t* high = low + size / 2;
            for (size_t i = 0; i < size / 2; ++i) {
                low[i] = block.packed[2 * i];
                high[i] = block.packed[2 * i + 1];
            }
            return true;
        }
        if (!block.inflater)
            block.inflater.reset(libdeflate_alloc_decompressor());
        size_t got = 0;
        if (!block.inflater
            || libdeflate_zlib_decompress(block.inflater.get(), block.packed.data(),
                                          block.packed.size(), block.bytes.data(), size, &got)
                != LIBDEFLATE_SUCCESS
            || got != size)
            return false;
        undo_predictor(block.bytes.data(), size);
        return true;
    }

    exr_context_t m_context;
    ExrWanted m_wanted;
    int m_block_rows = 1;
    size_t m_row_bytes = 0;
    int m_lanes = 3;
    size_t m_offsets[4] = {}; ///< of each lane in a row, in halves
    int m_first = 0;          ///< number of the first block that is held
    std::vector<Block> m_blocks;
};

} // namespace

std::unique_ptr<ExrBlocks> ExrBlocks::open(const Source& source, const ExrWanted& wanted)
{
    exr_context_initializer_t init = EXR_DEFAULT_CONTEXT_INITIALIZER;
    init.error_handler_fn = say_nothing;
    if (source.bytes) {
        init.user_data = const_cast<std::string*>(source.bytes);
        init.read_fn = read_memory;
        init.size_fn = size_of_memory;
    }
    exr_context_t context = nullptr;
    if (exr_start_read(&context, source.name.c_str(), &init) != EXR_ERR_SUCCESS)
        return nullptr;
    auto blocks = std::make_unique<ZipBlocks>(context, wanted);
    if (!blocks->fits())
        return nullptr;
    return blocks;
}

} // namespace klio::prep
