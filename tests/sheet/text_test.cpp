#include "sheet/text.h"

#include <klio/error.h>

#include <gtest/gtest.h>

#include <algorithm>

using namespace klio;
using namespace klio::sheet;

namespace {

const TextStyle style {20, false, {255, 255, 255}};

/// Share of the picture that is not black.
double inked(const Canvas& canvas)
{
    size_t ink = 0;
    for (int y = 0; y < canvas.height(); ++y)
        for (int x = 0; x < canvas.width() * 3; ++x)
            ink += canvas.row(y)[x] > 40;
    return double(ink) / (canvas.width() * canvas.height() * 3);
}

/// Columns from the left until the first ink.
int first_ink(const Canvas& canvas)
{
    for (int x = 0; x < canvas.width(); ++x)
        for (int y = 0; y < canvas.height(); ++y)
            if (canvas.row(y)[x * 3] > 40)
                return x;
    return -1;
}

#define NEED_FONT(TYPE)                                                                            \
    if (!(TYPE).available())                                                                       \
    GTEST_SKIP() << "no font is installed"

} // namespace

TEST(Text, DrawsWhatItMeasures)
{
    Typesetter type;
    NEED_FONT(type);
    const int width = type.width("Lantern", style);
    EXPECT_GT(width, 20);
    Canvas canvas(width + 40, 40, {0, 0, 0});
    type.draw(canvas, "Lantern", 20, 28, style);
    EXPECT_GT(inked(canvas), 0.05);
    EXPECT_GE(first_ink(canvas), 19);
    // What is drawn over the edge is clipped, not written elsewhere.
    type.draw(canvas, "Lantern", -30, 5, style);
    type.draw(canvas, "Lantern", width, 60, style);
}

TEST(Text, ElidesToTheWidthAndNeverWithinACharacter)
{
    Typesetter type;
    NEED_FONT(type);
    const std::string text = "A brass lantern on a wet cobblestone street";
    for (int width = 10; width < 400; width += 7) {
        const std::string cut = type.elide(text, width, style);
        EXPECT_LE(type.width(cut, style), width);
        if (cut != text && !cut.empty()) {
            EXPECT_EQ(cut.substr(cut.size() - 3), "\xE2\x80\xA6");
        }
    }
    EXPECT_EQ(type.elide("short", 1000, style), "short");
    EXPECT_EQ(cut("e\xCC\x81tat", 2), "e\xCC\x81\xE2\x80\xA6"); // the accent stays with its letter
}

TEST(Text, WrapsWithinTheWidthAndLosesNothingWithoutASign)
{
    Typesetter type;
    NEED_FONT(type);
    const std::string text = "A brass lantern on a wet cobblestone street, thick fog";
    const auto lines = type.wrap(text, 160, 20, style);
    EXPECT_GT(lines.size(), 2u);
    std::string joined;
    for (const std::string& line : lines) {
        EXPECT_LE(type.width(line, style), 160);
        joined += (joined.empty() ? "" : " ") + line;
    }
    EXPECT_EQ(joined, text);
    const auto two = type.wrap(text, 160, 2, style);
    ASSERT_EQ(two.size(), 2u);
    EXPECT_NE(two.back().find("\xE2\x80\xA6"), std::string::npos);
    const auto word
        = type.wrap("wordwithoutanyplacetobreakitthatislongerthantheline", 100, 9, style);
    EXPECT_GT(word.size(), 2u);
    EXPECT_EQ(type.wrap("a\nb", 160, 5, style).size(), 2u);
}

TEST(Text, ChineseBreaksBetweenCharacters)
{
    Typesetter type;
    NEED_FONT(type);
    const std::string text = "雾中的黄铜灯笼雾中的黄铜灯笼";
    const auto lines = type.wrap(text, type.width("雾中的黄铜", style), 9, style);
    EXPECT_GE(lines.size(), 3u);
}

TEST(Text, TakesACharacterFromWhicheverFontHasIt)
{
    Typesetter serif("DejaVu Serif");
    NEED_FONT(serif);
    Typesetter sans("DejaVu Sans");
    // DejaVu Serif has no Arabic, DejaVu Sans has.
    EXPECT_EQ(serif.width("مصباح", style), sans.width("مصباح", style));
    EXPECT_EQ(serif.missing(), 0u);
    // A private-use character is in neither.
    serif.width("\xF3\xB0\x80\x80", style);
    EXPECT_EQ(serif.missing(), 1u);
}

TEST(Text, ArabicIsJoinedAndRunsFromTheRight)
{
    Typesetter type;
    NEED_FONT(type);
    type.width("مصباح", style);
    if (type.missing())
        GTEST_SKIP() << "no installed font has Arabic";
    int apart = 0;
    for (const char* letter : {"م", "ص", "ب", "ا", "ح"})
        apart += type.width(letter, style);
    EXPECT_LT(type.width("مصباح", style), apart);
    // In a Latin line the Arabic words change places: the first one is drawn last.
    const int together = type.width("x ا ممممممم", style);
    Canvas canvas(together + 10, 40, {0, 0, 0});
    type.draw(canvas, "ا ممممممم", 0, 28, style);
    // The narrow alef stands at the right end.
    Canvas alone(together + 10, 40, {0, 0, 0});
    type.draw(alone, "ا", 0, 28, style);
    EXPECT_LE(first_ink(alone), 6);
    int last = -1;
    for (int x = 0; x < canvas.width(); ++x)
        for (int y = 0; y < 12; ++y) // only the alef is that high
            if (canvas.row(y + 8)[x * 3] > 40)
                last = x;
    EXPECT_GT(last, type.width("ممممممم", style));
}

TEST(Text, AFontThatIsNotThereIsAnError)
{
    EXPECT_THROW(Typesetter("No Such Family"), UsageError);
}

TEST(Text, BrokenUtf8IsDrawnAndNotTrusted)
{
    Typesetter type;
    NEED_FONT(type);
    EXPECT_GT(type.width("a\xFF\xC3(", style), 0);
    EXPECT_NO_THROW(type.wrap("a\xFF\xC3( b\xE2\x80", 30, 5, style));
    EXPECT_NO_THROW(cut("a\xFF\xC3( b\xE2\x80", 2));
}
