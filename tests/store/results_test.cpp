#include "store/results.h"
#include "store/store.h"

#include "store_support.h"

#include <klio/error.h>

#include <gtest/gtest.h>

#include <fstream>

namespace {

using namespace klio;
using namespace klio::store;
using klio::test::Folder;

StoredFrame frame(int index)
{
    StoredFrame made;
    made.index = index;
    made.media_type = "image/jpeg";
    return made;
}

TEST(Results, FileIsWholeAndItsNameIsOurOwn)
{
    const Folder folder;
    Store store(folder.path);
    const StoredFrame stored = write_frame_bytes(folder.path, "abcdef", frame(2), "pixels");
    EXPECT_EQ(stored.path, folder.path + "/results/ab/abcdef/2.jpg");
    EXPECT_EQ(stored.bytes, 6u);
    EXPECT_EQ(read_frame_bytes(stored), "pixels");
}

TEST(Results, ChangedCutAndMissingFilesAreDamaged)
{
    const Folder folder;
    Store store(folder.path);
    const StoredFrame stored = write_frame_bytes(folder.path, "abcdef", frame(1), "pixels");
    for (const char* bytes : {"pixelz", "pix", ""}) {
        std::ofstream(stored.path, std::ios::trunc) << bytes;
        EXPECT_THROW(read_frame_bytes(stored), DamagedError) << bytes;
    }
    std::filesystem::remove(stored.path);
    EXPECT_THROW(read_frame_bytes(stored), DamagedError);
}

TEST(Results, AFileWithOtherBytesIsKeptBesideTheNewOne)
{
    const Folder folder;
    Store store(folder.path);
    const StoredFrame old = write_frame_bytes(folder.path, "abcdef", frame(1), "paid for");
    write_frame_bytes(folder.path, "abcdef", frame(1), "paid for");
    EXPECT_EQ(read_frame_bytes(write_frame_bytes(folder.path, "abcdef", frame(1), "others")),
              "others");
    StoredFrame aside = old;
    aside.path = folder.path + "/results/ab/abcdef/1.was-" + old.sha256.substr(0, 12) + ".jpg";
    EXPECT_EQ(read_frame_bytes(aside), "paid for");
    const auto files = std::filesystem::directory_iterator(folder.path + "/results/ab/abcdef");
    EXPECT_EQ(std::distance(begin(files), end(files)), 2);
}

TEST(Results, WhatACrashLeftIsSwept)
{
    const Folder folder;
    Store store(folder.path);
    const StoredFrame stored = write_frame_bytes(folder.path, "abcdef", frame(1), "pixels");
    std::ofstream(stored.path + ".tmp-0011") << "pix";
    store.sweep("abcdef");
    EXPECT_FALSE(std::filesystem::exists(stored.path + ".tmp-0011"));
    EXPECT_EQ(read_frame_bytes(stored), "pixels");
}

} // namespace
