#include "color/transform.h"

#include "base/encoding.h"
#include "color/chain.h"
#include "color/config.h"
#include "color/curve.h"

#include <klio/error.h>

namespace klio::color {

namespace {

bool is_data(const WorkingConfig& working, const std::string& space)
{
    const OCIO::ConstColorSpaceRcPtr found = working.config->getColorSpace(space.c_str());
    return found && found->isData();
}

// Where the view policy applies exposure, and from where the config's view starts: the source
// itself, unless it has to be linear for that and is not, or is no space of the config's.
std::string view_space(const WorkingConfig& working, const ColorRecord& record,
                       const std::string& source)
{
    const bool foreign = is_chromaticities(source);
    if (!foreign && (record.exposure == 0 || is_scene_linear(source)))
        return source;
    if (!working.scene_linear.empty())
        return working.scene_linear;
    return foreign ? working.hub_space : source;
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
            const std::string space = view_space(working, record, source);
            chain.space_to_space(source, space);
            if (record.exposure != 0)
                chain.add_gain(record.exposure);
            chain.add(view_transform(record, space, false));
            impl->add(chain.step(false));
        } else if (record.policy == "compress") {
            chain.space_to_linear709(source);
            chain.add_gain(record.exposure);
            impl->add(chain.step(false));
            const HighlightCurve curve(record.peak);
            impl->add([curve](float* p, size_t n, int c) { curve.there(p, n, c); });
            Chain encode(working);
            encode.add_srgb_curve(true);
            impl->add(encode.step(false));
        } else if (record.exposure != 0 || (source != working.srgb && !is_data(working, source))) {
            chain.space_to_linear709(source);
            chain.add_gain(record.exposure);
            chain.add_srgb_curve(true);
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
            const std::string space = view_space(working, record, source);
            chain.add(view_transform(record, space, true));
            if (record.exposure != 0)
                chain.add_gain(-record.exposure);
            chain.space_to_space(space, to);
            impl->add(chain.step(true));
        } else if (record.policy == "compress") {
            chain.add_srgb_curve(false);
            impl->add(chain.step(true));
            const HighlightCurve curve(record.peak);
            impl->add([curve](float* p, size_t n, int c) { curve.back(p, n, c); });
            Chain after(working);
            after.add_gain(-record.exposure);
            after.linear709_to_space(to);
            impl->add(after.step(true));
        } else if (is_data(working, source) && record.exposure == 0) {
            // There was no transform there, so the code values are in `source` already.
            if (to != source && !is_data(working, to)) {
                chain.add_srgb_curve(false);
                chain.linear709_to_space(to);
                impl->add(chain.step(true));
            }
        } else if (record.exposure != 0 || to != working.srgb) {
            chain.add_srgb_curve(false);
            chain.add_gain(-record.exposure);
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
            chain.add_srgb_curve(false);
        else
            chain.space_to_linear709(source);
        chain.add_gain(record.exposure);
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
