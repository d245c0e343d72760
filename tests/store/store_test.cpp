#include "store/ledger.h"
#include "store/store.h"

#include "store_support.h"

#include <klio/error.h>

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
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

/// Somebody asked a run to stop that was still preparing.
TEST(Store, AJobThatWasAskedToStopIsNotBegun)
{
    const Folder folder;
    Store store(folder.path);
    JobRecord job = job_record("a1");
    store.jobs().begin(job, {}, 1000);
    store.jobs().failed(job.set.job, JobState::failed, ErrorKind::network, "no way", {}, 1001);
    store.jobs().clear_cancel(job.set.job);
    store.jobs().request_cancel(job.set.job);
    JobRecord again = job_record("a1");
    EXPECT_THROW(store.jobs().begin(again, {}, 1002), CancelledError);
    const JobRecord found = store.jobs().get(job.set.job);
    EXPECT_EQ(found.set.state, JobState::failed);
    EXPECT_EQ(found.set.message, "no way");
    EXPECT_EQ(found.attempt, 1);
    EXPECT_EQ(total_cost(store.database()).total(), 0);
    store.jobs().clear_cancel(job.set.job);
    EXPECT_NO_THROW(store.jobs().begin(again, {}, 1003)) << "the next flight begins afresh";
}

TEST(Store, WhatIsNoAnswerOfKliosIsNone)
{
    const Folder folder;
    Store store(folder.path);
    JobRecord job = job_record("a1");
    store.jobs().begin(job, {}, 1000);
    const std::string path = store.answer_path(job.set.job);
    std::string task, raw;
    for (const char* text : {R"({"task_id":7,"raw":"x"})", R"({"task_id":"t","raw":{}})",
                             R"({"task_id":null})", "{}", "[]", "7", "", R"({"task_id":"t")"}) {
        std::ofstream(path, std::ios::trunc) << text;
        EXPECT_FALSE(store.kept_answer(job.set.job, task, raw)) << text;
    }
    std::ofstream(path, std::ios::trunc) << R"({"task_id":7,"raw":"x"})";
    store.settle(job, 1001);
    EXPECT_EQ(job.set.state, JobState::unknown);
    EXPECT_TRUE(std::filesystem::exists(path)) << "it is a person's to look at";
    // Mended by hand, it is taken up.
    std::ofstream(path, std::ios::trunc) << R"({"task_id":"t7"})";
    store.settle(job, 1002);
    EXPECT_EQ(job.set.state, JobState::submitted);
    EXPECT_EQ(job.set.task_id, "t7");
}

} // namespace
