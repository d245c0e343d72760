#pragma once

#include <klio/error.h>
#include <klio/export.h>
#include <klio/progress.h>
#include <klio/request.h>

#include <string>
#include <vector>

namespace klio {

/// How a reference is made fit for the model. Texts are as on the command line and in recipes; an
/// empty one means the default that its line names.
struct PrepareOptions {
    std::string aspect_ratio = "auto"; ///< of the request; "auto": nearest of the eight
    std::string resolution = "1k";
    std::string from;     ///< source colour space; default: metadata, then the config's file rules
    std::string policy;   ///< texture, view, compress; default: see the docs of prepare()
    std::string display;  ///< default: the config's
    std::string view;     ///< default: the display's
    std::string exposure; ///< stops, or "auto"; default 0
    std::string peak; ///< compress: the scene-linear value that becomes 1, after exposure; "auto"
                      ///< (default): the brightest that there is
    std::string fit;  ///< crop (default), pad, none
    std::string
        gravity;       ///< center (default), top, bottom, left, right, attention, "x,y", "WxH+X+Y"
    std::string codec; ///< jpeg, png; default: jpeg, png for flat graphics
    int quality = 95;  ///< JPEG, 1–100
    std::string
        matte; ///< "r,g,b" behind alpha in the source's space (default 0,0,0), or "unpremult"
    std::string image_view; ///< part or view of a multi-part or multi-view file; default: the first
    int threads = 0;        ///< 0: one a core; never changes the bytes
};

/// A reference as bytes fit for upload.
struct Prepared {
    std::string bytes;      ///< a whole JPEG or PNG file, without any metadata
    std::string media_type; ///< "image/jpeg" or "image/png"
    std::string sha256;     ///< of bytes, hexadecimal
    int width = 0;          ///< pixels
    int height = 0;
    std::string record; ///< PrepareRecord as JSON: all that is needed to go the way back
    std::vector<std::string> warnings;
};

/// Prepares one image. Deterministic: the same file, options, OCIO config and build give the same
/// bytes whatever the number of threads. Thread-safe. Throws ReferenceError (unreadable, unfit),
/// ColorError (space, view or config), RequestError (options, all that are wrong at once),
/// UsageError (a gravity outside this picture).
KLIO_API Prepared prepare(const std::string& path, const PrepareOptions& options,
                          const CancelToken& cancel = {});

/// The same for bytes in memory (any format that OIIO reads from memory); `name` is for messages
/// and file rules.
KLIO_API Prepared prepare_bytes(const std::string& bytes, const std::string& name,
                                const PrepareOptions& options, const CancelToken& cancel = {});

/// Every option that can't be meant, all at once; empty where all are good. Looks at the options
/// alone: colour spaces, views and parts are known by the config and the file. Thread-safe.
KLIO_API std::vector<Problem> validate(const PrepareOptions& options);

/// Throws RequestError where validate() finds anything in the request or in the options of its
/// references, with all of it in one message. Ratio and resolution are the request's own.
KLIO_API void check(const Request& request, const PrepareOptions& options);

/// All options that decide the bytes, in one canonical line: with the SHA-256 of the source file
/// and the identity of the OCIO config it identifies a prepared reference without preparing it.
/// Throws RequestError.
KLIO_API std::string prepare_identity(const PrepareOptions& options);

} // namespace klio
