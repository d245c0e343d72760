#include "staging/keeper.h"

#include "base/file.h"
#include "base/log.h"
#include "staging/server_support.h"

#include <klio/error.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <filesystem>
#include <future>
#include <set>

using namespace klio;
using staging::Keeper;
using staging::Object;
using staging::StagedUrl;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

namespace {

class Keeping : public ::testing::Test {
protected:
    Keeping()
    {
        base::set_log_sink([this](base::LogLevel, const std::string& line) { m_log += line; });
    }
    ~Keeping() override { base::set_log_sink({}); }

    staging::StageOptions options()
    {
        staging::StageOptions options;
        options.clock = &m_clock;
        options.random = &m_random;
        return options;
    }
    std::vector<StagedUrl> stage(const std::string& job, const std::vector<Object>& objects,
                                 bool keep = false)
    {
        return m_keeper.stage(job, m_server.url("/dav/"), objects, m_clock.unix_time() + 1200, keep,
                              m_cancel);
    }
    void job_in_store(const std::string& key, JobState state)
    {
        store::JobRecord job;
        job.set.job = key;
        job.set.request.prompt = "x";
        job.set.endpoint = "local";
        m_store.jobs().begin(job, {}, m_clock.unix_time());
        if (state == JobState::submitted)
            m_store.jobs().submitted(key, "task", "{}", m_clock.unix_time());
        else if (state == JobState::unknown)
            m_store.jobs().unknown(key, ErrorKind::unknown, "?", "", m_clock.unix_time());
        else if (state == JobState::failed)
            m_store.jobs().failed(key, state, ErrorKind::failed, "!", "", m_clock.unix_time());
    }
    CleanResult sweep(bool all = false) { return m_keeper.sweep(all, m_cancel); }
    Folder m_folder;
    FakeServer m_server;
    FakeClock m_clock;
    FakeRandom m_random;
    store::Store m_store {m_folder.path()};
    transport::Transport m_transport;
    Keeper m_keeper {m_store, m_transport, options()};
    CancelToken m_cancel;
    std::string m_log;
};

} // namespace

TEST_F(Keeping, RemovesWhenTheLastJobThatNeedsItEnds)
{
    stage("job-a", {test_object(5000, 1), test_object(5000, 2)});
    stage("job-b", {test_object(5000, 2)});
    EXPECT_EQ(m_server.files().size(), 2u);
    EXPECT_EQ(m_server.seen("PUT").size(), 2u) << "the same plate is uploaded once";
    m_keeper.ended("job-a", m_cancel);
    EXPECT_EQ(m_server.files().size(), 1u);
    ASSERT_EQ(m_keeper.list().size(), 1u);
    EXPECT_THAT(m_keeper.list()[0].jobs, ElementsAre("job-b"));
    m_keeper.ended("job-b", m_cancel);
    EXPECT_THAT(m_server.files(), IsEmpty());
    EXPECT_THAT(m_keeper.list(), IsEmpty());
}

TEST_F(Keeping, IsWrittenDownBeforeTheFirstByteLeaves)
{
    std::vector<StagedObject> during;
    m_server.set_hook([&](const httplib::Request& request, httplib::Response&) {
        if (request.method == "PUT")
            during = m_keeper.list();
        return false;
    });
    stage("job-a", {test_object()});
    ASSERT_EQ(during.size(), 1u);
    EXPECT_EQ(during[0].state, "uploading");
    EXPECT_THAT(during[0].jobs, ElementsAre("job-a"));
    EXPECT_EQ(m_keeper.list()[0].state, "staged");
}

TEST_F(Keeping, ACancelEndsTheWaitForTheDatabase)
{
    store::Store other(m_folder.path());
    const store::Transaction held(other.database());
    auto staging = std::async(std::launch::async, [&] { stage("job-a", {test_object()}); });
    EXPECT_NE(staging.wait_for(std::chrono::milliseconds(300)), std::future_status::ready);
    const auto begun = std::chrono::steady_clock::now();
    m_cancel.cancel();
    EXPECT_THROW(staging.get(), CancelledError);
    EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds(3));
    EXPECT_THAT(m_server.seen(), IsEmpty());
}

TEST_F(Keeping, TheStoresRecordSavesAsking)
{
    const Object object = test_object();
    stage("job-a", {object});
    EXPECT_TRUE(m_server.seen("HEAD").empty());
    EXPECT_EQ(m_server.seen().size(), 2u) << "one to upload, one to verify";
    stage("job-b", {object});
    EXPECT_EQ(m_server.seen().size(), 3u) << "one to verify";
    EXPECT_EQ(m_server.seen("PUT").size(), 1u);
}

TEST_F(Keeping, WhatSomebodyTookAwayIsUploadedAgain)
{
    const Object object = test_object();
    const std::string name = stage("job-a", {object}).at(0).name;
    m_server.drop_file("/dav/" + name);
    EXPECT_TRUE(stage("job-b", {object}).at(0).uploaded);
    EXPECT_EQ(m_server.files().at("/dav/" + name), object.bytes);
}

TEST_F(Keeping, InlineNeedsNoKeeping)
{
    const auto urls = m_keeper.stage("job", "inline", {test_object(100)}, 0, false, m_cancel);
    EXPECT_THAT(urls.at(0).url, HasSubstr("data:image/jpeg;base64,"));
    EXPECT_THAT(m_keeper.list(), IsEmpty());
}

TEST_F(Keeping, UrlsStandInTheOrderOfTheObjects)
{
    const std::vector<Object> objects
        = {test_object(900, 1), test_object(800, 2), test_object(900, 1)};
    const auto urls = stage("job", objects);
    ASSERT_EQ(urls.size(), 3u);
    EXPECT_EQ(urls[0].url, urls[2].url);
    EXPECT_NE(urls[0].url, urls[1].url);
    EXPECT_EQ(m_server.files().at("/dav/" + urls[1].name), objects[1].bytes);
    EXPECT_EQ(m_server.seen("PUT").size(), 2u);
}

TEST_F(Keeping, UploadsAreUnderWayTogether)
{
    // No upload is answered before all have begun: one by one, this would end in failures.
    std::mutex mutex;
    std::condition_variable changed;
    int begun = 0;
    constexpr int together = 6;
    m_server.set_hook([&](const httplib::Request& request, httplib::Response& response) {
        if (request.method != "PUT")
            return false;
        std::unique_lock<std::mutex> lock(mutex);
        ++begun;
        changed.notify_all();
        if (changed.wait_for(lock, std::chrono::seconds(20), [&] { return begun >= together; }))
            return false;
        response.status = 403;
        return true;
    });
    std::vector<Object> objects;
    for (unsigned i = 0; i < together; ++i)
        objects.push_back(test_object(1000, i));
    EXPECT_EQ(stage("job", objects).size(), size_t(together));
}

TEST_F(Keeping, AFailureLeavesNothingOfItsJob)
{
    const Object bad = test_object(3000, 7);
    m_server.set_hook([&](const httplib::Request& request, httplib::Response& response) {
        if (request.method != "PUT" || request.body != bad.bytes)
            return false;
        response.status = 403;
        return true;
    });
    EXPECT_THROW(stage("job", {test_object(3000, 1), bad, test_object(3000, 2)}), StagingError);
    EXPECT_THAT(m_server.files(), IsEmpty());
    EXPECT_THAT(m_keeper.list(), IsEmpty());
}

TEST_F(Keeping, WhatWasSurelyRefusedNeedsNoRemoval)
{
    m_server.set_hook([&](const httplib::Request& request, httplib::Response& response) {
        if (request.method != "PUT" && request.method != "DELETE")
            return false;
        response.status = 401;
        return true;
    });
    EXPECT_THROW(stage("job", {test_object()}), staging::NothingStaged);
    EXPECT_TRUE(m_server.seen("DELETE").empty());
    EXPECT_THAT(m_keeper.list(), IsEmpty());
    EXPECT_EQ(m_log, "");
}

TEST_F(Keeping, WhatMayHaveBeenStoredIsTakenAway)
{
    int tries = 0;
    m_server.set_hook([&](const httplib::Request& request, httplib::Response& response) {
        if (request.method != "PUT")
            return false;
        // Stored by the first try, whose answer says otherwise; the second is refused.
        m_server.set_file(request.path, request.body);
        response.status = ++tries == 1 ? 502 : 403;
        return true;
    });
    EXPECT_THROW(stage("job", {test_object()}), StagingError);
    EXPECT_THAT(m_server.files(), IsEmpty());
    EXPECT_THAT(m_keeper.list(), IsEmpty());
}

TEST_F(Keeping, ARemovalThatFailsIsKeptShownAndTriedAgain)
{
    stage("job", {test_object()});
    m_server.set_hook([](const httplib::Request& request, httplib::Response& response) {
        if (request.method != "DELETE")
            return false;
        response.status = 403;
        return true;
    });
    m_keeper.ended("job", m_cancel);
    ASSERT_EQ(m_keeper.list().size(), 1u);
    EXPECT_EQ(m_keeper.list()[0].state, "failed");
    EXPECT_THAT(m_keeper.list()[0].message, HasSubstr("can't be removed: 403"));
    EXPECT_THAT(m_log, HasSubstr("klio stage list"));
    const CleanResult first = sweep();
    EXPECT_EQ(first.removed, 0);
    EXPECT_EQ(first.left, 1);
    EXPECT_THAT(first.failures, ElementsAre(HasSubstr("403")));
    m_server.set_hook({});
    EXPECT_EQ(sweep().removed, 1);
    EXPECT_THAT(m_server.files(), IsEmpty());
    EXPECT_THAT(m_keeper.list(), IsEmpty());
}

TEST_F(Keeping, WhatACrashLeftIsRemovedByTheNextRun)
{
    stage("died-before-it-sent", {test_object(1000, 1)});
    stage("failed", {test_object(1000, 2)});
    stage("submitted", {test_object(1000, 3)});
    stage("unknown", {test_object(1000, 4)});
    stage("at-work", {test_object(1000, 5)});
    job_in_store("failed", JobState::failed);
    job_in_store("submitted", JobState::submitted);
    job_in_store("unknown", JobState::unknown);
    store::Flight at_work; // another process, before its job is in the store
    ASSERT_TRUE(at_work.try_take(m_store.lock_path("at-work")));

    store::Store later_store(m_folder.path());
    Keeper later(later_store, m_transport, options());
    EXPECT_EQ(later.sweep(false, m_cancel).removed, 2);
    std::set<std::string> left;
    for (const StagedObject& object : later.list())
        left.insert(object.jobs.begin(), object.jobs.end());
    EXPECT_THAT(left, ElementsAre("at-work", "submitted", "unknown"));
    EXPECT_EQ(m_server.files().size(), 3u);

    // A task that nobody collects keeps its plates for a day, not for ever.
    m_clock.set(m_clock.unix_time() + 25 * 3600);
    EXPECT_EQ(later.sweep(false, m_cancel).removed, 2);
    at_work.release();
    EXPECT_EQ(later.sweep(false, m_cancel).removed, 1);
    EXPECT_THAT(m_server.files(), IsEmpty());
}

TEST_F(Keeping, WhatIsToBeKeptStaysUntilAPersonCleansAll)
{
    stage("job", {test_object()}, true);
    m_keeper.ended("job", m_cancel);
    EXPECT_EQ(sweep().removed, 0);
    EXPECT_EQ(m_server.files().size(), 1u);
    EXPECT_TRUE(m_keeper.list().at(0).kept);
    EXPECT_EQ(sweep(true).removed, 1);
    EXPECT_THAT(m_server.files(), IsEmpty());
}

TEST_F(Keeping, WhatFailedIsNotKept)
{
    m_server.set_hook([](const httplib::Request& request, httplib::Response& response) {
        if (request.method != "PUT" && request.method != "DELETE")
            return false;
        response.status = 500;
        return true;
    });
    EXPECT_THROW(stage("job", {test_object()}, true), StagingError);
    EXPECT_FALSE(m_keeper.list().at(0).kept);
    m_server.set_hook([](const httplib::Request& request, httplib::Response& response) {
        if (request.method != "DELETE")
            return false;
        response.status = 404;
        return true;
    });
    EXPECT_EQ(sweep().removed, 1);
    EXPECT_THAT(m_keeper.list(), IsEmpty());
}

TEST_F(Keeping, AJobThatComesWhileItIsRemovedGetsItAnew)
{
    const Object object = test_object();
    stage("first", {object});
    // The second job begins while the DELETE is on its way: it has to wait for it, else it would
    // find the object there, and lose it.
    std::future<std::vector<StagedUrl>> second;
    m_server.set_hook([&](const httplib::Request& request, httplib::Response&) {
        if (request.method == "DELETE" && !second.valid())
            second = std::async(std::launch::async, [&] { return stage("second", {object}); });
        return false;
    });
    m_keeper.ended("first", m_cancel);
    const auto urls = second.get();
    EXPECT_TRUE(urls.at(0).uploaded);
    EXPECT_EQ(m_server.files().count("/dav/" + urls.at(0).name), 1u);
    EXPECT_EQ(m_keeper.list().at(0).state, "staged");
}

TEST_F(Keeping, AJobThatComesJustBeforeTheRemovalKeepsIt)
{
    const Object object = test_object();
    const StagedUrl staged = stage("first", {object}).at(0);
    store::Flight second; // at work on the object, in another process
    ASSERT_TRUE(second.try_take(m_store.lock_path("staged-" + staged.name)));
    const size_t waits = m_clock.sleeps().size();
    std::atomic<bool> over {false};
    std::thread removal([&] {
        m_keeper.ended("first", m_cancel);
        over = true;
    });
    while (m_clock.sleeps().size() == waits && !over) // until the removal waits for its turn
        std::this_thread::yield();
    EXPECT_FALSE(over) << "it did not wait";
    m_store.staged().add(object.sha256, m_server.url("/dav/"), staged.name, "second", false,
                         m_clock.unix_time());
    second.release();
    removal.join();
    EXPECT_EQ(m_server.files().count("/dav/" + staged.name), 1u);
    EXPECT_THAT(m_keeper.list().at(0).jobs, ElementsAre("second"));
}

TEST_F(Keeping, CancellingLeavesNothing)
{
    m_server.set_hook([&](const httplib::Request& request, httplib::Response&) {
        if (request.method == "PUT")
            m_cancel.cancel();
        return false;
    });
    EXPECT_THROW(stage("job", {test_object()}), CancelledError);
    EXPECT_THAT(m_server.files(), IsEmpty());
    EXPECT_THAT(m_keeper.list(), IsEmpty());
}

TEST_F(Keeping, NothingInTheDataFolderHoldsASecret)
{
    const Variable token("KLIO_STAGE_TOKEN", "token-that-nobody-may-find");
    stage("job", {test_object()});
    m_store.database().execute("PRAGMA wal_checkpoint(TRUNCATE)");
    for (const auto& entry : std::filesystem::recursive_directory_iterator(m_folder.path())) {
        if (!entry.is_regular_file())
            continue;
        const std::string bytes = base::read_file(entry.path().string());
        EXPECT_EQ(bytes.find("nobody-may-find"), std::string::npos) << entry.path();
    }
}
