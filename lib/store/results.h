#pragma once

#include <klio/set.h>

#include <string>

/// \file
/// Result files: they were paid for and can't be made again.

namespace klio::store {

/// The bytes of a stored frame. Throws DamagedError where the file is missing or its SHA-256 is
/// not the one that was stored. Thread-safe.
std::string read_frame_bytes(const StoredFrame& frame);

/// Where a frame belongs, relative to the data folder: results/ab/abcd…/1.png.
std::string frame_file(const std::string& job, int index, const std::string& media_type);

/// Writes temporary file, sync, rename, sync of the folder. `folder` is the data folder; returns
/// the frame with path, sha256 and bytes filled. A file with other bytes that is there already is
/// kept beside it, as 1.was-HASH.png: nobody can tell that it was not paid for. Throws StoreError.
StoredFrame write_frame_bytes(const std::string& folder, const std::string& job,
                              const StoredFrame& frame, const std::string& bytes);

} // namespace klio::store
