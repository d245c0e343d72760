#pragma once

#include <cstdint>
#include <string>
#include <vector>

/// \file
/// The machine's fonts, as far as a slate needs them.

namespace klio::local {

/// One drawn character: coverage 0..255, and where it stands relative to the pen on the baseline.
struct DrawnGlyph {
    std::vector<uint8_t> coverage;
    int width = 0;
    int height = 0;
    int left = 0; ///< from the pen to the first column
    int top = 0;  ///< from the baseline up to the first row
    int advance = 0;
};

/// Whether there is any font: what fontconfig finds, a family named by KLIO_FONT first; where that
/// names a file (with a slash in it), that file alone.
bool have_font(bool bold);
/// The character at `size` pixels, from the first font that has it; a box where none does. Only
/// where have_font(). Thread-safe.
DrawnGlyph draw_glyph(uint32_t character, int size, bool bold);

/// UTF-8 as code points; invalid bytes become U+FFFD.
std::vector<uint32_t> code_points(const std::string& text);

} // namespace klio::local
