#include "views.h"

#include "base/file.h"
#include "base/sha256.h"

#include <klio/error.h>

#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>

namespace klio::oiio {

namespace {

std::string kept_folder(const Settings& settings, const std::string& job)
{
    return base::join_path(base::join_path(settings.data_folder(), "views"), job);
}

// Anybody may make names in /tmp, so the folder is looked at before it is trusted.
std::string temporary_folder(const Settings& settings, const std::string& job)
{
    const char* set = std::getenv("TMPDIR");
    const std::string own
        = base::join_path(set && *set ? set : "/tmp", "klio-views-" + std::to_string(::geteuid()));
    base::make_folders(own, 0700);
    struct stat info { };
    if (::lstat(own.c_str(), &info) != 0 || !S_ISDIR(info.st_mode) || info.st_uid != ::geteuid()
        || (info.st_mode & 077) != 0)
        throw OutputError(own + ": is not a folder of this user's alone; set TMPDIR to another");
    // Two data folders may have the same job, with other frames.
    const std::string folder
        = base::join_path(own, base::sha256_hex(settings.data_folder()).substr(0, 16) + "-" + job);
    base::make_folders(folder, 0700);
    return folder;
}

} // namespace

std::string writable_view_folder(const Settings& settings, const std::string& job)
{
    const std::string kept = kept_folder(settings, job);
    try {
        base::make_folders(kept, 0700);
        if (::access(kept.c_str(), W_OK | X_OK) == 0)
            return kept;
    } catch (const OutputError&) {
        // As where it is there and can't be written.
    }
    return temporary_folder(settings, job);
}

std::string sheet_path(const Settings& settings, const StoredSet& set)
{
    // The sheet says of previews that they are such.
    std::string shown = set.endpoint + "\n" + settings.get("font");
    for (const StoredFrame& frame : set.frames)
        shown += "\n" + frame.sha256;
    // A plate that is away is a cell that says so.
    for (const int reference : set.missing_references)
        shown += "\n" + std::to_string(reference);
    const std::string name = "sheet-" + base::sha256_hex(shown).substr(0, 16) + ".png";
    const std::string kept = base::join_path(kept_folder(settings, set.job), name);
    return ::access(kept.c_str(), R_OK) == 0
        ? kept
        : base::join_path(writable_view_folder(settings, set.job), name);
}

} // namespace klio::oiio
