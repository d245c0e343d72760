#pragma once

#include <cstdint>
#include <string_view>

namespace klio::frames {

/// CRC-32 of ISO 3309, as PNG's appendix gives it.
uint32_t crc32(std::string_view bytes);

} // namespace klio::frames
