#pragma once

#include "color/transform.h"
#include "prepare/encode.h"
#include "sheet/canvas.h"

#include <klio/progress.h>

#include <string>

/// \file
/// A source of any kind as display pixels of the size that a cell needs.

namespace klio::sheet {

using prep::Picture;

/// What a file's header says.
struct PictureInfo {
    int width = 0; ///< pixels of the display window, upright
    int height = 0;
    double ratio = 1;    ///< as it is to be shown: pixel aspect and orientation are in it
    std::string problem; ///< why it can't be read; empty where it can
};

/// Opens `path`, reads its header alone. Never throws.
PictureInfo probe_picture(const std::string& path, int subimage);

/// The picture fitted into a box, upright, its alpha over `background`. Scene-linear sources go
/// through the view, pictures with an ICC profile through that, unless `transform` says how the
/// file's values become display values. Runs on the calling thread alone. Throws ReferenceError
/// where it can't be read whole, ColorError, CancelledError.
Picture load_picture(const std::string& path, int subimage, int box_width, int box_height,
                     Color background, const CancelToken& cancel,
                     const color::Processor* transform = nullptr);

} // namespace klio::sheet
