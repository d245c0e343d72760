#include "store/staged.h"
#include "store/store.h"

#include "store_support.h"

#include <gtest/gtest.h>

namespace {

using namespace klio::store;
using klio::test::Folder;

class StagedTable : public ::testing::Test {
protected:
    Folder folder;
    Store store {folder.path};
    Staged& staged = store.staged();
};

TEST_F(StagedTable, IsNeededUntilTheLastJobReleasesIt)
{
    const auto one = staged.add("sha", "s3://b", "name", "job1", false, 5);
    EXPECT_EQ(one.state, "uploading");
    staged.mark_staged(one.id, "https://h/x?sig=secret", 99);
    const auto two = staged.add("sha", "s3://b", "name", "job2", false, 6);
    EXPECT_EQ(two.id, one.id);
    EXPECT_EQ(two.state, "staged");
    EXPECT_EQ(two.jobs, (std::vector<std::string> {"job1", "job2"}));
    EXPECT_EQ(two.url.find("secret"), std::string::npos);

    staged.release("job1");
    EXPECT_TRUE(staged.unneeded().empty());
    EXPECT_FALSE(staged.mark_removing(one.id));
    staged.release("job2");
    ASSERT_EQ(staged.unneeded().size(), 1u);
    EXPECT_TRUE(staged.mark_removing(one.id));
    staged.remove(one.id);
    EXPECT_TRUE(staged.list().empty());
}

TEST_F(StagedTable, WantedAgainWhileItIsRemovedIsNotForgotten)
{
    const auto one = staged.add("sha", "s3://b", "name", "job1", false, 5);
    staged.release("job1");
    EXPECT_TRUE(staged.mark_removing(one.id));
    EXPECT_EQ(staged.add("sha", "s3://b", "name", "job2", false, 6).state, "uploading");
    staged.remove(one.id);
    EXPECT_EQ(staged.list().size(), 1u);
}

TEST_F(StagedTable, KeptStaysAfterItsJob)
{
    staged.add("sha", "s3://b", "name", "job1", true, 5);
    staged.release("job1");
    EXPECT_TRUE(staged.unneeded().empty());
    EXPECT_TRUE(staged.list().at(0).keep);
}

} // namespace
