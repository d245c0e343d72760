#include "plugin_path.h"

#include "base/file.h"

#include <climits>
#include <unistd.h>

#ifndef KLIO_LIBDIR
#error "the build names the prefix's library folder"
#endif

namespace klio::command {

std::string plugin_folder()
{
    char buffer[PATH_MAX];
    const ssize_t size = ::readlink("/proc/self/exe", buffer, sizeof buffer);
    if (size <= 0)
        return {};
    const std::string prefix
        = base::parent_folder(base::parent_folder(std::string(buffer, size_t(size))));
    for (const char* libraries : {KLIO_LIBDIR, "lib"}) {
        const std::string folder = base::join_path(prefix, std::string(libraries) + "/klio/oiio");
        if (base::exists(base::join_path(folder, "kling.imageio.so")))
            return folder;
    }
    return {};
}

} // namespace klio::command
