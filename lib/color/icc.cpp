#include "color/icc.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include <lcms2.h>

namespace klio::color {

struct IccTransform::Impl {
    Kind kind = Kind::none;
    std::string description;
    bool is_srgb = false;
    cmsContext context = nullptr;
    cmsHTRANSFORM transform = nullptr;

    ~Impl()
    {
        if (transform)
            cmsDeleteTransform(transform);
        if (context)
            cmsDeleteContext(context);
    }

    void apply(float* pixels, size_t count) const
    {
        switch (kind) {
        case Kind::rgb:
            cmsDoTransform(transform, pixels, pixels, cmsUInt32Number(count));
            break;
        case Kind::grey: {
            std::vector<float> grey(count), rgb(3 * count);
            for (size_t i = 0; i < count; ++i)
                grey[i] = pixels[4 * i];
            cmsDoTransform(transform, grey.data(), rgb.data(), cmsUInt32Number(count));
            for (size_t i = 0; i < count; ++i)
                std::copy_n(&rgb[3 * i], 3, pixels + 4 * i);
            break;
        }
        case Kind::cmyk: {
            // Little CMS counts float ink in percent.
            std::vector<float> ink(pixels, pixels + 4 * count), rgb(3 * count);
            for (float& value : ink)
                value *= 100;
            cmsDoTransform(transform, ink.data(), rgb.data(), cmsUInt32Number(count));
            for (size_t i = 0; i < count; ++i) {
                std::copy_n(&rgb[3 * i], 3, pixels + 4 * i);
                pixels[4 * i + 3] = 0;
            }
            break;
        }
        case Kind::none:
            break;
        }
    }
};

namespace {

void quiet(cmsContext, cmsUInt32Number, const char*)
{
}

std::string description_of(cmsContext context, cmsHPROFILE profile)
{
    (void)context;
    char text[256] = {};
    cmsGetProfileInfoASCII(profile, cmsInfoDescription, "en", "US", text, sizeof text);
    std::string out;
    for (const char* c = text; *c; ++c)
        if (*c >= ' ' && *c < 127)
            out += *c;
    return out;
}

} // namespace

IccTransform::IccTransform(const std::string& profile)
{
    const auto impl = std::make_shared<Impl>();
    m_impl = impl;
    impl->context = cmsCreateContext(nullptr, nullptr);
    if (!impl->context)
        return;
    cmsSetLogErrorHandlerTHR(impl->context, quiet);
    cmsHPROFILE from
        = cmsOpenProfileFromMemTHR(impl->context, profile.data(), cmsUInt32Number(profile.size()));
    if (!from)
        return;
    cmsHPROFILE to = cmsCreate_sRGBProfileTHR(impl->context);
    cmsUInt32Number format = 0, out = TYPE_RGB_FLT;
    Kind kind = Kind::none;
    switch (cmsGetColorSpace(from)) {
    case cmsSigRgbData:
        kind = Kind::rgb;
        format = out = TYPE_RGBA_FLT;
        break;
    case cmsSigGrayData:
        kind = Kind::grey;
        format = TYPE_GRAY_FLT;
        break;
    case cmsSigCmykData:
        kind = Kind::cmyk;
        format = TYPE_CMYK_FLT;
        break;
    default:
        break;
    }
    if (kind != Kind::none)
        impl->transform = cmsCreateTransformTHR(
            impl->context, from, format, to, out, INTENT_RELATIVE_COLORIMETRIC,
            cmsFLAGS_NOCACHE | cmsFLAGS_BLACKPOINTCOMPENSATION | cmsFLAGS_COPY_ALPHA);
    impl->description = description_of(impl->context, from);
    cmsCloseProfile(from);
    cmsCloseProfile(to);
    if (!impl->transform)
        return;
    impl->kind = kind;
    if (kind == Kind::cmyk)
        return;
    double worst = 0;
    for (int i = 0; i < 9 * 9 * 9; ++i) {
        const float value[4] = {float(i % 9) / 8, float(i / 9 % 9) / 8, float(i / 81) / 8, 0};
        float pixel[4] = {value[0], value[1], value[2], 0};
        impl->apply(pixel, 1);
        for (int c = 0; c < 3; ++c)
            worst
                = std::max(worst, std::fabs(double(pixel[c]) - value[kind == Kind::grey ? 0 : c]));
    }
    impl->is_srgb = worst < 1.0 / 255;
}

IccTransform::Kind IccTransform::kind() const
{
    return m_impl->kind;
}

const std::string& IccTransform::description() const
{
    return m_impl->description;
}

bool IccTransform::is_srgb() const
{
    return m_impl->is_srgb;
}

void IccTransform::apply(float* pixels, size_t count) const
{
    if (count > 0)
        m_impl->apply(pixels, count);
}

} // namespace klio::color
