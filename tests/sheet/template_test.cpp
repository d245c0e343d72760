#include "sheet/template.h"

#include <klio/error.h>

#include <gmock/gmock.h>

using namespace klio;
using namespace klio::sheet;
using ::testing::HasSubstr;

namespace {

const Fields fields = {{"frame", "3"},
                       {"take", "1"},
                       {"size", "2720×1536"},
                       {"prompt", "a lantern in fog"},
                       {"long", "灯笼灯笼灯笼灯笼"}};

} // namespace

TEST(Template, FieldsAndLiteralsAndBraces)
{
    EXPECT_EQ(expand("{frame}/{take}", fields), "3/1");
    EXPECT_EQ(expand("{{{frame}}}", fields), "{3}");
    EXPECT_EQ(expand("plain", fields), "plain");
    EXPECT_EQ(expand("", fields), "");
}

TEST(Template, AWidthCountsCharactersNotBytes)
{
    EXPECT_EQ(expand("{prompt:9}", fields), "a lanter…");
    EXPECT_EQ(expand("{prompt:40}", fields), "a lantern in fog");
    EXPECT_EQ(expand("{long:4}", fields), "灯笼灯…");
}

TEST(Template, AMissingFieldTakesItsSeparatorAlong)
{
    EXPECT_EQ(expand("{frame} · {seed?} · {size}", fields), "3 · 2720×1536");
    EXPECT_EQ(expand("{seed?} · {size}", fields), "2720×1536");
    EXPECT_EQ(expand("{size} · {seed?}", fields), "2720×1536");
    EXPECT_EQ(expand("{seed?}", fields), "");
    EXPECT_EQ(expand("{seed?:5}", fields), "");
}

TEST(Template, ALineThatComesToNothingLeavesNoGap)
{
    EXPECT_EQ(expand("{seed?}\n{size}", fields), "2720×1536");
    EXPECT_EQ(expand("{frame}\\n{seed?}\\n{size}", fields), "3\n2720×1536");
    EXPECT_EQ(expand("{seed?}\n{nothing?}", fields), "");
}

TEST(Template, AnUnknownFieldNamesTheNearestAndAllThatThereAre)
{
    try {
        check_template("{promt}", {"frame", "prompt"}, "label");
        FAIL() << "no error";
    } catch (const UsageError& error) {
        EXPECT_THAT(error.what(), HasSubstr("{prompt}"));
        EXPECT_THAT(error.what(), HasSubstr("{frame}"));
    }
    EXPECT_NO_THROW(check_template("{promt?}", {"prompt"}, "label"));
    EXPECT_THROW(check_template("{prompt", {"prompt"}, "label"), UsageError);
    EXPECT_THROW(check_template("{prompt:x}", {"prompt"}, "label"), UsageError);
    EXPECT_THROW(check_template("{prompt:0}", {"prompt"}, "label"), UsageError);
}
