#include "store/ledger.h"
#include "store/store.h"

#include "store_support.h"

#include <klio/error.h>

#include <gtest/gtest.h>

#include <sys/stat.h>

namespace {

using namespace klio;
using namespace klio::store;
using klio::test::Folder;
using klio::test::job_record;

TEST(Store, MakesAPrivateFolder)
{
    const Folder folder;
    const Store store(folder.path + "/deep/data");
    EXPECT_TRUE(store.writable());
    struct stat info { };
    ASSERT_EQ(::stat((folder.path + "/deep/data").c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777, 0700u);
}

TEST(Store, SecretIsMadeOnceAndPrivate)
{
    const Folder folder;
    const Store store(folder.path);
    const std::string secret = store.secret();
    EXPECT_EQ(secret.size(), 32u);
    EXPECT_EQ(Store(folder.path).secret(), secret);
    struct stat info { };
    ASSERT_EQ(::stat((folder.path + "/secret").c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777, 0600u);
}

TEST(Store, KeepsAJobThroughItsStates)
{
    const Folder folder;
    Store store(folder.path);
    JobRecord job = job_record("a1");
    job.set.request.params = {{"seed", "7"}};
    job.set.references = {{"/plates/x.exr", "abc", "{}"}};
    store.jobs().begin(job, {}, 1000);
    EXPECT_EQ(store.jobs().find(job.set.job)->set.state, JobState::submitting);
    EXPECT_EQ(total_cost(store.database()).reserved, 6);

    store.jobs().submitted(job.set.job, "task-1", "{\"id\": \"task-1\"}", 1001);
    StoredFrame frame;
    frame.index = 1;
    frame.media_type = "image/png";
    frame.width = 8;
    frame = write_frame_bytes(folder.path, job.set.job, frame, "bytes");
    store.jobs().add_frame(job.set.job, frame);
    store.jobs().succeeded(job.set.job, {"a warning"}, 1002);

    Store again(folder.path);
    const JobRecord found = *again.jobs().find(job.set.job);
    EXPECT_EQ(found.set.state, JobState::succeeded);
    EXPECT_EQ(found.set.task_id, "task-1");
    EXPECT_EQ(found.raw_create, "{\"id\": \"task-1\"}");
    EXPECT_EQ(found.set.request.prompt, job.set.request.prompt);
    EXPECT_EQ(found.set.request.params.at("seed"), "7");
    EXPECT_EQ(found.set.references.at(0).source, "/plates/x.exr");
    EXPECT_EQ(found.set.warnings, std::vector<std::string> {"a warning"});
    ASSERT_EQ(found.set.frames.size(), 1u);
    EXPECT_EQ(found.set.frames[0].path, frame.path);
    EXPECT_EQ(read_frame_bytes(found.set.frames[0]), "bytes");
    EXPECT_EQ(total_cost(again.database()).spent, 6);
    EXPECT_EQ(total_cost(again.database()).reserved, 0);
}

} // namespace
