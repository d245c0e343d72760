#pragma once

#include "local/picture.h"

#include <cstdint>
#include <string>
#include <vector>

/// \file
/// Text on pictures: with the machine's fonts where there are any, else with letters of our own.
/// UTF-8, left to right, no shaping.

namespace klio::local {

/// One face at one size. Cheap to make. Thread-safe.
class Lettering {
public:
    /// `size` is the height of a line's letters in pixels.
    Lettering(int size, bool bold);

    int line_height() const { return m_size + m_size / 3; }
    int width(const std::string& text) const;
    /// `x`, `y`: left end and top of the line.
    void draw(Picture& picture, int x, int y, const std::string& text, Color color) const;
    /// Lines of at most `width` pixels; where `max_lines` are not enough, the last one ends in "…".
    std::vector<std::string> wrap(const std::string& text, int width, size_t max_lines) const;

private:
    int advance(uint32_t character) const;

    int m_size;
    bool m_bold;
    bool m_font; ///< false: our own letters
};

/// The largest size up to `size` at which `text` fits into `width`.
Lettering fitting_lettering(const std::string& text, int size, bool bold, int width);

} // namespace klio::local
