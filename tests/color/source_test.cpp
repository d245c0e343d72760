#include "color/source.h"

#include "color/cicp.h"
#include "color/transform.h"
#include "config_support.h"

#include <klio/error.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>

using namespace klio;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

namespace {

// A config of version 1 with the names of ACES 1.0.3, in which nothing is called sRGB alone, and
// color_picking is a display's look.
const char* const aces103 = R"(ocio_profile_version: 1
strictparsing: true
roles:
  default: "Utility - Raw"
  scene_linear: "ACES - ACEScg"
  color_picking: "Output - Rec.709"
  texture_paint: "Utility - sRGB - Texture"
displays:
  ACES:
    - !<View> {name: sRGB, colorspace: "Output - sRGB"}
colorspaces:
  - !<ColorSpace>
    name: "ACES - ACES2065-1"
  - !<ColorSpace>
    name: "ACES - ACEScg"
    to_reference: !<MatrixTransform> {matrix: [0.6954522414, 0.1406786965, 0.1638690622, 0, 0.0447945634, 0.8596711185, 0.0955343182, 0, -0.0055258826, 0.0040252103, 1.0015006723, 0, 0, 0, 0, 1]}
  - !<ColorSpace>
    name: "Utility - Linear - sRGB"
    to_reference: !<MatrixTransform> {matrix: [0.4395721, 0.3839313, 0.1765020, 0, 0.0897002, 0.8134745, 0.0968253, 0, 0.0174154, 0.1115618, 0.8710230, 0, 0, 0, 0, 1]}
  - !<ColorSpace>
    name: "Output - sRGB"
    from_reference: !<ExponentTransform> {value: [3, 3, 3, 1], direction: inverse}
  - !<ColorSpace>
    name: "Output - Rec.709"
    from_reference: !<ExponentTransform> {value: [3, 3, 3, 1], direction: inverse}
  - !<ColorSpace>
    name: "Utility - sRGB - Texture"
    to_reference: !<GroupTransform>
      children:
        - !<ExponentTransform> {value: [2.2, 2.2, 2.2, 1]}
        - !<MatrixTransform> {matrix: [0.4395721, 0.3839313, 0.1765020, 0, 0.0897002, 0.8134745, 0.0968253, 0, 0.0174154, 0.1115618, 0.8710230, 0, 0, 0, 0, 1]}
  - !<ColorSpace>
    name: "Utility - Raw"
    isdata: true
)";

// A config of version 2 around linear Rec.709, with `extra` roles and spaces. The curve of sRGB
// stands under names of the studio's own.
std::string studio(const std::string& roles, const std::string& spaces)
{
    return R"(ocio_profile_version: 2
roles:
  scene_linear: lin_rec709
)" + roles
        + R"(file_rules:
  - !<Rule> {name: Default, colorspace: lin_rec709}
displays:
  screen:
    - !<View> {name: plain, colorspace: lin_rec709}
colorspaces:
  - !<ColorSpace>
    name: lin_rec709
    encoding: scene-linear
)" + spaces;
}

std::string curve(const std::string& name, const std::string& gamma, const std::string& offset)
{
    return "  - !<ColorSpace>\n    name: " + name
        + "\n    to_scene_reference: !<ExponentWithLinearTransform> {gamma: [" + gamma + ", "
        + gamma + ", " + gamma + ", 1], offset: [" + offset + ", " + offset + ", " + offset
        + ", 0]}\n";
}

std::string srgb_curve(const std::string& name)
{
    return curve(name, "2.4", "0.055");
}

std::string space_of_8_bits()
{
    color::SourceHints hints;
    hints.path = "a.png";
    hints.colorspace = "sRGB";
    return color::choose_source(hints).space;
}

std::string refusal(const std::string& space)
{
    try {
        color::resolve_space(space);
    } catch (const ColorError& error) {
        EXPECT_THAT(error.what(), Not(HasSubstr("\n")));
        return error.what();
    }
    return "no error";
}

TEST(NoSpaceNamedSrgb, OfAces103IsUtilitySrgbTexture)
{
    const Ocio ocio(aces103);
    EXPECT_EQ(color::resolve_space("sRGB"), "Utility - sRGB - Texture");
    EXPECT_EQ(color::resolve_space("sRGB - Texture"), "Utility - sRGB - Texture");
    EXPECT_EQ(color::resolve_space("ACEScg"), "ACES - ACEScg");
    EXPECT_EQ(color::resolve_space("lin_rec709"), "Utility - Linear - sRGB");
    EXPECT_EQ(space_of_8_bits(), "Utility - sRGB - Texture");
    ColorRecord record;
    record.source_space = "sRGB";
    EXPECT_TRUE(color::there(record).is_noop());
    // ACEScg white is sRGB white: the way there and back goes by the config's ACES.
    record.source_space = "ACEScg";
    float white[3] = {1, 1, 1};
    color::there(record).apply(white, 1, 3);
    for (float value : white)
        EXPECT_NEAR(value, 1, 2e-3);
}

TEST(NoSpaceNamedSrgb, OfTheCgConfigIsFoundByItsName)
{
    for (const char* name : {"sRGB - Texture", "srgb_texture", "sRGB Encoded Rec.709 (sRGB)",
                             "srgb_tx", "srgb_rec709_scene"}) {
        const Ocio ocio(studio("", srgb_curve(name)));
        EXPECT_EQ(color::resolve_space("sRGB"), name);
        EXPECT_EQ(space_of_8_bits(), name);
    }
}

TEST(NoSpaceNamedSrgb, IsFoundByTheRolesOfPaintedPictures)
{
    for (const char* role : {"texture_paint", "matte_paint", "color_picking"}) {
        const Ocio ocio(
            studio(std::string("  ") + role + ": house_tex\n", srgb_curve("house_tex")));
        EXPECT_EQ(color::resolve_space("sRGB"), "house_tex") << role;
        float grey[3] = {0.18f, 0.18f, 0.18f};
        ColorRecord record;
        record.source_space = "lin_rec709";
        color::there(record).apply(grey, 1, 3);
        EXPECT_NEAR(grey[0], 0.4614f, 1e-3);
    }
}

TEST(NoSpaceNamedSrgb, RolesAndNamesAreNotBelievedAlone)
{
    // A display's look as color_picking, and a space that says sRGB and is something else.
    const Ocio look(studio("  color_picking: look\n",
                           curve("look", "3", "0.01") + srgb_curve("house sRGB paint")
                               + curve("film sRGB", "1.8", "0.01")));
    EXPECT_EQ(color::resolve_space("sRGB"), "house sRGB paint");
    const Ocio none(studio("  color_picking: look\n",
                           curve("look", "3", "0.01") + curve("film sRGB", "1.8", "0.01")));
    EXPECT_THAT(refusal("sRGB"), HasSubstr("film sRGB"));
}

TEST(MissingSpace, ListsTheNearestOrWhatThereIs)
{
    const Ocio ocio(aces103);
    EXPECT_THAT(refusal("ACES - ACESxg"),
                AllOf(HasSubstr("'ACES - ACESxg'"), HasSubstr("did you mean ACES - ACEScg")));
    EXPECT_THAT(refusal("S-Log3"), AllOf(HasSubstr("it has "), HasSubstr("Utility - Raw")));
}

TEST(Cicp, PairsFindTheConfigsSpaces)
{
    unsetenv("OCIO");
    EXPECT_EQ(color::space_of_cicp(1, 13), "sRGB - Texture");
    EXPECT_EQ(color::space_of_cicp(1, 8), "Linear Rec.709 (sRGB)");
    EXPECT_THAT(color::space_of_cicp(9, 8), HasSubstr("chromaticities(0.708"));
    EXPECT_THAT(color::space_of_cicp(12, 8), HasSubstr("chromaticities(0.68"));
    EXPECT_EQ(color::space_of_cicp(9, 16), "");
    const Ocio ocio(studio(
        "",
        srgb_curve("sRGB") + srgb_curve("sRGB Encoded P3-D65")
            + curve("g24_rec709_scene", "2.4", "0.001") + curve("pq_rec2020_scene", "3", "0.01")
            + curve("hlg_rec2020_scene", "3", "0.01") + curve("Linear Rec.2020", "1.1", "0")));
    EXPECT_EQ(color::space_of_cicp(12, 13), "sRGB Encoded P3-D65");
    for (int same : {1, 6, 14, 15})
        EXPECT_EQ(color::space_of_cicp(1, same), "g24_rec709_scene");
    EXPECT_EQ(color::space_of_cicp(9, 16), "pq_rec2020_scene");
    EXPECT_EQ(color::space_of_cicp(9, 18), "hlg_rec2020_scene");
    EXPECT_EQ(color::space_of_cicp(9, 8), "Linear Rec.2020");
    EXPECT_EQ(color::space_of_cicp(12, 16), "");
    EXPECT_EQ(color::space_of_cicp(77, 8), "");
}

TEST(Cicp, ComesAfterTheFlagAndBeforeWhatReadersSay)
{
    unsetenv("OCIO");
    color::SourceHints hints;
    hints.path = "a.png";
    hints.colorspace = "sRGB";
    hints.cicp_primaries = 1;
    hints.cicp_transfer = 8;
    color::SourceChoice choice = color::choose_source(hints);
    EXPECT_EQ(choice.space, "Linear Rec.709 (sRGB)");
    EXPECT_EQ(choice.decided_by, "cicp");
    hints.flag = "ACEScg";
    choice = color::choose_source(hints);
    EXPECT_EQ(choice.space, "ACEScg");
    EXPECT_EQ(choice.decided_by, "flag");
}

TEST(Cicp, WithoutASpaceIsNoGuessButAWarning)
{
    unsetenv("OCIO");
    color::SourceHints hints;
    hints.path = "a.png";
    hints.colorspace = "sRGB";
    hints.cicp_primaries = 9;
    hints.cicp_transfer = 16;
    color::SourceChoice choice = color::choose_source(hints);
    EXPECT_EQ(choice.decided_by, "metadata oiio:ColorSpace");
    EXPECT_THAT(choice.warning, AllOf(HasSubstr("Rec.2020"), HasSubstr("PQ"), HasSubstr("--from")));
    // 2 is "unspecified": nothing was said, so nothing is warned of.
    hints.cicp_primaries = hints.cicp_transfer = 2;
    EXPECT_EQ(color::choose_source(hints).warning, "");
}

} // namespace
