#include "frames/icc.h"

#include "base/log.h"

#include <lcms2.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <vector>

namespace klio::frames {

namespace {

struct Close {
    void operator()(void* profile) const { cmsCloseProfile(profile); }
};
struct Delete {
    void operator()(void* transform) const { cmsDeleteTransform(transform); }
};
using Profile = std::unique_ptr<void, Close>;
using Transform = std::unique_ptr<void, Delete>;

// A lattice of colours moves by less than one 8-bit code value.
bool is_identity(cmsHPROFILE from, cmsHPROFILE to, cmsUInt32Number flags)
{
    const Transform transform(cmsCreateTransform(from, TYPE_RGB_16, to, TYPE_RGB_16,
                                                 INTENT_RELATIVE_COLORIMETRIC, flags));
    if (!transform)
        return false;
    std::vector<uint16_t> in;
    for (int r = 0; r <= 8; ++r)
        for (int g = 0; g <= 8; ++g)
            for (int b = 0; b <= 8; ++b)
                for (const int v : {r, g, b})
                    in.push_back(uint16_t(v * 8191));
    std::vector<uint16_t> out(in.size());
    cmsDoTransform(transform.get(), in.data(), out.data(), cmsUInt32Number(in.size() / 3));
    for (size_t i = 0; i < in.size(); ++i)
        if (std::abs(int(in[i]) - int(out[i])) > 257)
            return false;
    return true;
}

} // namespace

void icc_to_srgb(OIIO::ImageBuf& image, const std::string& profile, bool grey)
{
    const Profile from(cmsOpenProfileFromMem(profile.data(), cmsUInt32Number(profile.size())));
    const cmsColorSpaceSignature space = from ? cmsGetColorSpace(from.get()) : cmsSigLabData;
    if (space != cmsSigRgbData && !(grey && space == cmsSigGrayData)) {
        base::log(base::LogLevel::warning,
                  "a result's embedded colour profile is not understood and was left out");
        return;
    }
    const Profile to(cmsCreate_sRGBProfile());
    const cmsUInt32Number flags = cmsFLAGS_BLACKPOINTCOMPENSATION | cmsFLAGS_NOCACHE;
    if (space == cmsSigRgbData && is_identity(from.get(), to.get(), flags))
        return;

    const OIIO::ImageSpec& spec = image.spec();
    const bool wide = spec.format == OIIO::TypeDesc::UINT16;
    const auto channels = cmsUInt32Number(spec.nchannels);
    const cmsUInt32Number layout
        = COLORSPACE_SH(PT_RGB) | CHANNELS_SH(3) | EXTRA_SH(channels - 3) | BYTES_SH(wide ? 2 : 1);
    // A grey file was widened before: its first channel says it all, the others are extra.
    const cmsUInt32Number in = space == cmsSigGrayData
        ? COLORSPACE_SH(PT_GRAY) | CHANNELS_SH(1) | EXTRA_SH(channels - 1) | BYTES_SH(wide ? 2 : 1)
        : layout;
    const Transform transform(
        cmsCreateTransform(from.get(), in, to.get(), layout, INTENT_RELATIVE_COLORIMETRIC, flags));
    if (!transform)
        return;
    const size_t pixel = spec.pixel_bytes();
    std::vector<unsigned char> row(pixel * size_t(spec.width));
    for (int y = 0; y < spec.height; ++y) {
        auto* pixels = static_cast<unsigned char*>(image.pixeladdr(0, y));
        std::copy(pixels, pixels + row.size(), row.begin());
        cmsDoTransform(transform.get(), row.data(), pixels, cmsUInt32Number(spec.width));
    }
}

} // namespace klio::frames
