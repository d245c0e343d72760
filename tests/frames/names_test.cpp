#include <klio/frame.h>

#include <filesystem>
#include <string>

#include "images_support.h"

#include <klio/error.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <OpenImageIO/filesystem.h>

using namespace klio;
using testing::ElementsAre;
using testing::HasSubstr;

namespace {

std::string message_of(const std::function<void()>& call)
{
    try {
        call();
    } catch (const Error& error) {
        return error.what();
    }
    return "nothing was thrown";
}

} // namespace

TEST(FrameNames, KnowsThePaddingsOfTheField)
{
    EXPECT_THAT(frame_names("out/a.#.exr", 2), ElementsAre("out/a.0001.exr", "out/a.0002.exr"));
    EXPECT_THAT(frame_names("a.@.exr", 2), ElementsAre("a.1.exr", "a.2.exr"));
    EXPECT_THAT(frame_names("a.@@@.exr", 1), ElementsAre("a.001.exr"));
    EXPECT_THAT(frame_names("a.##.exr", 1), ElementsAre("a.00000001.exr"));
    EXPECT_THAT(frame_names("a.%04d.exr", 1), ElementsAre("a.0001.exr"));
    EXPECT_THAT(frame_names("a_%d.png", 2), ElementsAre("a_1.png", "a_2.png"));
    EXPECT_THAT(frame_names("a.exr", 1), ElementsAre("a.exr"));
    EXPECT_THAT(frame_names("v1.2/a.exr", 2), ElementsAre("v1.2/a.0001.exr", "v1.2/a.0002.exr"));
    EXPECT_THAT(frame_names("v1.2/a", 2), ElementsAre("v1.2/a.0001", "v1.2/a.0002"));
    EXPECT_THAT(frame_names("100%.exr", 1), ElementsAre("100%.exr"));
    EXPECT_THAT(frame_names("take@1/a.#.exr", 1), ElementsAre("take@1/a.0001.exr"));
}

TEST(FrameNames, RefusesTwoPaddings)
{
    EXPECT_THROW(frame_names("a.#.%04d.exr", 2), UsageError);
    EXPECT_THROW(frame_names("out/", 1), UsageError);
}

TEST(CheckOutputs, FindsWhatCannotBeWritten)
{
    const test::Folder folder;
    EXPECT_NO_THROW(check_outputs({folder / "new/deep/a.exr", folder / "b.png"}, false));
    EXPECT_FALSE(OIIO::Filesystem::exists(folder / "new"));
    test::write_bytes(folder / "there.exr", "x");
    EXPECT_THAT(message_of([&] { check_outputs({folder / "there.exr"}, false); }),
                HasSubstr("--force"));
    EXPECT_NO_THROW(check_outputs({folder / "there.exr"}, true));
    EXPECT_THAT(message_of([&] { check_outputs({folder / "a.exrr"}, false); }),
                HasSubstr("did you mean .exr?"));
    EXPECT_THAT(message_of([&] { check_outputs({folder / "noending"}, false); }),
                HasSubstr("has no ending"));
    EXPECT_THROW(check_outputs({folder / "a.exr", folder / "./a.exr"}, false), OutputError);
    EXPECT_THROW(check_outputs({folder / "there.exr/a.exr"}, false), OutputError);
    EXPECT_THROW(check_outputs({folder / (std::string(250, 'n') + ".exr")}, false), OutputError);
    EXPECT_THROW(check_outputs({"/proc/nowhere/a.exr"}, false), OutputError);
    std::filesystem::create_symlink(folder / "gone", folder / "link");
    EXPECT_THROW(check_outputs({folder / "link/a.exr"}, false), OutputError);
}

TEST(DefaultSpace, IsForDisplayFormats)
{
    EXPECT_EQ(default_space("a/b.PNG"), "srgb");
    EXPECT_EQ(default_space("b.jpg"), "srgb");
    EXPECT_EQ(default_space("b.exr"), "");
    EXPECT_EQ(default_space("b.tif"), "");
}
