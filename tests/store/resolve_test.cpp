#include "store/ledger.h"
#include "store/store.h"

#include "store_support.h"

#include <klio/error.h>

#include <gtest/gtest.h>

namespace {

using namespace klio;
using namespace klio::store;
using klio::test::Folder;
using klio::test::job_record;

constexpr double noon = 20000 * 86400.0 + 43200;

/// What a person says of a job, and what the ledger makes of it.
class Resolve : public ::testing::Test {
protected:
    JobRecord begin()
    {
        JobRecord job = job_record("a");
        jobs.begin(job, {}, noon);
        return job;
    }
    /// An attempt that may have been accepted.
    void lose()
    {
        begin();
        jobs.unknown(key, ErrorKind::unknown, "no answer", {}, noon);
    }
    Cost cost() { return total_cost(store.database()); }

    Folder folder;
    Store store {folder.path};
    JobTable& jobs = store.jobs();
    const std::string key = job_record("a").set.job;
};

TEST_F(Resolve, NotChargedFreesEveryLineOfTheJob)
{
    lose();
    jobs.allow_again(key, false, noon);
    lose();
    EXPECT_EQ(cost().unknown, 12);
    jobs.allow_again(key, true, noon);
    EXPECT_EQ(cost().total(), 0);
}

TEST_F(Resolve, NotChargedMayBeSaidOfAJobThatSucceededSince)
{
    lose();
    jobs.allow_again(key, false, noon);
    begin();
    jobs.submitted(key, "t", {}, noon);
    jobs.succeeded(key, {}, noon);
    EXPECT_EQ(jobs.not_charged(key), 1);
    EXPECT_EQ(cost().total(), 6);
    EXPECT_EQ(cost().spent, 6);
    EXPECT_EQ(jobs.not_charged(key), 0);
    EXPECT_EQ(jobs.get(key).set.state, JobState::succeeded);
}

TEST_F(Resolve, AFailedJobIsGivenUpWithoutBeingCountedAnew)
{
    lose();
    jobs.allow_again(key, false, noon);
    begin();
    jobs.failed(key, JobState::failed, ErrorKind::network, "no", {}, noon);
    jobs.forget(key, false, noon);
    EXPECT_EQ(cost().total(), 6);
    jobs.forget(key, true, noon);
    EXPECT_EQ(cost().total(), 0);
}

TEST_F(Resolve, SayingItTwiceKeepsTheIdempotencyKey)
{
    for (const bool not_charged : {false, true}) {
        lose();
        jobs.allow_again(key, not_charged, noon);
        jobs.allow_again(key, not_charged, noon);
        EXPECT_EQ(begin().idempotency_key, key) << not_charged;
        jobs.failed(key, JobState::failed, ErrorKind::network, "no", {}, noon);
        jobs.erase(key);
        jobs.not_charged(key);
    }
    lose();
    jobs.allow_again(key, false, noon);
    jobs.allow_again(key, true, noon);
    EXPECT_EQ(begin().idempotency_key, key);
}

TEST_F(Resolve, WhatIsDeletedUnderWayIsUnknownForGood)
{
    begin();
    jobs.submitted(key, "t", {}, noon);
    EXPECT_EQ(cost().reserved, 6);
    jobs.erase(key);
    EXPECT_EQ(cost().reserved, 0);
    EXPECT_EQ(cost().unknown, 6);
}

TEST_F(Resolve, ATaskThatIsToldStandsForTheCreateThatWasInDoubt)
{
    lose();
    jobs.allow_again(key, false, noon);
    begin();
    jobs.failed(key, JobState::failed, ErrorKind::network, "no", {}, noon);
    jobs.adopt_task(key, "t", noon);
    EXPECT_EQ(cost().reserved, 6);
    EXPECT_EQ(cost().unknown, 0);
    jobs.succeeded(key, {}, noon);
    EXPECT_EQ(cost().spent, 6);
    jobs.succeeded(key, {}, noon); // a mended result
    EXPECT_EQ(cost().total(), 6);
}

TEST_F(Resolve, AnAnswerThatTurnsUpTakesTheDoubtAway)
{
    lose();
    store.keep_answer(key, "t", "{}");
    JobRecord job = jobs.get(key);
    store.settle(job, noon);
    EXPECT_EQ(job.set.state, JobState::submitted);
    EXPECT_EQ(cost().reserved, 6);
    EXPECT_EQ(cost().unknown, 0);
}

TEST_F(Resolve, AJobThatWasDeletedMeanwhileIsSaidSo)
{
    lose();
    JobRecord job = jobs.get(key);
    jobs.erase(key);
    try {
        jobs.get(key);
        FAIL();
    } catch (const UsageError& error) {
        EXPECT_NE(std::string(error.what()).find("there is none any more"), std::string::npos);
    }
    EXPECT_THROW(store.settle(job, noon), UsageError);
    EXPECT_THROW(jobs.allow_again(key, false, noon), UsageError);
}

TEST_F(Resolve, FramesAreDroppedWithAWarning)
{
    begin();
    jobs.submitted(key, "t", {}, noon);
    for (int index = 1; index <= 3; ++index) {
        StoredFrame frame;
        frame.index = index;
        frame.media_type = "image/png";
        jobs.add_frame(key, write_frame_bytes(folder.path, key, frame, std::to_string(index)));
    }
    jobs.succeeded(key, {}, noon);
    jobs.drop_frames(key, {2}, {"without frame 2"}, noon);
    const StoredSet set = jobs.get(key).set;
    ASSERT_EQ(set.frames.size(), 2u);
    EXPECT_EQ(set.frames[1].index, 3);
    EXPECT_EQ(set.warnings, std::vector<std::string> {"without frame 2"});
}

TEST_F(Resolve, KeysAreFoundInAnyCase)
{
    lose();
    std::string upper = key.substr(0, 12);
    for (char& c : upper)
        c = char(std::toupper(c));
    EXPECT_EQ(jobs.find_prefix(upper).set.job, key);
}

TEST_F(Resolve, JobsThatAreLeftCountAsUnknownInEverySum)
{
    begin();
    EXPECT_EQ(total_cost(store.database(), {key}).unknown, 6);
    EXPECT_EQ(total_cost(store.database(), {key}).reserved, 0);
    EXPECT_EQ(cost_by_day(store.database(), {key}).at(0).cost.unknown, 6);
    EXPECT_EQ(cost_by_job(store.database(), {key}).at(0).cost.unknown, 6);
    EXPECT_EQ(cost_of(store.database(), key, true).unknown, 6);
    EXPECT_EQ(cost_of(store.database(), key, false).reserved, 6);
    EXPECT_EQ(cost_of(store.database(), "another", false).total(), 0);
}

} // namespace
