#pragma once

#include <OpenImageIO/imageio.h>
#include <OpenImageIO/oiioversion.h>

#include <cstdlib>
#include <string>

/// \file
/// What differs between the versions of OpenImageIO that the plugin compiles against: 2.4, 2.5, 3.0
/// and 3.1. Everything else that it uses is alike in all four. A built plugin serves one minor
/// version: 2.4 and 2.5 share a plugin version number, yet their classes are laid out differently.

#if OIIO_VERSION < OIIO_MAKE_VERSION(2, 4, 0)
#error "klio's plugin needs OpenImageIO 2.4 or newer"
#endif

/// 2.5 and later also ask whether a proxy's bytes are of the format. Recipes are known by their
/// name alone, so no bytes are.
#if OIIO_VERSION >= OIIO_MAKE_VERSION(2, 5, 0)
#define KLIO_OIIO_VALID_PROXY                                                                      \
    bool valid_file(OIIO::Filesystem::IOProxy*) const override                                     \
    {                                                                                              \
        return false;                                                                              \
    }
#else
#define KLIO_OIIO_VALID_PROXY
#endif

namespace klio::oiio {

/// The minor version that this file is compiled for, as openimageio_version() / 100 gives it.
constexpr int built_for_minor = OIIO_VERSION / 100;

/// A colour space's name as the host knows it. Up to 2.4, and without $OCIO, OpenImageIO has but a
/// few spaces of its own, and calls what its EXR reader gives "Linear"; any other name makes
/// --tocolorspace fail. From 2.5 on it brings whole configs along.
inline std::string host_space(const std::string& space)
{
#if OIIO_VERSION < OIIO_MAKE_VERSION(2, 5, 0)
    const char* config = std::getenv("OCIO");
    if ((!config || !*config) && space == "Linear Rec.709 (sRGB)")
        return "Linear";
#endif
    return space;
}

} // namespace klio::oiio
