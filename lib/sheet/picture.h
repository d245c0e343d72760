#pragma once

#include "sheet/canvas.h"

#include <cstdint>
#include <string>
#include <vector>

/// \file
/// A source of any kind as display pixels of the size that a cell needs.

namespace klio::sheet {

/// What a file's header says.
struct PictureInfo {
    int width = 0; ///< pixels of the display window, upright
    int height = 0;
    double ratio = 1;    ///< as it is to be shown: pixel aspect and orientation are in it
    std::string problem; ///< why it can't be read; empty where it can
};

/// Interleaved RGB display values.
struct Picture {
    int width = 0, height = 0;
    std::vector<uint8_t> pixels;
};

/// Opens `path`, reads its header alone. Never throws.
PictureInfo probe_picture(const std::string& path, int subimage);

/// The picture fitted into a box, upright, its alpha over `background`. Scene-linear sources go
/// through the view. Throws ReferenceError where it can't be read whole.
Picture load_picture(const std::string& path, int subimage, int box_width, int box_height,
                     Color background);

/// Turns the pixels as an EXIF orientation (1–8) says.
void turn_upright(Picture& picture, int orientation);

} // namespace klio::sheet
