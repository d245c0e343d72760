#include "session_support.h"

#include "base/file.h"
#include "store/results.h"
#include "store/store.h"

#include <fstream>

namespace {

using namespace klio;
using klio::test::SessionTest;

class Generate : public SessionTest { };

TEST_F(Generate, BuysOnceAndThenServesFromTheStore)
{
    serve();
    Session session(settings);
    const StoredSet set = session.generate(request("a red door", 2), options());
    EXPECT_EQ(set.state, JobState::succeeded);
    ASSERT_EQ(set.frames.size(), 2u);
    EXPECT_GT(set.frames[0].width, 0);
    EXPECT_EQ(set.frames[1].index, 2);
    EXPECT_FALSE(store::read_frame_bytes(set.frames[0]).empty());
    EXPECT_TRUE(set.warnings.empty());

    const StoredSet again = Session(settings).generate(request("a red door", 2), options());
    EXPECT_EQ(again.frames[0].sha256, set.frames[0].sha256);
    EXPECT_EQ(gateway->creates(), 1u);
    EXPECT_EQ(gateway->charges().size(), 1u);
    EXPECT_EQ(Jobs(settings).cost().spent, 6);
}

TEST_F(Generate, TheGatewayOfOnesOwnUsesUpNoBudget)
{
    serve();
    settings.set("budget", "0");
    GenerateOptions local = options();
    local.endpoint_identity = local_endpoint;
    EXPECT_EQ(Session(settings).generate(request(), local).frames.size(), 1u);
    EXPECT_EQ(Jobs(settings).cost().total(), 0);
}

TEST_F(Generate, FindNeverSends)
{
    serve();
    Session session(settings);
    EXPECT_FALSE(session.find(request(), options()));
    session.generate(request(), options());
    const auto found = session.find(request(), options());
    ASSERT_TRUE(found);
    EXPECT_EQ(found->state, JobState::succeeded);
    EXPECT_EQ(gateway->creates(), 1u);
}

TEST_F(Generate, AnotherTakeIsAnotherPurchase)
{
    serve();
    Session session(settings);
    Request second = request();
    second.take = 2;
    EXPECT_NE(session.generate(request(), options()).job, session.generate(second, options()).job);
    EXPECT_EQ(gateway->charges().size(), 2u);
}

TEST_F(Generate, PlanSendsNothing)
{
    serve();
    Session session(settings);
    GenerateOptions nothing = options();
    nothing.key.clear();
    const Plan plan = session.plan(request(), nothing);
    EXPECT_EQ(plan.price.credits_at_least, 6);
    EXPECT_EQ(plan.body_bytes, plan.body.size());
    EXPECT_FALSE(plan.stored);
    EXPECT_EQ(gateway->creates(), 0u);
    session.generate(request(), options());
    EXPECT_TRUE(session.plan(request(), nothing).stored);
}

TEST_F(Generate, ImagesInTheCreatesAnswerAreKept)
{
    for (const char* fault : {"finished", "finished-urls", "finished-b64"}) {
        serve({fault});
        const StoredSet set = Session(settings).generate(request(fault), options());
        EXPECT_EQ(set.frames.size(), 1u) << fault;
    }
}

TEST_F(Generate, CreateWithoutAnswerIsUnknownAndNeverSentAgain)
{
    serve({"drop@create:1"});
    Session session(settings);
    EXPECT_EQ(generate_kind(session, request()), ErrorKind::unknown);
    EXPECT_EQ(generate_kind(session, request()), ErrorKind::unknown);
    EXPECT_EQ(gateway->creates(), 1u);
    Jobs jobs(settings);
    EXPECT_EQ(jobs.list().at(0).set.state, JobState::unknown);
    EXPECT_EQ(jobs.cost().unknown, 6);

    // The service's own list tells which task it was.
    jobs.resolve_task(jobs.list().at(0).set.job.substr(0, 8), gateway->charges().at(0).task_id);
    EXPECT_EQ(session.generate(request(), options()).frames.size(), 1u);
    EXPECT_EQ(gateway->creates(), 1u);
    EXPECT_EQ(jobs.cost().unknown, 0);
    EXPECT_EQ(jobs.cost().spent, 6);
}

TEST_F(Generate, ResubmitSendsAgainWithTheSameKeyAndStaysCounted)
{
    serve({"502@create:1"});
    Session session(settings);
    EXPECT_EQ(generate_kind(session, request()), ErrorKind::unknown);
    Jobs jobs(settings);
    const std::string job = jobs.list().at(0).set.job;
    jobs.resolve_resubmit(job, false);
    EXPECT_EQ(session.generate(request(), options()).frames.size(), 1u);
    EXPECT_EQ(gateway->charges().at(0).idempotency_key, job);
    EXPECT_EQ(jobs.cost().unknown, 6);
    EXPECT_EQ(jobs.cost().spent, 6);
}

TEST_F(Generate, ResubmitOfWhatWasNotChargedFreesIt)
{
    serve({"502@create:1"});
    Session session(settings);
    EXPECT_EQ(generate_kind(session, request()), ErrorKind::unknown);
    Jobs jobs(settings);
    jobs.resolve_resubmit(jobs.list().at(0).set.job, true);
    session.generate(request(), options());
    EXPECT_EQ(jobs.cost().total(), 6);
}

TEST_F(Generate, ForgottenJobStaysCountedAndMayBeBoughtAnew)
{
    serve({"502@create:1"});
    Session session(settings);
    EXPECT_EQ(generate_kind(session, request()), ErrorKind::unknown);
    Jobs jobs(settings);
    const std::string job = jobs.list().at(0).set.job;
    jobs.resolve_forget(job, false);
    EXPECT_EQ(jobs.cost().unknown, 6);
    session.generate(request(), options());
    // The first may have been accepted after all: a service that honours keys then gives its task.
    EXPECT_EQ(gateway->charges().at(0).idempotency_key, job);
}

TEST_F(Generate, ADoubtfulCreateKeepsItsKeyThroughSureFailures)
{
    serve({"502@create:1", "400@create:2"});
    Session session(settings);
    EXPECT_EQ(generate_kind(session, request()), ErrorKind::unknown);
    Jobs jobs(settings);
    const std::string job = jobs.list().at(0).set.job;
    jobs.resolve_resubmit(job, false);
    EXPECT_EQ(generate_kind(session, request()), ErrorKind::bad_request);
    session.generate(request(), options());
    EXPECT_EQ(gateway->charges().at(0).idempotency_key, job);
}

TEST_F(Generate, AJobIsNotToldAnotherJobsTask)
{
    serve({"drop@create:2"});
    Session session(settings);
    session.generate(request("one"), options());
    EXPECT_EQ(generate_kind(session, request("two")), ErrorKind::unknown);
    Jobs jobs(settings);
    const std::string lost = jobs.list().at(1).set.job;
    EXPECT_THROW(jobs.resolve_task(lost, gateway->charges().at(0).task_id), UsageError);
    jobs.resolve_forget(lost, false); // and a job that was given up can be told its own
    jobs.resolve_task(lost, gateway->charges().at(1).task_id);
    EXPECT_EQ(session.generate(request("two"), options()).frames.size(), 1u);
    EXPECT_EQ(gateway->creates(), 2u);
}

TEST_F(Generate, TheSettingsKeyGoesNowhereThatARecipeNames)
{
    serve();
    setenv("KLIO_API_KEY", "key-of-the-settings", 1);
    Settings with_key;
    unsetenv("KLIO_API_KEY");
    with_key.set("home", settings.data_folder());
    Session session(with_key);
    GenerateOptions away = options();
    away.key.clear();
    away.endpoint_identity.clear();
    away.endpoint = "https://service.invalid";
    EXPECT_THROW(session.generate(request(), away), KeyError);
    EXPECT_TRUE(Jobs(settings).list().empty());
    away.endpoint_by_user = true; // a flag: the key may go there, and only the network fails
    EXPECT_THROW(session.generate(request(), away), NetworkError);
}

TEST_F(Generate, RejectedCreateCostsNothingAndMayBeTriedAgain)
{
    serve({"400@create:1"});
    Session session(settings);
    EXPECT_EQ(generate_kind(session, request()), ErrorKind::bad_request);
    EXPECT_EQ(Jobs(settings).cost().total(), 0);
    EXPECT_EQ(Jobs(settings).list().at(0).set.state, JobState::failed);
    EXPECT_EQ(generate_kind(session, request()), ErrorKind::internal);
}

TEST_F(Generate, AFailureIsHeldBackForThoseWhoAskForThat)
{
    serve({"400@create:1", "400@create:2"});
    GenerateOptions asked = options();
    asked.retry_after = 60;
    const auto kind = [&](std::string& message) {
        try {
            Session(settings).generate(request(), asked); // as another process would
        } catch (const Error& error) {
            message = error.what();
            return error.kind();
        }
        return ErrorKind::internal;
    };
    std::string message;
    EXPECT_EQ(kind(message), ErrorKind::bad_request);
    clock.ahead = clock.ahead + 50;
    EXPECT_EQ(kind(message), ErrorKind::bad_request);
    EXPECT_NE(message.find("at the earliest"), std::string::npos) << message;
    EXPECT_EQ(gateway->creates(), 1u);
    clock.ahead = clock.ahead + 11;
    EXPECT_EQ(kind(message), ErrorKind::bad_request);
    EXPECT_EQ(gateway->creates(), 2u);
    // A person may ask for it at any time.
    Jobs(settings).resolve_resubmit(Jobs(settings).list().at(0).set.job, false);
    EXPECT_EQ(kind(message), ErrorKind::internal);
    EXPECT_EQ(gateway->creates(), 3u);
}

TEST_F(Generate, RefusalIsRememberedUntilSomebodyAllowsItAgain)
{
    serve({"refusal:1"});
    Session session(settings);
    EXPECT_EQ(generate_kind(session, request()), ErrorKind::refusal);
    EXPECT_EQ(generate_kind(session, request()), ErrorKind::refusal);
    EXPECT_EQ(gateway->creates(), 1u);
    EXPECT_EQ(Jobs(settings).cost().total(), 0);
    Jobs(settings).resolve_resubmit(Jobs(settings).list().at(0).set.job, false);
    EXPECT_EQ(generate_kind(session, request()), ErrorKind::internal);
}

TEST_F(Generate, FailedTaskIsFreed)
{
    serve({"task-failed:1"});
    Session session(settings);
    std::string message;
    EXPECT_EQ(generate_kind(session, request(), &message), ErrorKind::failed);
    EXPECT_NE(message.find("not charged"), std::string::npos) << message;
    EXPECT_EQ(Jobs(settings).cost().total(), 0);
}

TEST_F(Generate, TaskThatTheServiceLostIsUnknownNotBoughtAgain)
{
    serve({"task-lost:1"});
    Session session(settings);
    EXPECT_EQ(generate_kind(session, request()), ErrorKind::unknown);
    EXPECT_EQ(generate_kind(session, request()), ErrorKind::unknown);
    EXPECT_EQ(gateway->creates(), 1u);
    EXPECT_EQ(Jobs(settings).cost().unknown, 6);
}

TEST_F(Generate, DeadlineLeavesTheJobSubmittedAndTheNextRunCollects)
{
    serve({}, 0.4);
    settings.set("timeout", "1");
    Session session(settings);
    std::string message;
    EXPECT_EQ(generate_kind(session, request(), &message), ErrorKind::timeout);
    EXPECT_NE(message.find("nothing is paid twice"), std::string::npos) << message;
    EXPECT_EQ(Jobs(settings).list().at(0).set.state, JobState::submitted);
    settings.set("timeout", "1200");
    EXPECT_EQ(Session(settings).generate(request(), options()).frames.size(), 1u);
    EXPECT_EQ(gateway->creates(), 1u);
}

TEST_F(Generate, FewerAndMoreImagesAreKeptAndWarnedOf)
{
    serve({"too-few:1", "too-many:2"});
    Session session(settings);
    const StoredSet few = session.generate(request("few", 3), options());
    EXPECT_EQ(few.frames.size(), 2u);
    EXPECT_EQ(few.warnings.size(), 1u);
    const StoredSet many = session.generate(request("many", 1), options());
    EXPECT_EQ(many.frames.size(), 2u);
    EXPECT_EQ(many.warnings.size(), 1u);
}

TEST_F(Generate, ExpiredUrlTakesAFreshTask)
{
    serve({"expired-url"});
    EXPECT_EQ(Session(settings).generate(request(), options()).frames.size(), 1u);
}

TEST_F(Generate, UrlsExpiredForGoodStaySubmitted)
{
    serve({"expired-for-good:1"});
    Session session(settings);
    EXPECT_NE(generate_kind(session, request()), ErrorKind::internal);
    EXPECT_EQ(Jobs(settings).list().at(0).set.state, JobState::submitted);
    EXPECT_EQ(Jobs(settings).cost().reserved, 6);
}

TEST_F(Generate, WhatIsNoImageIsNeverStored)
{
    for (const char* fault : {"cut-image", "wrong-format", "not-an-image", "huge-image"}) {
        serve({fault});
        Session session(settings);
        EXPECT_EQ(generate_kind(session, request(fault)), ErrorKind::damaged) << fault;
        EXPECT_TRUE(Jobs(settings).list().back().set.frames.empty()) << fault;
    }
}

TEST_F(Generate, ImagesElsewhereAreRecoveredWhereAPersonPoints)
{
    serve({"elsewhere:1"});
    Session session(settings);
    std::string message;
    EXPECT_EQ(generate_kind(session, request("x", 2), &message), ErrorKind::damaged);
    EXPECT_NE(message.find("/data/artifacts/pictures"), std::string::npos) << message;
    const std::string job = Jobs(settings).list().at(0).set.job;
    EXPECT_NE(Jobs(settings).raw(job).task.find("artifacts"), std::string::npos);
    EXPECT_THROW(session.recover(job, "/data/nowhere", options()), UsageError);
    EXPECT_EQ(session.recover(job, "/data/artifacts/pictures", options()).frames.size(), 2u);
    EXPECT_EQ(gateway->creates(), 1u);
}

TEST_F(Generate, AJobCanBeEndedWithTheFramesThatAreThere)
{
    serve();
    const std::string job = Session(settings).generate(request("x", 3), options()).job;
    {
        // As if the third image had stayed damaged.
        store::Store store(settings.data_folder());
        store.database().execute("UPDATE jobs SET state = 'submitted'");
        store.database().execute("DELETE FROM frames WHERE idx = 3");
    }
    const StoredSet set = Session(settings).recover(job, {}, options());
    EXPECT_EQ(set.state, JobState::succeeded);
    EXPECT_EQ(set.frames.size(), 2u);
    EXPECT_EQ(set.warnings.size(), 1u);
    EXPECT_EQ(Session(settings).generate(request("x", 3), options()).frames.size(), 2u);
}

TEST_F(Generate, DamagedResultIsFetchedAgainWhileTheServiceHasIt)
{
    serve();
    const StoredSet set = Session(settings).generate(request("x", 3), options());
    std::ofstream(set.frames[1].path, std::ios::app) << "x";
    std::filesystem::remove(set.frames[2].path);
    EXPECT_TRUE(Jobs(settings).job(set.job).damaged);
    EXPECT_THROW(store::read_frame_bytes(set.frames[1]), DamagedError);
    const StoredSet mended = Session(settings).generate(request("x", 3), options());
    ASSERT_EQ(mended.frames.size(), 3u);
    for (size_t i = 0; i < 3; ++i) {
        EXPECT_EQ(mended.frames[i].sha256, set.frames[i].sha256);
        EXPECT_NO_THROW(store::read_frame_bytes(mended.frames[i]));
    }
    EXPECT_EQ(gateway->creates(), 1u);
}

TEST_F(Generate, DamagedResultThatTheServiceNoLongerHasIsSaidSo)
{
    serve();
    const StoredSet set = Session(settings).generate(request(), options());
    std::filesystem::remove(set.frames[0].path);
    std::filesystem::remove_all(folder + "/gateway/tasks");
    serve();
    Session session(settings);
    EXPECT_EQ(generate_kind(session, request()), ErrorKind::damaged);
    EXPECT_EQ(Jobs(settings).list().at(0).set.state, JobState::succeeded);
    EXPECT_EQ(gateway->charges().size(), 0u);
}

TEST_F(Generate, ClockSetBackChangesNothing)
{
    serve();
    Session session(settings);
    session.generate(request("before"), options());
    clock.set_by = -400 * 86400.0;
    session.generate(request("after"), options());
    session.generate(request("before"), options());
    EXPECT_EQ(gateway->charges().size(), 2u);
    const auto jobs = Jobs(settings).list();
    EXPECT_EQ(jobs.at(0).set.request.prompt, "before");
    EXPECT_EQ(jobs.at(1).set.request.prompt, "after");
}

TEST_F(Generate, WithoutAKeyNothingIsWrittenDown)
{
    serve();
    Session session(settings);
    GenerateOptions away = options();
    away.key.clear();
    away.endpoint = "https://service.invalid";
    away.endpoint_identity.clear();
    EXPECT_THROW(session.generate(request(), away), KeyError);
    EXPECT_TRUE(Jobs(settings).list().empty());
}

} // namespace
