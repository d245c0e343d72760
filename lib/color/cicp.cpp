#include "color/cicp.h"

#include "color/config.h"
#include "color/transform.h"

#include <vector>

namespace klio::color {

namespace {

// ITU-T H.273, tables 2 and 3.
struct CodePoint {
    int code;
    const char* name;
};
constexpr CodePoint primaries_names[] = {{1, "Rec.709"}, {9, "Rec.2020"}, {12, "P3-D65"}};
constexpr CodePoint transfer_names[]
    = {{1, "Rec.709 curve"},  {6, "Rec.709 curve"},  {8, "linear"}, {13, "sRGB curve"},
       {14, "Rec.709 curve"}, {15, "Rec.709 curve"}, {16, "PQ"},    {18, "HLG"}};

template <size_t N> std::string name_of(const CodePoint (&points)[N], int code)
{
    for (const CodePoint& point : points)
        if (point.code == code)
            return point.name;
    return std::to_string(code);
}

// Names under which configs know what a pair of code points says: the Color Interop Forum's
// identifier first, then what the ACES configs call it.
struct CodedSpace {
    int primaries, transfer;
    std::vector<const char*> names;
};

const std::vector<CodedSpace>& coded_spaces()
{
    static const std::vector<CodedSpace> spaces = {
        {1,
         1,
         {"g24_rec709_scene", "Gamma 2.4 Encoded Rec.709", "Gamma 2.4 Rec.709 - Texture",
          "g24_rec709_tx", "Utility - Gamma 2.4 - Rec.709 - Texture", "rec709"}},
        {1, 8, names_of_linear709()},
        {9, 1, {"g24_rec2020_scene", "rec2020"}},
        {9,
         8,
         {"lin_rec2020_scene", "Linear Rec.2020", "lin_rec2020", "Utility - Linear - Rec.2020"}},
        {9, 16, {"pq_rec2020_scene", "pq_rec2020", "Rec.2100-PQ", "rec2100_pq"}},
        {9, 18, {"hlg_rec2020_scene", "hlg_rec2020", "Rec.2100-HLG", "rec2100_hlg"}},
        {12, 8, {"lin_p3d65_scene", "Linear P3-D65", "lin_p3d65", "Utility - Linear - P3-D65"}},
        {12,
         13,
         {"srgb_p3d65_scene", "sRGB Encoded P3-D65", "srgb_encoded_p3d65", "Display P3 - Texture",
          "srgb_p3d65", "Display P3"}},
        {12, 16, {"pq_p3d65_scene", "pq_p3d65"}},
    };
    return spaces;
}

} // namespace

bool cicp_given(int primaries, int transfer)
{
    constexpr int unspecified = 2;
    return primaries > 0 && transfer > 0 && primaries != unspecified && transfer != unspecified;
}

std::string cicp_name(int primaries, int transfer)
{
    return "primaries " + name_of(primaries_names, primaries) + ", transfer "
        + name_of(transfer_names, transfer);
}

std::string space_of_cicp(int primaries, int transfer)
{
    const WorkingConfig& working = working_config();
    if (primaries == 1 && transfer == 13)
        return working.srgb;
    // H.273 gives one curve four numbers.
    if (transfer == 6 || transfer == 14 || transfer == 15)
        transfer = 1;
    for (const CodedSpace& coded : coded_spaces()) {
        if (coded.primaries != primaries || coded.transfer != transfer)
            continue;
        for (const char* name : coded.names) {
            const OCIO::ConstColorSpaceRcPtr found = working.config->getColorSpace(name);
            // Behind a display's space there is a view, with its look: that is no way back.
            if (found && !found->isData()
                && found->getReferenceSpaceType() == OCIO::REFERENCE_SPACE_SCENE)
                return found->getName();
        }
    }
    if (transfer == 8 && working.hub == Hub::aces) {
        static constexpr float rec2020[8]
            = {0.708f, 0.292f, 0.17f, 0.797f, 0.131f, 0.046f, 0.3127f, 0.329f};
        static constexpr float p3d65[8]
            = {0.68f, 0.32f, 0.265f, 0.69f, 0.15f, 0.06f, 0.3127f, 0.329f};
        if (primaries == 9 || primaries == 12)
            return chromaticities_space(primaries == 9 ? rec2020 : p3d65);
    }
    return {};
}

} // namespace klio::color
