#pragma once

#include <klio/export.h>
#include <klio/frame.h>

#include <map>
#include <string>
#include <vector>

namespace klio {

/// What one image of a file says of where it came from.
struct Provenance {
    int subimage = 0;
    std::string carrier; ///< "attributes", "xmp", "sidecar": where it was found
    /// Names without "klio:", as the README of lib/frames lists them: model, task, job, take …;
    /// empty where the file does not come from klio.
    std::map<std::string, std::string> values;
    std::string digital_source_type; ///< IPTC's URI; empty where the file names none
};

/// Reads what a file carries, one entry for each subimage; `path.json` beside it (a sidecar) is
/// read where the file itself says nothing. Thread-safe. Throws ReferenceError where it can't be
/// read.
KLIO_API std::vector<Provenance> read_provenance(const std::string& path);

/// The provenance of a frame as JSON text: every `klio:` value by its name without the prefix,
/// "digital_source_type", and the picture's size, format and colour space.
KLIO_API std::string provenance_json(const Frame& frame);

/// Where the sidecar of an image stands: "NAME.json" beside it, with the image's own ending kept
/// ("a.exr.json").
KLIO_API std::string sidecar_path(const std::string& image_path);

/// Writes provenance_json() to sidecar_path(), atomically. Throws OutputError.
KLIO_API void write_sidecar(const Frame& frame, const std::string& image_path);

} // namespace klio
