#include "session_support.h"

#include "base/file.h"
#include "store/crash_point.h"

#include <functional>
#include <future>
#include <sys/wait.h>
#include <unistd.h>

namespace {

using namespace klio;
using klio::test::SessionTest;

class Together : public SessionTest {
protected:
    /// Starts `count` processes that wait for the gateway's address and then run `work` with it.
    /// They are made before the gateway, since a fork() copies no threads.
    void spawn(int count, const std::function<bool(const GenerateOptions&)>& work)
    {
        ASSERT_EQ(::pipe(m_start), 0);
        for (int i = 0; i < count; ++i) {
            const pid_t pid = ::fork();
            if (pid == 0) {
                ::close(m_start[1]);
                char address[128] = {};
                if (::read(m_start[0], address, sizeof address) <= 0)
                    ::_exit(9);
                ::_exit(run_child(address, work));
            }
            children.push_back(pid);
        }
    }

    /// Lets them go, all at once.
    void start()
    {
        char address[128] = {};
        gateway->endpoint().copy(address, sizeof address - 1);
        for (size_t i = 0; i < children.size(); ++i)
            ASSERT_EQ(::write(m_start[1], address, sizeof address), ssize_t(sizeof address));
        ::close(m_start[0]);
        ::close(m_start[1]);
    }

    /// How many ended well.
    int join()
    {
        int good = 0;
        for (pid_t pid : children) {
            int status = 0;
            ::waitpid(pid, &status, 0);
            good += WIFEXITED(status) && WEXITSTATUS(status) == 0;
        }
        return good;
    }

    std::vector<pid_t> children;

private:
    static int run_child(const char* address,
                         const std::function<bool(const GenerateOptions&)>& work)
    {
        GenerateOptions options;
        options.endpoint = address;
        options.endpoint_identity = "test";
        options.key = "test-key-0123456789";
        try {
            return work(options) ? 0 : 1;
        } catch (const std::exception& error) {
            std::fprintf(stderr, "child: %s\n", error.what());
            return 2;
        }
    }

    int m_start[2] = {-1, -1};
};

TEST_F(Together, SixteenProcessesMakeOnePurchase)
{
    KLIO_FORKS_THREADS();
    spawn(16, [&](const GenerateOptions& options) {
        const StoredSet set = Session(settings).generate(request("shared", 2), options);
        return set.state == JobState::succeeded && set.frames.size() == 2
            && base::exists(set.frames[1].path);
    });
    serve({}, 0.3);
    start();
    EXPECT_EQ(join(), 16);
    EXPECT_EQ(gateway->creates(), 1u);
    EXPECT_EQ(gateway->charges().size(), 1u);
    EXPECT_EQ(Jobs(settings).cost().total(), 6);
}

TEST_F(Together, SixteenThreadsMakeOnePurchase)
{
    serve({}, 0.3);
    Session session(settings);
    std::vector<std::future<StoredSet>> sets;
    for (int i = 0; i < 16; ++i)
        sets.push_back(std::async(std::launch::async,
                                  [&] { return session.generate(request("shared"), options()); }));
    std::string sha256;
    for (auto& future : sets) {
        const StoredSet set = future.get();
        ASSERT_EQ(set.frames.size(), 1u);
        EXPECT_TRUE(sha256.empty() || sha256 == set.frames[0].sha256);
        sha256 = set.frames[0].sha256;
    }
    EXPECT_EQ(gateway->creates(), 1u);
}

TEST_F(Together, ThoseWhoWaitedShareAFailure)
{
    // The service rejects every create; those who waited for the first must not try one by one.
    serve({"400"});
    Session session(settings);
    std::vector<std::future<ErrorKind>> kinds;
    for (int i = 0; i < 8; ++i)
        kinds.push_back(std::async(std::launch::async,
                                   [&] { return generate_kind(session, request("shared")); }));
    for (auto& kind : kinds)
        EXPECT_EQ(kind.get(), ErrorKind::bad_request);
    // A late starter may come after the first flight has landed; a queue of all eight may not form.
    EXPECT_LE(gateway->creates(), 3u);
}

TEST_F(Together, WaiterSurvivesTheDeathOfTheOneThatItWaitsFor)
{
    KLIO_FORKS_THREADS();
    // The first to get the answer dies with it, while the others wait for its flight.
    spawn(4, [&](const GenerateOptions& options) {
        GenerateOptions mine = options;
        mine.progress = [&](const Progress& progress) {
            // Only who bought it is told of the create.
            if (progress.step == "create")
                store::arm_crash_point("task-answer", 1);
            return true;
        };
        return Session(settings).generate(request("shared"), mine).frames.size() == 1;
    });
    serve({}, 0.5);
    start();
    EXPECT_EQ(join(), 3);
    EXPECT_EQ(gateway->creates(), 1u);
    EXPECT_EQ(Jobs(settings).list().at(0).set.state, JobState::succeeded);
}

TEST_F(Together, BudgetHoldsAcrossProcesses)
{
    KLIO_FORKS_THREADS();
    settings.set("budget", "18");
    spawn(8, [&](const GenerateOptions& options) {
        try {
            Session(settings).generate(request("job " + std::to_string(::getpid())), options);
        } catch (const CreditsError&) {
            return false;
        }
        return true;
    });
    serve();
    start();
    EXPECT_EQ(join(), 3);
    EXPECT_EQ(gateway->creates(), 3u);
}

} // namespace
