#pragma once

#include "frames/place.h"

#include <klio/frame.h>
#include <klio/record.h>
#include <klio/set.h>

#include <OpenImageIO/imageio.h>

#include <string>

namespace klio::frames {

/// IPTC's terms for how a picture came about (NewsCodes, "Digital Source Type").
constexpr const char* trained_media
    = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia";
/// "Created purely by an algorithm not based on any sampled training data": what the local
/// gateway's previews are.
constexpr const char* preview_media
    = "http://cv.iptc.org/newscodes/digitalsourcetype/algorithmicMedia";
/// The attribute that carries the term; its name is that of the XMP property.
constexpr const char* source_type_attribute = "Iptc4xmpExt:DigitalSourceType";

/// The frames of an endpoint that is "local" or on loopback are previews: the model did not make
/// them.
bool is_preview(const std::string& endpoint);

/// Sets the `klio:` attributes, the source type, DateTime (the job's time, in UTC: OIIO's writers
/// would else put the time of writing, and two files of one frame would differ) and the colour
/// space. `placement` and `matched` say what was done with the frame.
void attach_provenance(OIIO::ImageSpec& spec, const StoredSet& set, const StoredFrame& frame,
                       const FrameOptions& options, const std::string& space,
                       const Placement& placement, const std::string& matched);

} // namespace klio::frames
