#include <klio/frame.h>

#include "base/file.h"
#include "base/sha256.h"
#include "frames/back.h"
#include "frames/blank.h"
#include "frames/decode.h"
#include "frames/half.h"
#include "frames/match.h"
#include "frames/place.h"
#include "frames/provenance.h"
#include "frames/resample.h"
#include "frames/rows.h"
#include "frames/write.h"

#include <klio/error.h>

#include <OpenImageIO/imagebufalgo.h>

#include <algorithm>
#include <cstring>
#include <future>
#include <optional>

namespace klio {

namespace {

using namespace frames;

void check_placing(const FrameOptions& options)
{
    if (!options.conform.empty() && !options.fit.empty())
        throw UsageError("conform and fit both place the frame: give one of them");
}

// All that is decided before a pixel is looked at; load_frame() and frame_spec() share it, so they
// can't differ.
struct Plan {
    StoredFrame frame;
    std::optional<PrepareRecord> record;
    WayBack back;
    Placement placement;
    bool as_floats = false;
    OIIO::ImageSpec spec;
};

Plan make_plan(const StoredSet& set, int index, const FrameOptions& options)
{
    Plan plan;
    for (const StoredFrame& frame : set.frames)
        if (frame.index == index)
            plan.frame = frame;
    if (plan.frame.index != index || index < 1)
        throw UsageError("job " + set.job.substr(0, 12) + " has no frame " + std::to_string(index)
                         + ": it has " + std::to_string(set.frames.size()));
    check_placing(options);
    check_match(options.match);
    if (!set.references.empty() && !set.references[0].record.empty())
        plan.record = prepare_record_from_json(set.references[0].record);
    plan.back = way_back(plan.record ? &plan.record->color : nullptr, options.to);

    const StoredFrame& frame = plan.frame;
    if (!options.conform.empty())
        plan.placement = conform_placement(frame.width, frame.height,
                                           plan.record ? &*plan.record : nullptr, options.conform);
    else if (!options.fit.empty())
        plan.placement = fit_placement(frame.width, frame.height, options.fit);
    plan.as_floats = plan.back.processor || plan.placement.scaled || !options.match.empty();

    // On a plate the frame has alpha, so that `over` covers what is under it and nothing else.
    const bool alpha = frame.channels == 2 || frame.channels == 4 || plan.placement.covers;
    const int channels = alpha ? 4 : 3;
    const bool half = options.format == "half";
    const OIIO::TypeDesc format = plan.as_floats && half ? OIIO::TypeDesc::HALF
        : plan.as_floats                                 ? OIIO::TypeDesc::FLOAT
        : frame.bit_depth == 16                          ? OIIO::TypeDesc::UINT16
                                                         : OIIO::TypeDesc::UINT8;
    plan.spec = OIIO::ImageSpec(frame.width, frame.height, channels, format);
    if (plan.placement.scaled) {
        const Placement& place = plan.placement;
        plan.spec = OIIO::ImageSpec(place.data.width(), place.data.height(), channels, format);
        plan.spec.x = place.data.xbegin;
        plan.spec.y = place.data.ybegin;
        plan.spec.full_x = place.display.xbegin;
        plan.spec.full_y = place.display.ybegin;
        plan.spec.full_width = place.display.width();
        plan.spec.full_height = place.display.height();
        if (place.pixel_aspect != 1)
            plan.spec.attribute("PixelAspectRatio", place.pixel_aspect);
        if (place.orientation != 1)
            plan.spec.attribute("Orientation", place.orientation);
    }
    if (channels == 4 && !plan.as_floats)
        plan.spec.attribute("oiio:UnassociatedAlpha", 1);
    attach_provenance(plan.spec, set, frame, options, plan.back.space, plan.placement,
                      options.match.empty() ? std::string() : match_method());
    return plan;
}

std::string name_of(const StoredSet& set, const StoredFrame& frame)
{
    return "frame " + std::to_string(frame.index) + " of job " + set.job.substr(0, 12);
}

std::string read_stored(const std::string& what, const StoredFrame& frame)
{
    try {
        return base::read_file(frame.path);
    } catch (const ReferenceError& error) {
        throw DamagedError(what + " is missing from the data folder: " + error.what());
    }
}

// An upright float picture as it is stored with an orientation.
OIIO::ImageBuf from_upright(const OIIO::ImageBuf& image, int orientation)
{
    const OIIO::ImageSpec& in = image.spec();
    const bool swap = swaps_sides(orientation);
    OIIO::ImageSpec spec(swap ? in.height : in.width, swap ? in.width : in.height, in.nchannels,
                         OIIO::TypeDesc::FLOAT);
    OIIO::ImageBuf stored = blank_image(spec);
    for (int y = 0; y < spec.height; ++y)
        for (int x = 0; x < spec.width; ++x) {
            int from_x = 0, from_y = 0;
            to_upright(orientation, spec.width, spec.height, x, y, from_x, from_y);
            std::copy_n(static_cast<const float*>(image.pixeladdr(from_x, from_y)), in.nchannels,
                        static_cast<float*>(stored.pixeladdr(x, y)));
        }
    return stored;
}

// What OpenImageIO made, unless it had no memory for it.
OIIO::ImageBuf with_pixels(OIIO::ImageBuf image)
{
    if (!image.localpixels())
        throw std::bad_alloc();
    return image;
}

OIIO::ImageBuf with_alpha(const OIIO::ImageBuf& image)
{
    const int order[] = {0, 1, 2, -1};
    const float values[] = {0, 0, 0, 1};
    return with_pixels(OIIO::ImageBufAlgo::channels(image, 4, order, values));
}

// Turned and scaled to where it belongs, black around it where it does not fill the data window.
OIIO::ImageBuf put_in_place(const OIIO::ImageBuf& image, const Placement& place, int threads)
{
    OIIO::ImageBuf picture = place.orientation == 1
        ? resample(image, place.where, place.picture, threads)
        : resample(from_upright(image, place.orientation), place.where, place.picture, threads);
    if (place.covers && picture.spec().nchannels == 3)
        return with_alpha(picture);
    if (place.picture == place.data)
        return picture;
    return with_pixels(OIIO::ImageBufAlgo::crop(picture, place.data));
}

// The frame's code values, checked against what was stored.
Codes load_codes(const StoredSet& set, const Plan& plan, int threads)
{
    const std::string what = name_of(set, plan.frame);
    const std::string bytes = read_stored(what, plan.frame);
    // The hash costs as much time as the way back does, so it runs beside the decoder, which takes
    // foreign bytes anyway.
    std::future<std::string> hash = beside(threads, [&] { return base::sha256_hex(bytes); });
    Codes codes;
    std::string fault;
    try {
        codes = decode_codes(bytes, what);
    } catch (const DamagedError& error) {
        fault = error.what();
    }
    if (hash.get() != plan.frame.sha256)
        throw DamagedError(what + ": its bytes in " + plan.frame.path
                           + " are not the ones that were stored (SHA-256 differs); to fetch it "
                             "again, free while the service has it, run: klio jobs collect "
                           + set.job.substr(0, 12));
    if (!fault.empty())
        throw DamagedError(fault);
    if (codes.width != plan.frame.width || codes.height != plan.frame.height
        || (codes.channels != plan.spec.nchannels && !plan.placement.covers))
        throw DamagedError(what + ": its size is not the one that was stored");
    return codes;
}

const color::Processor* processor_of(const WayBack& back)
{
    return back.processor ? &*back.processor : nullptr;
}

// Matched and placed, which needs the whole picture as floats.
OIIO::ImageBuf worked_on(const StoredSet& set, const Plan& plan, const FrameOptions& options,
                         OIIO::ImageBuf image)
{
    if (!options.match.empty())
        match_color(image, set, plan.record ? &*plan.record : nullptr, plan.back, options);
    if (plan.placement.scaled)
        image = put_in_place(image, plan.placement, options.threads);
    return image;
}

} // namespace

struct FrameRows::Impl {
    OIIO::ImageSpec spec;
    int threads = 0;
    Codes codes;                  ///< where they stay as they are, and
    std::optional<RowsBack> back; ///< where they go back to a colour space, row by row
};

FrameRows::FrameRows(const StoredSet& set, int index, const FrameOptions& options)
    : m_impl(std::make_unique<Impl>())
{
    const Plan plan = make_plan(set, index, options);
    m_impl->spec = plan.spec;
    m_impl->threads = options.threads;
    if (plan.placement.scaled || !options.match.empty()) {
        // Its own spec: a plate may be another one since the plan was made.
        OIIO::ImageBuf image = load_frame(set, index, options).image;
        m_impl->spec = image.spec();
        m_impl->codes = codes_of(std::move(image));
    } else if (plan.as_floats)
        m_impl->back.emplace(load_codes(set, plan, options.threads), processor_of(plan.back),
                             options.threads);
    else
        m_impl->codes = load_codes(set, plan, options.threads);
}

FrameRows::~FrameRows() = default;
FrameRows::FrameRows(FrameRows&&) noexcept = default;
FrameRows& FrameRows::operator=(FrameRows&&) noexcept = default;

const OIIO::ImageSpec& FrameRows::spec() const
{
    return m_impl->spec;
}

size_t FrameRows::bytes() const
{
    return m_impl->back ? m_impl->back->bytes() : m_impl->codes.bytes();
}

void FrameRows::read(int begin, int end, void* rows) const
{
    const OIIO::ImageSpec& spec = m_impl->spec;
    if (begin < 0 || begin > end || end > spec.height)
        throw UsageError("there are no rows " + std::to_string(begin) + " to " + std::to_string(end)
                         + " in a frame of " + std::to_string(spec.height));
    if (m_impl->back) {
        m_impl->back->read(begin, end, spec.format, rows, m_impl->threads);
        return;
    }
    const size_t row = spec.scanline_bytes();
    for (int y = begin; y < end; ++y)
        std::memcpy(static_cast<char*>(rows) + size_t(y - begin) * row, m_impl->codes.row(y), row);
}

Frame load_frame(const StoredSet& set, int index, const FrameOptions& options)
{
    const Plan plan = make_plan(set, index, options);
    const bool whole = plan.placement.scaled || !options.match.empty();
    const Codes codes = load_codes(set, plan, options.threads);
    const OIIO::TypeDesc format = whole ? OIIO::TypeDesc(OIIO::TypeDesc::FLOAT) : plan.spec.format;
    OIIO::ImageBuf image
        = blank_image(OIIO::ImageSpec(codes.width, codes.height, codes.channels, format));
    if (plan.as_floats)
        RowsBack(codes, processor_of(plan.back), options.threads)
            .read(0, codes.height, format, image.localpixels(), options.threads);
    else
        for (int y = 0; y < codes.height; ++y)
            std::memcpy(image.pixeladdr(0, y), codes.row(y), image.spec().scanline_bytes());
    if (whole)
        image = worked_on(set, plan, options, std::move(image));
    if (image.spec().format != plan.spec.format)
        image = to_half(image, options.threads);
    image.specmod().copy_dimensions(plan.spec);
    image.specmod().extra_attribs = plan.spec.extra_attribs;
    Frame result;
    result.index = index;
    result.image = std::move(image);
    return result;
}

OIIO::ImageSpec frame_spec(const StoredSet& set, int index, const FrameOptions& options)
{
    return make_plan(set, index, options).spec;
}

void check_frame_options(const FrameOptions& options, const std::string& single_file,
                         const std::string& record)
{
    check_placing(options);
    check_match(options.match);
    way_back(nullptr, options.to);
    std::optional<PrepareRecord> cut;
    if (!record.empty())
        cut = prepare_record_from_json(record);
    // Any frame will do to see that a plate can be read and a mode is known.
    if (!options.conform.empty())
        conform_placement(16, 9, cut ? &*cut : nullptr, options.conform);
    else if (!options.fit.empty())
        fit_placement(16, 9, options.fit);
    check_format(options.format);
    if (!single_file.empty())
        check_holds_several(single_file);
}

} // namespace klio
