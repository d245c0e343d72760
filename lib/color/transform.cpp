#include "color/transform.h"

#include "base/encoding.h"
#include "color/chromaticities.h"
#include "color/config.h"
#include "color/curve.h"

#include <klio/error.h>

#include <cmath>
#include <functional>

namespace klio::color {

namespace {

using Step = std::function<void(float*, size_t, int)>;

OCIO::ConstTransformRcPtr builtin(const char* style, bool inverse = false)
{
    const auto transform = OCIO::BuiltinTransform::Create();
    transform->setStyle(style);
    if (inverse)
        transform->setDirection(OCIO::TRANSFORM_DIR_INVERSE);
    return transform;
}

OCIO::ConstTransformRcPtr matrix3(const double m[9], bool inverse = false)
{
    const double m44[16]
        = {m[0], m[1], m[2], 0, m[3], m[4], m[5], 0, m[6], m[7], m[8], 0, 0, 0, 0, 1};
    const auto transform = OCIO::MatrixTransform::Create();
    transform->setMatrix(m44);
    if (inverse)
        transform->setDirection(OCIO::TRANSFORM_DIR_INVERSE);
    return transform;
}

OCIO::ConstTransformRcPtr gain(double stops)
{
    const double g = std::exp2(stops);
    const double m[9] = {g, 0, 0, 0, g, 0, 0, 0, g};
    return matrix3(m);
}

// IEC 61966-2-1, negative values mirrored so that what is out of gamut survives the way.
OCIO::ConstTransformRcPtr srgb_curve(bool encode)
{
    const auto transform = OCIO::ExponentWithLinearTransform::Create();
    transform->setGamma({2.4, 2.4, 2.4, 1.0});
    transform->setOffset({0.055, 0.055, 0.055, 0.0});
    transform->setNegativeStyle(OCIO::NEGATIVE_MIRROR);
    if (encode)
        transform->setDirection(OCIO::TRANSFORM_DIR_INVERSE);
    return transform;
}

OCIO::ConstTransformRcPtr convert(const std::string& from, const std::string& to)
{
    const auto transform = OCIO::ColorSpaceTransform::Create();
    transform->setSrc(from.c_str());
    transform->setDst(to.c_str());
    return transform;
}

// A space there and back through the hub leaves a matrix that differs from none by rounding only.
bool changes_nothing(const OCIO::CPUProcessor& processor)
{
    if (processor.hasChannelCrosstalk()) {
        for (float scale : {0.01f, 1.0f, 100.0f})
            for (int i = 0; i < 27; ++i) {
                const float in[3] = {scale * float(i % 3 - 1), scale * float(i / 3 % 3 - 1),
                                     scale * float(i / 9 - 1)};
                float out[3] = {in[0], in[1], in[2]};
                processor.applyRGB(out);
                for (int c = 0; c < 3; ++c)
                    if (!(std::fabs(out[c] - in[c]) <= 2e-6f * scale))
                        return false;
            }
        return true;
    }
    return false;
}

// A list of OCIO transforms that becomes one processor.
class Chain {
public:
    explicit Chain(const WorkingConfig& working)
        : m_working(working), m_group(OCIO::GroupTransform::Create())
    {
    }

    void add(const OCIO::ConstTransformRcPtr& transform)
    {
        m_group->appendTransform(transform->createEditableCopy());
    }

    // From `space`, or to it, by way of the hub and linear Rec.709.
    void space_to_linear709(const std::string& space)
    {
        to_hub(space);
        if (m_working.hub == Hub::aces) {
            add(builtin("ACEScg_to_ACES2065-1", true));
            add(builtin("UTILITY - ACES-AP1_to_LINEAR-REC709_BFD"));
        } else if (m_working.hub == Hub::srgb) {
            add(srgb_curve(false));
        }
    }

    void linear709_to_space(const std::string& space)
    {
        require_hub(space);
        if (m_working.hub == Hub::aces) {
            add(builtin("UTILITY - ACES-AP1_to_LINEAR-REC709_BFD", true));
            add(builtin("ACEScg_to_ACES2065-1"));
        } else if (m_working.hub == Hub::srgb) {
            add(srgb_curve(true));
        }
        double xy[8], matrix[9];
        if (parse_chromaticities(space, xy) && matrix_to_aces(xy, matrix))
            add(matrix3(matrix, true));
        else
            add(convert(m_working.hub_space, space));
    }

    // Any space to any other of the config.
    void space_to_space(const std::string& from, const std::string& to)
    {
        if (from == to)
            return;
        if (is_chromaticities(from) || is_chromaticities(to)) {
            to_hub(from);
            double xy[8], matrix[9];
            if (parse_chromaticities(to, xy) && matrix_to_aces(xy, matrix))
                add(matrix3(matrix, true));
            else
                add(convert(m_working.hub_space, to));
        } else {
            add(convert(from, to));
        }
    }

    Step step(bool exact) const
    {
        // The fast inverse of a LUT and the fast powers are meant for looking; the way back is
        // stored.
        const OCIO::OptimizationFlags flags = exact
            ? OCIO::OptimizationFlags(OCIO::OPTIMIZATION_LOSSLESS | OCIO::OPTIMIZATION_COMP_LUT1D)
            : OCIO::OPTIMIZATION_DEFAULT;
        const OCIO::ConstCPUProcessorRcPtr processor
            = m_working.config->getProcessor(m_group)->getOptimizedCPUProcessor(flags);
        if (processor->isNoOp() || changes_nothing(*processor))
            return {};
        return [processor](float* pixels, size_t count, int channels) {
            OCIO::PackedImageDesc image(pixels, long(count), 1, channels);
            processor->apply(image);
        };
    }

private:
    void require_hub(const std::string& space) const
    {
        const bool chromaticities = is_chromaticities(space);
        if (m_working.hub == Hub::none || (chromaticities && m_working.hub != Hub::aces))
            throw ColorError("the OCIO config " + m_working.name
                             + " has neither the role aces_interchange nor a space that is known "
                               "to be sRGB, so '"
                             + space + "' can't be turned into sRGB; use the policy view");
    }

    void to_hub(const std::string& space)
    {
        require_hub(space);
        double xy[8], matrix[9];
        if (parse_chromaticities(space, xy) && matrix_to_aces(xy, matrix))
            add(matrix3(matrix));
        else
            add(convert(space, m_working.hub_space));
    }

    const WorkingConfig& m_working;
    OCIO::GroupTransformRcPtr m_group;
};

bool is_data(const WorkingConfig& working, const std::string& space)
{
    const OCIO::ConstColorSpaceRcPtr found = working.config->getColorSpace(space.c_str());
    return found && found->isData();
}

// Where the view policy applies exposure: the source itself where it is linear.
std::string exposure_space(const WorkingConfig& working, const std::string& source)
{
    if (is_chromaticities(source) || is_scene_linear(source) || working.scene_linear.empty())
        return source;
    return working.scene_linear;
}

OCIO::ConstTransformRcPtr view_transform(const ColorRecord& record, const std::string& space,
                                         bool inverse)
{
    const auto transform = OCIO::DisplayViewTransform::Create();
    transform->setSrc(space.c_str());
    transform->setDisplay(record.display.c_str());
    transform->setView(record.view.c_str());
    if (inverse)
        transform->setDirection(OCIO::TRANSFORM_DIR_INVERSE);
    return transform;
}

[[noreturn]] void rethrow(const std::string& what, const OCIO::Exception& error)
{
    std::string message = error.what();
    for (char& c : message)
        if (c == '\n')
            c = ' ';
    throw ColorError(what + " can't be computed with the OCIO config " + working_config().name
                     + ": " + message);
}

} // namespace

struct Processor::Impl {
    std::vector<Step> steps;
    void add(const Step& step)
    {
        if (step)
            steps.push_back(step);
    }
};

bool Processor::is_noop() const
{
    return !m_impl || m_impl->steps.empty();
}

void Processor::apply(float* pixels, size_t count, int channels) const
{
    if (m_impl && count > 0)
        for (const Step& step : m_impl->steps)
            step(pixels, count, channels);
}

Processor there(const ColorRecord& record)
{
    const WorkingConfig& working = working_config();
    const std::string source = resolve_space(record.source_space);
    const auto impl = std::make_shared<Processor::Impl>();
    try {
        Chain chain(working);
        if (record.policy == "view") {
            std::string space = source;
            if (record.exposure != 0 || is_chromaticities(source)) {
                space = exposure_space(working, source);
                if (is_chromaticities(space))
                    space = working.scene_linear.empty() ? working.hub_space : working.scene_linear;
                chain.space_to_space(source, space);
                chain.add(gain(record.exposure));
            }
            chain.add(view_transform(record, space, false));
            impl->add(chain.step(false));
        } else if (record.policy == "compress") {
            chain.space_to_linear709(source);
            chain.add(gain(record.exposure));
            impl->add(chain.step(false));
            const HighlightCurve curve(record.peak);
            impl->add([curve](float* p, size_t n, int c) { curve.there(p, n, c); });
            Chain encode(working);
            encode.add(srgb_curve(true));
            impl->add(encode.step(false));
        } else if (record.exposure != 0 || (source != working.srgb && !is_data(working, source))) {
            chain.space_to_linear709(source);
            chain.add(gain(record.exposure));
            chain.add(srgb_curve(true));
            impl->add(chain.step(false));
        }
    } catch (const OCIO::Exception& error) {
        rethrow("the way from '" + source + "' to the policy " + record.policy, error);
    }
    return Processor(impl);
}

Processor back(const ColorRecord& record, const std::string& to_space)
{
    const auto impl = std::make_shared<Processor::Impl>();
    if (to_space == "srgb")
        return Processor(impl);
    const WorkingConfig& working = working_config();
    const std::string source = resolve_space(record.source_space);
    const std::string to = to_space.empty() ? source : resolve_space(to_space);
    try {
        Chain chain(working);
        if (record.policy == "view") {
            std::string space = source;
            if (record.exposure != 0 || is_chromaticities(source)) {
                space = exposure_space(working, source);
                if (is_chromaticities(space))
                    space = working.scene_linear.empty() ? working.hub_space : working.scene_linear;
            }
            chain.add(view_transform(record, space, true));
            if (record.exposure != 0)
                chain.add(gain(-record.exposure));
            chain.space_to_space(space, to);
            impl->add(chain.step(true));
        } else if (record.policy == "compress") {
            chain.add(srgb_curve(false));
            impl->add(chain.step(true));
            const HighlightCurve curve(record.peak);
            impl->add([curve](float* p, size_t n, int c) { curve.back(p, n, c); });
            Chain after(working);
            after.add(gain(-record.exposure));
            after.linear709_to_space(to);
            impl->add(after.step(true));
        } else if (is_data(working, source) && record.exposure == 0) {
            // There was no transform there, so the code values are in `source` already.
            if (to != source && !is_data(working, to)) {
                chain.add(srgb_curve(false));
                chain.linear709_to_space(to);
                impl->add(chain.step(true));
            }
        } else if (record.exposure != 0 || to != working.srgb) {
            chain.add(srgb_curve(false));
            chain.add(gain(-record.exposure));
            chain.linear709_to_space(to);
            impl->add(chain.step(true));
        }
    } catch (const OCIO::Exception& error) {
        rethrow("the way back from the policy " + record.policy + " to '" + to + "'", error);
    }
    return Processor(impl);
}

Processor to_linear(const ColorRecord& record)
{
    const WorkingConfig& working = working_config();
    const std::string source = resolve_space(record.source_space);
    const auto impl = std::make_shared<Processor::Impl>();
    try {
        Chain chain(working);
        if (is_data(working, source))
            chain.add(srgb_curve(false));
        else
            chain.space_to_linear709(source);
        chain.add(gain(record.exposure));
        impl->add(chain.step(false));
    } catch (const OCIO::Exception& error) {
        rethrow("the way from '" + source + "' to linear Rec.709", error);
    }
    return Processor(impl);
}

bool is_linear_way(const ColorRecord& record)
{
    const std::string source = resolve_space(record.source_space);
    return is_scene_linear(source) && !is_data(working_config(), source);
}

ColorRecord default_record()
{
    const WorkingConfig& working = working_config();
    ColorRecord record;
    record.source_space = working.scene_linear.empty() ? working.srgb : working.scene_linear;
    record.decided_by = "default";
    record.config = working.name;
    record.config_id = working.config->getCacheID();
    return record;
}

Processor to_display(const std::string& space)
{
    const WorkingConfig& working = working_config();
    ColorRecord record = default_record();
    record.source_space = space.empty() || space == "srgb" ? working.srgb : resolve_space(space);
    if (record.source_space.empty())
        return Processor();
    const ConfigInfo info = config_info();
    if (is_scene_linear(record.source_space) && !info.default_view.empty()) {
        record.policy = "view";
        record.display = info.default_display;
        record.view = info.default_view;
    }
    return there(record);
}

bool is_scene_linear(const std::string& space)
{
    if (is_chromaticities(space))
        return true;
    const WorkingConfig& working = working_config();
    const std::string name = working.canonical(space);
    if (name.empty() || is_data(working, name))
        return false;
    const std::string encoding = working.config->getColorSpace(name.c_str())->getEncoding();
    if (!encoding.empty())
        return encoding == "scene-linear";
    // Configs before OCIO 2 do not say; roles and well-known names do.
    if (name == working.scene_linear)
        return true;
    for (const auto* names : {&names_of_aces(), &names_of_acescg(), &names_of_linear709()})
        for (const char* known : *names)
            if (working.canonical(known) == name)
                return true;
    return false;
}

void resolve_view(std::string& display, std::string& view)
{
    const WorkingConfig& working = working_config();
    const auto choose = [&](const std::string& what, const std::string& wanted,
                            const std::vector<std::string>& names) {
        std::string list;
        for (const std::string& name : names) {
            if (name == wanted)
                return name;
            list += (list.empty() ? "" : ", ") + name;
        }
        const std::string near = base::nearest(wanted, names);
        throw ColorError("the OCIO config " + working.name + " has no " + what + " '" + wanted
                         + "'; " + (near.empty() ? "" : "did you mean " + near + "? ") + "it has "
                         + (list.empty() ? "none" : list));
    };
    std::vector<std::string> displays, views;
    for (int i = 0; i < working.config->getNumDisplays(); ++i)
        displays.emplace_back(working.config->getDisplay(i));
    if (display.empty())
        display = working.config->getDefaultDisplay();
    display = choose("display", display, displays);
    for (int i = 0; i < working.config->getNumViews(display.c_str()); ++i)
        views.emplace_back(working.config->getView(display.c_str(), i));
    if (view.empty())
        view = working.config->getDefaultView(display.c_str());
    view = choose("view for the display " + display, view, views);
}

} // namespace klio::color
