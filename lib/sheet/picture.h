#pragma once

#include "color/transform.h"
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

/// How a source's values become display values, where the file itself is not to decide.
struct Rendering {
    color::Processor to_display = color::Processor();
    bool scene_linear = false; ///< of the source: shrunk without overshooting
};

/// The picture fitted into a box, upright, its alpha over `background`. Scene-linear sources go
/// through the view, unless `rendering` says how they are shown. Throws ReferenceError where it
/// can't be read whole, ColorError.
Picture load_picture(const std::string& path, int subimage, int box_width, int box_height,
                     Color background, const Rendering* rendering = nullptr);

/// Resamples `from` to the size that `to` has, its pixels allocated.
void resample(const Picture& from, Picture& to);

/// Turns the pixels as an EXIF orientation (1–8) says.
void turn_upright(Picture& picture, int orientation);

} // namespace klio::sheet
