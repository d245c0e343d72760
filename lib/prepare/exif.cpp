#include "prepare/exif.h"

namespace klio::prep {

int exif_orientation(const unsigned char* data, size_t size)
{
    if (size < 8)
        return 1;
    const bool little = data[0] == 'I' && data[1] == 'I';
    if (!little && !(data[0] == 'M' && data[1] == 'M'))
        return 1;
    const auto two = [&](size_t at) {
        return little ? unsigned(data[at] | data[at + 1] << 8)
                      : unsigned(data[at] << 8 | data[at + 1]);
    };
    const auto four = [&](size_t at) {
        return little ? size_t(two(at)) | size_t(two(at + 2)) << 16
                      : size_t(two(at)) << 16 | size_t(two(at + 2));
    };
    const size_t directory = four(4);
    if (two(2) != 42 || directory > size - 2)
        return 1;
    const size_t entries = two(directory);
    for (size_t i = 0; i < entries; ++i) {
        const size_t entry = directory + 2 + 12 * i;
        if (entry + 12 > size)
            break;
        constexpr unsigned tag_orientation = 0x0112, type_short = 3;
        if (two(entry) == tag_orientation && two(entry + 2) == type_short) {
            const unsigned value = two(entry + 8);
            return value >= 1 && value <= 8 ? int(value) : 1;
        }
    }
    return 1;
}

} // namespace klio::prep
