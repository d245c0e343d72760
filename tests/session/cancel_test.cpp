#include "session_support.h"

#include <gmock/gmock.h>

#include <future>

namespace {

using namespace klio;
using klio::test::SessionTest;

class Cancel : public SessionTest {
protected:
    /// Runs generate() with a callback that says stop at the first report of `step`.
    ErrorKind stop_at(const std::string& step, std::string& message)
    {
        Session session(settings);
        GenerateOptions stopping = options();
        stopping.progress = [&](const Progress& progress) { return progress.step != step; };
        try {
            session.generate(request(), stopping);
        } catch (const Error& error) {
            message = error.what();
            return error.kind();
        }
        return ErrorKind::internal;
    }

    JobState state() { return Jobs(settings).list().at(0).set.state; }
};

TEST_F(Cancel, BeforeTheCreateNothingIsSent)
{
    serve();
    std::string message;
    EXPECT_EQ(stop_at("create", message), ErrorKind::cancelled);
    EXPECT_EQ(gateway->creates(), 0u);
    EXPECT_EQ(state(), JobState::failed);
    EXPECT_EQ(Jobs(settings).cost().reserved, 0) << "what was reserved for it is free again";
    EXPECT_EQ(Session(settings).generate(request(), options()).frames.size(), 1u);
    EXPECT_EQ(gateway->creates(), 1u);
}

TEST_F(Cancel, WhileWaitingTheTaskIsKeptAndCollectedLater)
{
    serve({}, 0.2);
    std::string message;
    EXPECT_EQ(stop_at("wait", message), ErrorKind::cancelled);
    EXPECT_NE(message.find("klio jobs collect"), std::string::npos) << message;
    EXPECT_EQ(state(), JobState::submitted);
    EXPECT_EQ(Jobs(settings).cost().reserved, 6);
    const std::string job = Jobs(settings).list().at(0).set.job;
    EXPECT_EQ(Session(settings).collect(job.substr(0, 12), options()).frames.size(), 1u);
    EXPECT_EQ(gateway->creates(), 1u);
}

TEST_F(Cancel, WhileDownloadingWhatIsThereStays)
{
    serve({"slow-headers@download:1"});
    std::string message;
    EXPECT_EQ(stop_at("download", message), ErrorKind::cancelled);
    EXPECT_EQ(state(), JobState::submitted);
    EXPECT_EQ(Session(settings).generate(request(), options()).frames.size(), 1u);
    EXPECT_EQ(gateway->creates(), 1u);
}

TEST_F(Cancel, ACreateThatWasSentAndNotAnsweredIsUnknown)
{
    // The answer comes only after fault_seconds, and nobody waits for it that long.
    serve({"hang@create:1"});
    Session session(settings);
    GenerateOptions stopping = options();
    auto end = std::async(std::launch::async, [&] {
        try {
            session.generate(request(), stopping);
        } catch (const Error& error) {
            return error.kind();
        }
        return ErrorKind::internal;
    });
    while (gateway->creates() == 0)
        std::this_thread::yield();
    stopping.cancel.cancel();
    EXPECT_EQ(end.get(), ErrorKind::cancelled);
    EXPECT_EQ(state(), JobState::unknown);
    EXPECT_EQ(Jobs(settings).cost().unknown, 6);
}

TEST_F(Cancel, AnotherProcessStopsTheWaitAndTheTaskIsKept)
{
    serve({"stuck:1"});
    session::use_clock(nullptr); // the wait must last until somebody ends it
    Session session(settings);
    CancelToken untouched;
    GenerateOptions stopping = options();
    stopping.cancel = untouched;
    auto end = std::async(std::launch::async, [&] {
        try {
            session.generate(request(), stopping);
        } catch (const Error& error) {
            return error.kind();
        }
        return ErrorKind::internal;
    });
    Jobs jobs(settings);
    while (jobs.list().empty() || state() != JobState::submitted)
        std::this_thread::yield();
    const std::string job = jobs.list().at(0).set.job;
    EXPECT_TRUE(jobs.list().at(0).running);
    EXPECT_TRUE(jobs.cancel(job));
    EXPECT_EQ(end.get(), ErrorKind::cancelled);
    EXPECT_EQ(state(), JobState::submitted);
    EXPECT_FALSE(untouched.cancelled());
    EXPECT_FALSE(jobs.cancel(job));
}

TEST_F(Cancel, AWaiterCanBeStoppedAlone)
{
    serve({}, 0.5);
    session::use_clock(nullptr);
    Session session(settings);
    auto first = std::async(std::launch::async,
                            [&] { return session.generate(request(), options()).frames.size(); });
    while (Jobs(settings).list().empty())
        std::this_thread::yield();
    GenerateOptions waiting = options();
    // Asked again while nothing happens, so that it can stop at any time.
    waiting.progress = [](const Progress& progress) { return !progress.repeated; };
    try {
        session.generate(request(), waiting);
        ADD_FAILURE() << "not stopped";
    } catch (const CancelledError& error) {
        EXPECT_THAT(error.what(), testing::HasSubstr("klio jobs collect"));
    }
    EXPECT_EQ(first.get(), 1u);
}

} // namespace
