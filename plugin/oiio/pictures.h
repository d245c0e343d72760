#pragma once

#include <klio/frame.h>
#include <klio/set.h>

#include <OpenImageIO/imageio.h>

#include <map>
#include <memory>
#include <string>

/// \file
/// What one open reader has to show: subimages, whose headers cost no decoding.

namespace klio::oiio {

/// The pixels of a subimage, decoded. Thread-safe.
class Rows {
public:
    virtual ~Rows() = default;
    /// Size and type that the pixels really have. Pictures::spec() said it before they were
    /// decoded, from files that may have changed since.
    virtual const OIIO::ImageSpec& spec() const = 0;
    /// Rows [begin, end), counted from the top, without gaps, as spec() says. Throws klio::Error.
    virtual void read(int begin, int end, void* rows) const = 0;
    /// Memory that they take.
    virtual size_t bytes() const = 0;
};

/// Thread-safe. Functions throw klio::Error.
class Pictures {
public:
    virtual ~Pictures() = default;
    virtual int count() const = 0;
    /// Size, native type and attributes of a subimage; no pixel is decoded.
    virtual OIIO::ImageSpec spec(int subimage) const = 0;
    /// Decodes a subimage.
    virtual std::unique_ptr<const Rows> rows(int subimage) const = 0;
};

/// A set's frames, or with `only_frame` (1-based) one of them. Scene-linear ones are half, as klio
/// writes them into EXR; code values keep their own type.
std::unique_ptr<Pictures> frame_pictures(StoredSet set, FrameOptions options, int only_frame);

/// An image file of klio's own, a contact sheet.
std::unique_ptr<Pictures> sheet_pictures(const StoredSet& set, const std::string& path);

} // namespace klio::oiio
