#include "store/results.h"

#include "base/file.h"
#include "base/sha256.h"
#include "store/crash_point.h"

#include <klio/error.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>

namespace klio::store {

std::string read_frame_bytes(const StoredFrame& frame)
{
    std::string bytes;
    try {
        bytes = base::read_file(frame.path);
    } catch (const ReferenceError& error) {
        throw DamagedError(std::string("stored result ") + error.what()
                           + "; run the request again to fetch it while the service still has it");
    }
    if (base::sha256_hex(bytes) != frame.sha256)
        throw DamagedError("stored result " + frame.path
                           + ": its bytes are not those that were stored (SHA-256 differs); run "
                             "the request again to fetch it while the service still has it");
    return bytes;
}

std::string frame_file(const std::string& job, int index, const std::string& media_type)
{
    const std::string ending = media_type == "image/jpeg" ? "jpg"
        : media_type == "image/webp"                      ? "webp"
                                                          : "png";
    return "results/" + job.substr(0, 2) + "/" + job + "/" + std::to_string(index) + "." + ending;
}

namespace {

// What is at `path` gets out of the way of `sha256`, unless it is that.
void move_aside(const std::string& path, const std::string& sha256)
{
    std::error_code error;
    if (std::filesystem::file_size(path, error) == 0 || error)
        return;
    const std::string there = base::sha256_file(path);
    if (there == sha256)
        return;
    const size_t dot = path.rfind('.');
    const std::string aside
        = path.substr(0, dot) + ".was-" + there.substr(0, 12) + path.substr(dot);
    if (std::rename(path.c_str(), aside.c_str()) != 0)
        throw OutputError(path + ": can't be moved to " + aside + " (" + std::strerror(errno)
                          + ")");
}

} // namespace

StoredFrame write_frame_bytes(const std::string& folder, const std::string& job,
                              const StoredFrame& frame, const std::string& bytes)
{
    StoredFrame stored = frame;
    stored.path = base::join_path(folder, frame_file(job, frame.index, frame.media_type));
    stored.sha256 = base::sha256_hex(bytes);
    stored.bytes = bytes.size();
    try {
        const std::string parent = base::parent_folder(stored.path);
        if (!base::exists(parent)) {
            base::make_folders(parent, 0700);
            // The folders' own entries must last as well as the files in them.
            base::sync_folder(base::parent_folder(parent));
            base::sync_folder(base::parent_folder(base::parent_folder(parent)));
        }
        move_aside(stored.path, stored.sha256);
        crash_point("frame-write");
        base::write_file_atomic(stored.path, bytes, 0600);
        crash_point("frame-written");
    } catch (const Error& error) {
        throw StoreError(std::string("result file ") + error.what()
                         + "; the task is kept: mend this and run again to collect it, free");
    }
    return stored;
}

} // namespace klio::store
