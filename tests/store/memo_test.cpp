#include "store/memo.h"
#include "store/store.h"

#include "base/sha256.h"
#include "store_support.h"

#include <klio/error.h>

#include <gtest/gtest.h>

#include <fcntl.h>
#include <fstream>
#include <sys/stat.h>

namespace {

using namespace klio;
using namespace klio::store;
using klio::test::Folder;

void write(const std::string& path, const std::string& bytes, bool old = true)
{
    std::ofstream(path, std::ios::trunc) << bytes;
    const timespec times[2] = {{1000, 0}, {1000, 0}};
    if (old)
        ::utimensat(AT_FDCWD, path.c_str(), times, 0);
}

TEST(Memo, KnowsAFileBySizeTimeAndInode)
{
    const Folder folder;
    Store store(folder.path + "/data");
    const std::string path = folder.path + "/plate";
    write(path, "one");
    EXPECT_EQ(store.memo().source_sha256(path), base::sha256_hex("one"));
    // What the memo says is believed, so the file was not read.
    store.database().execute("UPDATE memo_source SET sha256 = 'believed'");
    EXPECT_EQ(store.memo().source_sha256(path), "believed");
    // Other bytes under the same size, inode and time of modification, which tools can set.
    write(path, "two");
    EXPECT_EQ(store.memo().source_sha256(path), base::sha256_hex("two"));
    write(path, "three");
    EXPECT_EQ(store.memo().source_sha256(path), base::sha256_hex("three"));
}

TEST(Memo, DoesNotTrustAFileThatHasJustChanged)
{
    const Folder folder;
    Store store(folder.path + "/data");
    const std::string path = folder.path + "/plate";
    write(path, "one", false);
    EXPECT_EQ(store.memo().source_sha256(path), base::sha256_hex("one"));
    write(path, "two", false);
    EXPECT_EQ(store.memo().source_sha256(path), base::sha256_hex("two"));
}

TEST(Memo, MissingFileIsAReferenceError)
{
    const Folder folder;
    Store store(folder.path + "/data");
    EXPECT_THROW(store.memo().source_sha256(folder.path + "/none"), ReferenceError);
}

TEST(Memo, TheFirstPreparationStays)
{
    const Folder folder;
    Store store(folder.path);
    const PreparedQuery query {"source", "/a.exr", "options", "config"};
    store.memo().put(query, false, {"first", "{}", "image/jpeg", 10, 4, 3, {"w"}});
    store.memo().put(query, false, {"second", "{}", "image/jpeg", 10, 4, 3, {}});
    const auto found = store.memo().find(query);
    ASSERT_TRUE(found);
    EXPECT_EQ(found->sha256, "first");
    EXPECT_EQ(found->warnings, std::vector<std::string> {"w"});
    PreparedQuery moved = query;
    moved.path = "/b.exr";
    EXPECT_TRUE(store.memo().find(moved));
    moved.config_id = "other";
    EXPECT_FALSE(store.memo().find(moved));
}

TEST(Memo, PathCountsWhereItDecided)
{
    const Folder folder;
    Store store(folder.path);
    const PreparedQuery query {"source", "/a.exr", "options", "config"};
    store.memo().put(query, true, {"first", "{}", "image/jpeg", 10, 4, 3, {}});
    EXPECT_TRUE(store.memo().find(query));
    PreparedQuery moved = query;
    moved.path = "/b.exr";
    EXPECT_FALSE(store.memo().find(moved));
}

} // namespace
