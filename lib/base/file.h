#pragma once

#include <cstdint>
#include <string>
#include <string_view>

/// \file
/// Files written whole or not at all, and read with a cap.

namespace klio::base {

/// What read_file() takes: pipes as well, which people name (/dev/stdin), or nothing that could let
/// it wait for somebody.
enum class FileKind { any, regular };

/// The whole file. Throws ReferenceError where it can't be read, is a folder, is larger than
/// `max_bytes`, or not of `kind`.
std::string read_file(const std::string& path, uint64_t max_bytes = uint64_t(1) << 30,
                      FileKind kind = FileKind::any);

/// Writes a temporary file beside `path`, syncs it, renames it over `path` and syncs the folder:
/// after a crash the old or the new content is there, whole. `mode` is the file's permission bits.
/// Throws OutputError with the system's reason.
void write_file_atomic(const std::string& path, std::string_view bytes, unsigned mode = 0644);

/// mkdir -p; throws OutputError.
void make_folders(const std::string& path, unsigned mode = 0755);
/// fsync of a folder, so that a rename in it is durable. Errors are ignored where the filesystem
/// does not know it.
void sync_folder(const std::string& path);

bool exists(const std::string& path) noexcept;
bool is_url(std::string_view text) noexcept; ///< http:// or https://, in any case
std::string absolute_path(const std::string& path);
std::string parent_folder(const std::string& path); ///< "." for a bare name
std::string file_name(const std::string& path);
std::string join_path(const std::string& folder, const std::string& name);

} // namespace klio::base
