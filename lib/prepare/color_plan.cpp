#include "prepare/color_plan.h"

#include "color/cicp.h"
#include "color/source.h"
#include "color/transform.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

namespace klio::prep {

namespace {

// Integers end at 1, but in a log space, in PQ or with more exposure that is not the end of light.
// White is asked, not the primaries: a gamut that is wider than sRGB's does not make highlights.
bool white_is_above_one(const ColorRecord& record)
{
    float white[3] = {1, 1, 1};
    color::to_linear(record).apply(white, 1, 3);
    return std::max({white[0], white[1], white[2]}) > 1 + 1.0f / 255;
}

} // namespace

ColorPlan plan_color(const Source& source, const PictureInfo& info, const Options& options,
                     std::vector<std::string>& warnings)
{
    ColorPlan plan;
    plan.record = color::default_record();
    plan.cmyk = info.cmyk;
    color::SourceHints hints;
    hints.path = source.name;
    hints.flag = options.from;
    hints.colorspace = info.colorspace;
    hints.reader_default = info.reader_default;
    hints.has_chromaticities = info.has_chromaticities;
    std::copy_n(info.chromaticities, 8, hints.chromaticities);
    hints.floating = info.floating;
    hints.cicp_primaries = info.cicp_primaries;
    hints.cicp_transfer = info.cicp_transfer;
    // Where both are there, code points win over the profile, as PNG's specification has it.
    const bool by_cicp = !color::space_of_cicp(info.cicp_primaries, info.cicp_transfer).empty();
    bool by_icc = false;
    if (!info.icc.empty() && !info.floating && options.from.empty() && !by_cicp) {
        color::IccTransform icc(info.icc);
        using Kind = color::IccTransform::Kind;
        if (icc.kind() == Kind::none || (icc.kind() == Kind::cmyk) != info.cmyk) {
            warnings.push_back("its ICC profile is damaged or for other channels, and is ignored");
        } else {
            by_icc = true;
            plan.record.icc_profile = icc.description();
            if (!icc.is_srgb())
                plan.icc = icc;
            hints.colorspace = "sRGB";
            hints.cicp_primaries = hints.cicp_transfer = 0;
        }
    }
    const color::SourceChoice choice = color::choose_source(hints);
    plan.record.source_space = choice.space;
    plan.record.decided_by = by_icc ? "icc" : choice.decided_by;
    if (!choice.warning.empty())
        warnings.push_back(choice.warning);
    plan.record.policy = options.policy;
    plan.record.exposure = options.exposure;
    if (options.policy == "view") {
        plan.record.display = options.display;
        plan.record.view = options.view;
        color::resolve_view(plan.record.display, plan.record.view);
    }
    plan.open_ended
        = info.floating || (plan.record.policy != "view" && white_is_above_one(plan.record));
    if (options.policy.empty() && !plan.open_ended)
        plan.record.policy = plan.icc ? "icc" : "texture";
    plan.record.peak = options.peak > 0 ? options.peak : 1;
    plan.decided = !plan.record.policy.empty() && !options.auto_exposure
        && (plan.record.policy != "compress" || options.peak > 0);
    return plan;
}

void decide(const Light& shown, const Options& options, ColorRecord& record)
{
    if (record.policy.empty()) {
        const color::ConfigInfo config = color::config_info();
        record.policy = "texture";
        if (shown.above_one() > 0 && !config.default_view.empty()) {
            record.policy = "view";
            color::resolve_view(record.display, record.view);
        }
    }
    if (record.policy == "compress" && options.peak <= 0) {
        // Three digits are enough of a curve's end, and are read more easily.
        char text[32];
        std::snprintf(text, sizeof text, "%.3g", double(std::max(1.0f, shown.peak())) * 1.005);
        record.peak = std::max(1.0, std::atof(text));
    }
}

} // namespace klio::prep
