#include "session_support.h"

#include "base/file.h"
#include "store/results.h"
#include "store/store.h"

#include <functional>

namespace {

using namespace klio;
using klio::test::SessionTest;

/// What a person does about jobs, and what is shown of them.
class ResolveJobs : public SessionTest {
protected:
    /// The data folder's database, as another process would change it.
    void sql(const char* text) { store::Store(settings.data_folder()).database().execute(text); }

    std::string only_job() { return Jobs(settings).list().at(0).set.job; }

    std::string message_of(const std::function<void()>& call)
    {
        try {
            call();
            return {};
        } catch (const Error& error) {
            return error.what();
        }
    }

    std::vector<JobInfo> in_state(JobState state, int limit = 0)
    {
        JobFilter filter;
        filter.states = {state};
        filter.limit = limit;
        return Jobs(settings).list(filter);
    }
};

TEST_F(ResolveJobs, AreListedByTheStateThatIsShown)
{
    serve();
    Session session(settings);
    const std::string left = session.generate(request("left"), options()).job;
    const std::string kept = session.generate(request("kept"), options()).job;
    session.generate(request("done"), options());
    sql("UPDATE jobs SET state = 'submitting', task_id = '' WHERE instr(request, 'done') = 0");
    sql("UPDATE ledger SET state = 'reserved' WHERE job_key <> (SELECT key FROM jobs WHERE "
        "instr(request, 'done'))");
    sql("DELETE FROM frames");
    {
        store::Store store(settings.data_folder());
        store.keep_answer(kept, gateway->charges().at(1).task_id, "{}");
    }
    ASSERT_EQ(in_state(JobState::unknown).size(), 1u);
    EXPECT_EQ(in_state(JobState::unknown)[0].set.job, left);
    ASSERT_EQ(in_state(JobState::submitted).size(), 1u);
    EXPECT_EQ(in_state(JobState::submitted)[0].set.job, kept);
    EXPECT_TRUE(in_state(JobState::submitting).empty());
    // The newest one that is shown so, not of the newest one the one that is.
    ASSERT_EQ(in_state(JobState::unknown, 1).size(), 1u);

    Jobs jobs(settings);
    EXPECT_EQ(jobs.cost().unknown, 6);
    EXPECT_EQ(jobs.cost().reserved, 6);
    EXPECT_EQ(in_state(JobState::unknown)[0].cost.unknown, 6);
    EXPECT_EQ(in_state(JobState::submitted)[0].cost.reserved, 6);

    EXPECT_EQ(session.collect(kept, options()).frames.size(), 1u);
    EXPECT_EQ(gateway->creates(), 3u);
    EXPECT_EQ(jobs.cost().unknown, 6);
    EXPECT_EQ(jobs.cost().spent, 12);
}

TEST_F(ResolveJobs, CreditsAreTheLedgers)
{
    serve({"502@create:1"});
    Session session(settings);
    EXPECT_EQ(generate_kind(session, request()), ErrorKind::unknown);
    Jobs jobs(settings);
    const std::string job = only_job();
    jobs.resolve_forget(job, false);
    EXPECT_EQ(jobs.job(job).cost.total(), 6);
    session.generate(request(), options());
    EXPECT_EQ(jobs.job(job).cost.total(), 12);
    EXPECT_EQ(jobs.resolve_not_charged(job), 1);
    EXPECT_EQ(jobs.job(job).cost.total(), 6);
    EXPECT_EQ(jobs.job(job).set.state, JobState::succeeded);
}

TEST_F(ResolveJobs, NotChargedAloneIsNoAnswerForAnUnknownJob)
{
    serve({"502@create:1"});
    Session session(settings);
    EXPECT_EQ(generate_kind(session, request()), ErrorKind::unknown);
    Jobs jobs(settings);
    EXPECT_THROW(jobs.resolve_not_charged(only_job()), UsageError);
    EXPECT_EQ(jobs.cost().unknown, 6);
    jobs.resolve_forget(only_job(), false);
    jobs.resolve_forget(only_job(), true);
    EXPECT_EQ(jobs.cost().total(), 0);
}

TEST_F(ResolveJobs, ADoubtfulCreateKeepsItsKeyHoweverOftenAPersonSaysSo)
{
    serve({"502@create:1"});
    Session session(settings);
    EXPECT_EQ(generate_kind(session, request()), ErrorKind::unknown);
    Jobs jobs(settings);
    const std::string job = only_job();
    jobs.resolve_resubmit(job, true);
    jobs.resolve_resubmit(job, true);
    session.generate(request(), options());
    EXPECT_EQ(gateway->charges().at(0).idempotency_key, job);
}

TEST_F(ResolveJobs, OneDeletedWhileItIsWaitedForIsSaidSo)
{
    serve();
    Session session(settings);
    const std::string job = session.generate(request(), options()).job;
    sql("UPDATE jobs SET state = 'submitted'");
    store::Flight flight; // of a process that works on it, and then deletes it
    ASSERT_TRUE(flight.try_take(store::Store(settings.data_folder()).lock_path(job)));
    GenerateOptions waiting = options();
    waiting.progress = [&](const Progress&) {
        sql("DELETE FROM jobs");
        flight.release();
        return true;
    };
    const std::string message = message_of([&] { session.collect(job, waiting); });
    EXPECT_NE(message.find("there is none any more"), std::string::npos) << message;
}

TEST_F(ResolveJobs, OneDeletedWhileItIsCollectedIsSaidSo)
{
    serve();
    Session session(settings);
    const std::string job = session.generate(request(), options()).job;
    sql("UPDATE jobs SET state = 'submitted'");
    sql("DELETE FROM frames");
    GenerateOptions collecting = options();
    collecting.progress = [&](const Progress&) {
        sql("DELETE FROM jobs");
        return true;
    };
    const std::string message = message_of([&] { session.collect(job, collecting); });
    EXPECT_NE(message.find("there is none any more"), std::string::npos) << message;
}

TEST_F(ResolveJobs, AFinishedJobGoesOnWithoutADamagedFrame)
{
    serve();
    Session session(settings);
    const StoredSet set = session.generate(request("three", 3), options());
    std::filesystem::resize_file(set.frames.at(1).path, 10);
    gateway = std::make_unique<LocalGateway>(LocalGatewayOptions()); // one that knows no task
    std::string message = message_of([&] { session.generate(request("three", 3), options()); });
    EXPECT_NE(message.find("--as-it-is"), std::string::npos) << message;

    const StoredSet ended = session.recover(set.job, {}, options());
    ASSERT_EQ(ended.frames.size(), 2u);
    EXPECT_EQ(ended.frames[1].index, 3);
    ASSERT_EQ(ended.warnings.size(), 1u);
    EXPECT_NE(ended.warnings[0].find("frame 2 was damaged"), std::string::npos);
    EXPECT_TRUE(std::filesystem::exists(set.frames[1].path));
    EXPECT_FALSE(Jobs(settings).job(set.job).damaged);
    EXPECT_EQ(session.generate(request("three", 3), options()).frames.size(), 2u);
    EXPECT_EQ(Jobs(settings).cost().spent, 6);
    EXPECT_EQ(gateway->creates(), 0u);

    for (const StoredFrame& frame : ended.frames)
        std::filesystem::resize_file(frame.path, 10);
    message = message_of([&] { session.recover(set.job, {}, options()); });
    EXPECT_NE(message.find("klio jobs delete"), std::string::npos) << message;
    EXPECT_EQ(Jobs(settings).job(set.job).set.frames.size(), 2u);
}

TEST_F(ResolveJobs, FiltersLookAtWhatAPersonSees)
{
    serve();
    Session session(settings);
    session.generate(request("The \"Red\" door"), options());
    Jobs jobs(settings);
    const auto with_text = [&](const std::string& text) {
        JobFilter filter;
        filter.text = text;
        return jobs.list(filter).size();
    };
    EXPECT_EQ(with_text("\"red\" DOOR"), 1u);
    EXPECT_EQ(with_text("resolution"), 0u);
    EXPECT_EQ(with_text("prompt"), 0u);
    EXPECT_EQ(with_text(only_job().substr(5, 9)), 1u);

    GenerateOptions by_address = options();
    by_address.endpoint_identity.clear();
    session.generate(request("another"), by_address);
    JobFilter filter;
    std::string address = gateway->endpoint() + "/";
    address.replace(0, 4, "HTTP");
    filter.endpoint = address;
    EXPECT_EQ(jobs.list(filter).size(), 1u);
}

TEST_F(ResolveJobs, ALostDatabaseSendsNothing)
{
    serve();
    {
        Session(settings).generate(request(), options());
    }
    std::filesystem::remove(settings.data_folder() + "/klio.db");
    EXPECT_THROW(Session {settings}, StoreError);
    EXPECT_EQ(gateway->creates(), 1u);
}

} // namespace
