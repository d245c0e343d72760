#include "frames/crc.h"

#include <libdeflate.h>

namespace klio::frames {

uint32_t crc32(std::string_view bytes)
{
    return libdeflate_crc32(0, bytes.data(), bytes.size());
}

} // namespace klio::frames
