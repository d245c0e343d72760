#pragma once

#include "local/picture.h"

#include <cstdint>
#include <string>

/// \file
/// What a preview shows behind its slate. Throws CancelledError once `stop` is cancelled.

namespace klio::local {

/// Where the camera of a frame stands: how much of the picture it sees, and which part.
struct Framing {
    const char* name; ///< wide, medium, close, detail
    double share;     ///< of the widest crop's side
    int subject;      ///< 0: the most eye-catching place, 1: the next …
};

/// Of frame `index`, from 0; nine differ.
const Framing& framing(int index);

/// `reference` at the frame's framing and size.
Picture frame_reference(const Picture& reference, const Framing& framing, int width, int height,
                        const CancelToken& stop);

/// A landscape out of numbers, for text alone; `seed` decides all of it, `framing` how near.
Picture landscape(uint64_t seed, const Framing& framing, int width, int height,
                  const CancelToken& stop);

} // namespace klio::local
