#include <klio/prepare.h>

#include "base/file.h"
#include "base/sha256.h"
#include "color/transform.h"
#include "prepare/attention.h"
#include "prepare/color_plan.h"
#include "prepare/encode.h"
#include "prepare/geometry.h"
#include "prepare/matte.h"
#include "prepare/measure.h"
#include "prepare/options.h"
#include "prepare/painter.h"
#include "prepare/parallel.h"
#include "prepare/reader.h"
#include "prepare/shrink.h"
#include "prepare/upright.h"
#include "request/model.h"

#include <klio/error.h>
#include <klio/record.h>
#include <klio/request.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <future>
#include <mutex>
#include <new>
#include <stdexcept>

namespace klio {

namespace prep {

namespace {

std::string percent(double share)
{
    char text[32];
    std::snprintf(text, sizeof text, share < 0.001 ? "%.3f %%" : "%.1f %%", share * 100);
    return text;
}

class Preparation {
public:
    Preparation(const Source& source, const PrepareOptions& options, const CancelToken& cancel)
        : m_source(source), m_options(parse_options(options)), m_cancel(cancel)
    {
    }

    Prepared run()
    {
        std::future<std::string> hash;
        m_reader = open_reader(m_source, m_options);
        if (!m_source.bytes)
            hash = std::async(std::launch::async,
                              [path = m_source.name] { return base::sha256_file(path); });
        const PictureInfo& info = m_reader->info();
        m_warnings = info.warnings;
        m_color = plan_color(m_source, info, m_options, m_warnings);
        plan();
        Picture picture = m_color.decided ? straight() : measured();
        warn_of_clipping();
        if (info.orientation > 1)
            picture = upright(picture, info.orientation);
        if (m_geometry.width != m_geometry.inner_width
            || m_geometry.height != m_geometry.inner_height)
            picture = padded(picture);
        Encoded encoded
            = encode(picture, m_options.codec, m_options.quality, kling::max_reference_bytes);
        if (!encoded.warning.empty())
            m_warnings.push_back(encoded.warning);
        Prepared out;
        out.media_type = encoded.codec == "png" ? "image/png" : "image/jpeg";
        out.width = picture.width;
        out.height = picture.height;
        out.bytes = std::move(encoded.bytes);
        out.sha256 = base::sha256_hex(out.bytes.data(), out.bytes.size());
        out.record = to_json(
            record(encoded.codec, encoded.quality, hash.valid() ? hash.get() : std::string()));
        for (const std::string& warning : m_warnings)
            out.warnings.push_back(m_source.name + ": " + warning);
        return out;
    }

private:
    void plan()
    {
        const PictureInfo& info = m_reader->info();
        const bool turned = info.orientation >= 5;
        const int width = turned ? info.height : info.width;
        const int height = turned ? info.width : info.height;
        const double aspect = turned ? 1 / info.pixel_aspect : info.pixel_aspect;
        const Point center {width / 2.0, height / 2.0};
        try {
            m_geometry = plan_geometry(width, height, aspect, m_options, center);
        } catch (const UsageError& error) {
            // One gravity may stand for many pictures.
            throw UsageError(m_source.name + ": " + error.what());
        }
        if (m_options.gravity.kind == Gravity::Kind::attention && m_options.fit == Fit::crop)
            m_geometry = plan_geometry(width, height, aspect, m_options, subject(width, height));
        if (!info.shows_data)
            m_warnings.push_back("its display window holds none of its pixels, so it is black");
        m_warnings.insert(m_warnings.end(), m_geometry.warnings.begin(), m_geometry.warnings.end());
        m_cut = stored_cut(m_geometry, width, height, info.orientation);
        // Premultiplied colours over black are the colours themselves.
        const bool over_black = m_options.matte_kind == Matte::color && m_options.matte[0] == 0
            && m_options.matte[1] == 0 && m_options.matte[2] == 0;
        m_cut.alpha = info.has_alpha && !over_black && !info.cmyk;
    }

    // Where the subject is, found in a small picture that is read before the real one.
    Point subject(int width, int height)
    {
        constexpr double long_side = 128;
        const PictureInfo& info = m_reader->info();
        Cut small;
        small.w = info.width;
        small.h = info.height;
        const double scale = std::min(1.0, long_side / std::max(small.w, small.h));
        small.width = std::max(1, int(std::lround(small.w * scale)));
        small.height = std::max(1, int(std::lround(small.h * scale)));
        const color::Processor linear = color::to_linear(m_color.record);
        std::vector<float> rgb(size_t(small.width) * size_t(small.height) * 3);
        const std::unique_ptr<Reader> reader = open_reader(m_source, m_options);
        shrink(*reader, small, m_options.threads, m_cancel, [&](int y, float* pixels) {
            if (m_color.cmyk)
                cmyk_to_rgb(pixels, size_t(small.width));
            linear.apply(pixels, size_t(small.width), 4);
            for (int x = 0; x < small.width; ++x)
                std::memcpy(&rgb[3 * (size_t(y) * size_t(small.width) + size_t(x))], pixels + 4 * x,
                            3 * sizeof(float));
        });
        const Cut crop = stored_cut(m_geometry, width, height, info.orientation);
        const Point found
            = find_subject(rgb, small.width, small.height, crop.w * small.width / small.w,
                           crop.h * small.height / small.h);
        return upright_point({found.x * small.w / small.width, found.y * small.h / small.height},
                             width, height, info.orientation);
    }

    // A resampled row in the source's own space, as RGB.
    void finish_row(float* pixels) const
    {
        const size_t count = size_t(m_cut.width);
        if (m_cut.alpha)
            apply_matte(pixels, count, m_options);
        if (m_color.icc)
            m_color.icc->apply(pixels, count);
        else if (m_color.cmyk)
            cmyk_to_rgb(pixels, count);
    }

    // Colours are known: bytes come straight from the filter.
    Picture straight()
    {
        Picture picture = blank(m_cut.width, m_cut.height);
        // The light is asked for only where it may have to be said how much darker the picture
        // ought to be.
        Painter painter(m_color.record, may_clip());
        m_not_finite
            = shrink(*m_reader, m_cut, m_options.threads, m_cancel, [&](int y, float* pixels) {
                  finish_row(pixels);
                  painter.paint(pixels, size_t(m_cut.width), 4, picture.row(y));
              });
        m_auto_exposure = m_color.record.exposure + painter.light().auto_exposure();
        set_clipped(painter);
        return picture;
    }

    // A view has its own way with what lies above 1.
    bool may_clip() const { return m_color.open_ended && m_color.record.policy != "view"; }

    // Colours depend on the light: the small picture is kept in floats until it has been measured.
    Picture measured()
    {
        const size_t row_floats = size_t(m_cut.width) * 3;
        std::vector<float> rgb(row_floats * size_t(m_cut.height));
        m_not_finite
            = shrink(*m_reader, m_cut, m_options.threads, m_cancel, [&](int y, float* pixels) {
                  finish_row(pixels);
                  float* out = &rgb[size_t(y) * row_floats];
                  for (int x = 0; x < m_cut.width; ++x)
                      std::memcpy(out + 3 * x, pixels + 4 * x, 3 * sizeof(float));
              });
        Light light = measure(rgb);
        m_auto_exposure = m_color.record.exposure + light.auto_exposure();
        if (m_options.auto_exposure) {
            m_color.record.exposure = m_auto_exposure;
            light = measure(rgb);
        }
        decide(light, m_options, m_color.record);

        Picture picture = blank(m_cut.width, m_cut.height);
        Painter painter(m_color.record, false);
        parallel_rows(m_options.threads, 0, m_cut.height, [&](int begin, int end) {
            for (int y = begin; y < end; ++y)
                painter.paint(&rgb[size_t(y) * row_floats], size_t(m_cut.width), 3, picture.row(y));
        });
        set_clipped(painter);
        return picture;
    }

    Light measure(const std::vector<float>& rgb) const
    {
        const color::Processor linear = color::to_linear(m_color.record);
        const size_t row_floats = size_t(m_cut.width) * 3;
        Light light;
        std::mutex mutex;
        parallel_rows(m_options.threads, 0, m_cut.height, [&](int begin, int end) {
            Light part;
            std::vector<float> row(row_floats);
            for (int y = begin; y < end; ++y) {
                std::copy_n(&rgb[size_t(y) * row_floats], row_floats, row.begin());
                linear.apply(row.data(), size_t(m_cut.width), 3);
                part.add(row.data(), size_t(m_cut.width), 3);
            }
            const std::lock_guard<std::mutex> lock(mutex);
            light.add(part);
        });
        return light;
    }

    void set_clipped(const Painter& painter)
    {
        const double count = double(m_cut.width) * m_cut.height;
        if (may_clip()) {
            m_color.record.clipped = painter.above(count);
            m_color.record.out_of_gamut = painter.below(count);
        }
        m_color.record.not_finite = m_not_finite;
    }

    void warn_of_clipping()
    {
        const ColorRecord& record = m_color.record;
        if (record.not_finite > 0)
            m_warnings.push_back(std::to_string(record.not_finite)
                                 + " values were NaN or infinite and were made finite");
        if (record.clipped <= 0.05)
            return;
        std::string text = percent(record.clipped) + " of its pixels are above 1 and clipped; ";
        if (!m_options.auto_exposure) {
            char stops[64];
            std::snprintf(stops, sizeof stops, "--exposure auto would choose %+.2f stops, and ",
                          m_auto_exposure);
            text += stops;
        }
        text += record.policy == "compress" ? "--policy view would show them"
                                            : "--policy view or compress would show them";
        m_warnings.push_back(text);
    }

    Picture padded(const Picture& inner) const
    {
        // Beyond the picture there is the matte, seen through the same colours.
        float matte[4] = {0, 0, 0, 1};
        if (m_options.matte_kind == Matte::color)
            std::copy_n(m_options.matte, 3, matte);
        color::there(m_color.record).apply(matte, 1, 4);
        unsigned char fill[3];
        to_bytes(matte, 1, 4, fill);
        Picture out = blank(m_geometry.width, m_geometry.height);
        for (size_t i = 0; i < out.pixels.size(); i += 3)
            std::copy_n(fill, 3, &out.pixels[i]);
        for (int y = 0; y < inner.height; ++y)
            std::copy_n(inner.row(y), size_t(inner.width) * 3,
                        out.row(y + m_geometry.inner_y) + 3 * m_geometry.inner_x);
        return out;
    }

    static Picture blank(int width, int height)
    {
        Picture picture;
        picture.width = width;
        picture.height = height;
        picture.pixels.resize(size_t(width) * size_t(height) * 3);
        return picture;
    }

    PrepareRecord record(const std::string& codec, int quality, const std::string& sha256) const
    {
        const PictureInfo& info = m_reader->info();
        const bool turned = info.orientation >= 5;
        PrepareRecord out;
        out.color = m_color.record;
        out.source_sha256 = sha256;
        out.source_width = turned ? info.height : info.width;
        out.source_height = turned ? info.width : info.height;
        out.display_x = info.display_x;
        out.display_y = info.display_y;
        out.orientation = info.orientation;
        out.pixel_aspect = turned ? 1 / info.pixel_aspect : info.pixel_aspect;
        out.image_view = info.image_view;
        out.fit = to_string(m_options.fit);
        out.crop_x = m_geometry.crop_x();
        out.crop_y = m_geometry.crop_y();
        out.crop_width = m_geometry.crop_width();
        out.crop_height = m_geometry.crop_height();
        out.width = m_geometry.width;
        out.height = m_geometry.height;
        out.aspect_ratio = m_geometry.aspect_ratio;
        out.codec = codec;
        out.quality = codec == "png" ? 0 : quality;
        char matte[96];
        std::snprintf(matte, sizeof matte, "%g,%g,%g", double(m_options.matte[0]),
                      double(m_options.matte[1]), double(m_options.matte[2]));
        out.matte = m_options.matte_kind == Matte::unpremult ? "unpremult" : matte;
        return out;
    }

    Source m_source;
    Options m_options;
    CancelToken m_cancel;
    std::unique_ptr<Reader> m_reader;
    std::vector<std::string> m_warnings;
    ColorPlan m_color;
    Geometry m_geometry;
    Cut m_cut;
    long long m_not_finite = 0;
    double m_auto_exposure = 0; ///< what --exposure auto chooses, or would
};

} // namespace

} // namespace prep

namespace {

Prepared run(const prep::Source& source, const PrepareOptions& options, const CancelToken& cancel)
{
    try {
        return prep::Preparation(source, options, cancel).run();
    } catch (const std::bad_alloc&) {
        throw ReferenceError(
            source.name
            + ": takes more memory than there is; it is damaged, or has to be made "
              "smaller first");
    } catch (const Error&) {
        throw;
    } catch (const std::length_error&) {
        // Readers of OpenImageIO let through what their containers say of a header that lies.
        throw ReferenceError(source.name
                             + ": is damaged (its reader asked for more memory than can be)");
    } catch (const std::exception& exception) {
        throw ReferenceError(source.name + ": is damaged (" + exception.what() + ")");
    }
}

} // namespace

Prepared prepare(const std::string& path, const PrepareOptions& options, const CancelToken& cancel)
{
    return run({path, nullptr}, options, cancel);
}

Prepared prepare_bytes(const std::string& bytes, const std::string& name,
                       const PrepareOptions& options, const CancelToken& cancel)
{
    return run({name, &bytes}, options, cancel);
}

} // namespace klio
