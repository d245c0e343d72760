#include "color/chain.h"

#include "color/chromaticities.h"
#include "color/transform.h"

#include <klio/error.h>

#include <cmath>

namespace klio::color {

namespace {

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

} // namespace

Chain::Chain(const WorkingConfig& working)
    : m_working(working), m_group(OCIO::GroupTransform::Create())
{
}

void Chain::add(const OCIO::ConstTransformRcPtr& transform)
{
    m_group->appendTransform(transform->createEditableCopy());
}

void Chain::add_gain(double stops)
{
    add(gain(stops));
}

void Chain::add_srgb_curve(bool encode)
{
    add(srgb_curve(encode));
}

void Chain::space_to_linear709(const std::string& space)
{
    require_hub(space);
    space_to_hub(space);
    if (m_working.hub == Hub::aces) {
        add(builtin("ACEScg_to_ACES2065-1", true));
        add(builtin("UTILITY - ACES-AP1_to_LINEAR-REC709_BFD"));
    } else if (m_working.hub == Hub::srgb) {
        add(srgb_curve(false));
    }
}

void Chain::linear709_to_space(const std::string& space)
{
    require_hub(space);
    if (m_working.hub == Hub::aces) {
        add(builtin("UTILITY - ACES-AP1_to_LINEAR-REC709_BFD", true));
        add(builtin("ACEScg_to_ACES2065-1"));
    } else if (m_working.hub == Hub::srgb) {
        add(srgb_curve(true));
    }
    hub_to_space(space);
}

void Chain::space_to_space(const std::string& from, const std::string& to)
{
    if (from == to)
        return;
    if (!is_chromaticities(from) && !is_chromaticities(to)) {
        add(convert(from, to));
        return;
    }
    require_hub(from);
    space_to_hub(from);
    hub_to_space(to);
}

Step Chain::step(bool exact) const
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

void Chain::require_hub(const std::string& space) const
{
    const bool chromaticities = is_chromaticities(space);
    if (m_working.hub == Hub::none || (chromaticities && m_working.hub != Hub::aces))
        throw ColorError("the OCIO config " + m_working.name
                         + " has neither the role aces_interchange nor a space that is known "
                           "to be sRGB, so '"
                         + space + "' can't be turned into sRGB; use the policy view");
}

void Chain::space_to_hub(const std::string& space)
{
    double xy[8], matrix[9];
    if (parse_chromaticities(space, xy) && matrix_to_aces(xy, matrix))
        add(matrix3(matrix));
    else
        add(convert(space, m_working.hub_space));
}

void Chain::hub_to_space(const std::string& space)
{
    double xy[8], matrix[9];
    if (parse_chromaticities(space, xy) && matrix_to_aces(xy, matrix))
        add(matrix3(matrix, true));
    else
        add(convert(m_working.hub_space, space));
}

} // namespace klio::color
