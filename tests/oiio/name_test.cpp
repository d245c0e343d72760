#include "name.h"

#include <klio/error.h>

#include <gmock/gmock.h>

using klio::oiio::is_recipe_name;
using klio::oiio::parse_name;
using klio::oiio::Wishes;

TEST(Name, IsKnownByItsEndingAlone)
{
    EXPECT_TRUE(is_recipe_name("shot.kling"));
    EXPECT_TRUE(is_recipe_name("/no/such/folder/SHOT.KLING"));
    EXPECT_TRUE(is_recipe_name("x.kling?prompt=a.png"));
    EXPECT_FALSE(is_recipe_name("shot.exr"));
    EXPECT_FALSE(is_recipe_name("shot.exr?a=b.kling"));
    EXPECT_FALSE(is_recipe_name("kling"));
    EXPECT_FALSE(is_recipe_name(""));
}

TEST(Name, IsSplitAtTheFirstQuestionMarkThenAtEachAmpersandThenAtTheFirstEqualsSign)
{
    const auto name = parse_name("a/x.kling?prompt=why? a=b&take=2&&to=ACEScg");
    EXPECT_EQ(name.file, "a/x.kling");
    EXPECT_EQ(name.wishes, (Wishes {{"prompt", "why? a=b"}, {"take", "2"}, {"to", "ACEScg"}}));
    EXPECT_TRUE(parse_name("shot.kling").wishes.empty());
    EXPECT_TRUE(parse_name("shot.kling?").wishes.empty());
}

TEST(Name, EscapesThatOiiotoolLetsThrough)
{
    EXPECT_EQ(parse_name("x.kling?prompt=~23 1 ~40 ~7b~7D ~26 ~7E").wishes[0].second,
              "# 1 @ {} & ~");
    EXPECT_EQ(parse_name("x.kling?prompt=%23%C3%A9").wishes[0].second, "#é");
}

TEST(Name, WhatIsNoEscapeStaysAsItIs)
{
    EXPECT_EQ(parse_name("x.kling?prompt=50 % more, ~100 sheep, %zz~").wishes[0].second,
              "50 % more, ~100 sheep, %zz~");
    EXPECT_EQ(parse_name("x.kling?prompt=a ~ b%").wishes[0].second, "a ~ b%");
}

TEST(Name, Base64urlCarriesAnyText)
{
    // printf '%s' '100% #1 {a} & b?' | basenc --base64url
    EXPECT_EQ(parse_name("x.kling?prompt64=MTAwJSAjMSB7YX0gJiBiPw").wishes,
              (Wishes {{"prompt", "100% #1 {a} & b?"}}));
    EXPECT_THROW(parse_name("x.kling?prompt64=!!"), klio::UsageError);
}

TEST(Name, APartWithoutAValueIsAnError)
{
    try {
        parse_name("x.kling?prompt=salt & pepper");
        FAIL();
    } catch (const klio::UsageError& error) {
        EXPECT_THAT(error.what(), testing::HasSubstr("' pepper'"));
        EXPECT_THAT(error.what(), testing::HasSubstr("~26"));
    }
}
