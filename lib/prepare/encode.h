#pragma once

#include <klio/progress.h>

#include <string>
#include <vector>

/// \file
/// 8-bit RGB pixels as a JPEG or PNG file with nothing else in it.

namespace klio::prep {

/// Interleaved 8-bit RGB.
struct Picture {
    int width = 0, height = 0;
    std::vector<unsigned char> pixels;
    const unsigned char* row(int y) const { return &pixels[size_t(y) * size_t(width) * 3]; }
    unsigned char* row(int y) { return &pixels[size_t(y) * size_t(width) * 3]; }
};

/// Baseline, 4:4:4, only the JFIF marker that the format asks for.
std::string encode_jpeg(const Picture& picture, int quality);
/// IHDR, IDAT and IEND alone.
std::string encode_png(const Picture& picture);
/// True where JPEG would only blur edges: few colours, in even areas.
bool is_flat_graphics(const Picture& picture);

struct Encoded {
    std::string bytes;
    std::string codec; ///< jpeg, png
    int quality = 0;   ///< of the JPEG
    std::string warning;
};

/// `codec` empty: PNG for flat graphics, else JPEG. Quality steps down, and PNG becomes JPEG, only
/// where `max_bytes` asks for it. Throws ReferenceError where nothing is small enough.
Encoded encode(const Picture& picture, const std::string& codec, int quality, size_t max_bytes);

} // namespace klio::prep
