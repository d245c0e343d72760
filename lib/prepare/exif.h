#pragma once

#include <cstddef>

/// \file
/// The one thing that klio wants from EXIF.

namespace klio::prep {

/// The orientation, 1–8, that a TIFF block (what follows "Exif\0\0") says in its first directory;
/// 1 where it says none, or is damaged. Reads nothing outside `data`.
int exif_orientation(const unsigned char* data, size_t size);

} // namespace klio::prep
