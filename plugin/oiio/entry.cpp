#include "reader.h"
#include "writer.h"

#include <klio/settings.h>

#include <link.h>

#include <cstring>
#include <string>

/// \file
/// What OpenImageIO looks for in kling.imageio.so, and all that leaves it.

namespace {

// 2.4 and 2.5 take each other's plugins and lay their classes out differently. A plugin of one in a
// host of the other brings the second library along, and that shows.
int note_openimageio(struct dl_phdr_info* info, size_t, void* count)
{
    const char* name = std::strrchr(info->dlpi_name, '/');
    if (std::strstr(name ? name : info->dlpi_name, "libOpenImageIO.so"))
        ++*static_cast<int*>(count);
    return 0;
}

bool one_openimageio()
{
    int count = 0;
    ::dl_iterate_phdr(note_openimageio, &count);
    return count <= 1 && OIIO::openimageio_version() / 100 == klio::oiio::built_for_minor;
}

template <typename Made> Made* made()
{
    try {
        return new Made;
    } catch (...) {
        return nullptr; // out of memory: OpenImageIO tries other readers
    }
}

} // namespace

OIIO_PLUGIN_EXPORTS_BEGIN

// A version that no OpenImageIO has makes it leave the plugin alone.
OIIO_EXPORT int kling_imageio_version = one_openimageio() ? OIIO_PLUGIN_VERSION : -1;

OIIO_EXPORT const char* kling_imageio_library_version()
{
    static const std::string text = std::string("klio ") + klio::version();
    return text.c_str();
}

OIIO_EXPORT OIIO::ImageInput* kling_input_imageio_create()
{
    return made<klio::oiio::KlingInput>();
}

OIIO_EXPORT const char* kling_input_extensions[] = {"kling", nullptr};

OIIO_EXPORT OIIO::ImageOutput* kling_output_imageio_create()
{
    return made<klio::oiio::KlingOutput>();
}

OIIO_EXPORT const char* kling_output_extensions[] = {"kling", nullptr};

OIIO_PLUGIN_EXPORTS_END
