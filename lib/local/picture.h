#pragma once

#include <klio/progress.h>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

/// \file
/// 8-bit sRGB pictures, as previews need them: decoded, reframed, written.

namespace klio::local {

struct Color {
    uint8_t r = 0, g = 0, b = 0;
};

struct Picture {
    int width = 0;
    int height = 0;
    std::vector<uint8_t> rgb; ///< 3 bytes a pixel, rows from the top

    Picture() = default;
    Picture(int w, int h) : width(w), height(h), rgb(size_t(w) * size_t(h) * 3) { }
    uint8_t* at(int x, int y) { return &rgb[(size_t(y) * size_t(width) + size_t(x)) * 3]; }
    const uint8_t* at(int x, int y) const
    {
        return &rgb[(size_t(y) * size_t(width) + size_t(x)) * 3];
    }
    bool empty() const { return rgb.empty(); }
};

/// A rectangle in pixels of a picture; fractions are fine.
struct Window {
    double x = 0, y = 0, width = 0, height = 0;
};

/// Width and height as seen upright, from the header alone.
bool picture_size(const std::string& bytes, int& width, int& height);
/// JPEG or PNG to 8-bit RGB, upright, alpha over grey. False where it can't be decoded.
bool decode_picture(const std::string& bytes, Picture& picture);

/// `window` of `source`, resampled (Catmull-Rom, widened when shrinking).
/// Throws CancelledError once `stop` is cancelled.
Picture resample(const Picture& source, const Window& window, int width, int height,
                 const CancelToken& stop);
/// Blends `color` over a rectangle.
void fill(Picture& picture, int x, int y, int width, int height, Color color, double opacity = 1);
/// Copies `part` to x, y; what lies outside is cut.
void paste(Picture& picture, const Picture& part, int x, int y);

/// A PNG file, quickly rather than small, with `texts` as its text chunks. Format "jpeg" gives a
/// JPEG file, without them, and "gif" a GIF file.
std::string encode_picture(const Picture& picture, const std::map<std::string, std::string>& texts,
                           const std::string& format = "png");

} // namespace klio::local
