#include "session_support.h"

#include "base/file.h"
#include "store/store.h"

#include <algorithm>
#include <csignal>
#include <fstream>
#include <functional>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

using namespace klio;
using klio::test::SessionTest;

/// What goes wrong around a session: disks, folders, databases, secrets.
class Trouble : public SessionTest {
protected:
    /// Runs `work` in a process without a superuser's rights, made before the gateway; it gets the
    /// gateway's address once serve_child() knows it. True where it returned true.
    void prepare_child(std::function<bool(const GenerateOptions&)> work)
    {
        ASSERT_EQ(::pipe(m_pipe), 0);
        m_child = ::fork();
        if (m_child != 0)
            return;
        ::close(m_pipe[1]);
        char address[128] = {};
        if (::read(m_pipe[0], address, sizeof address) <= 0)
            ::_exit(9);
        if (::getuid() == 0 && (::setgid(65534) != 0 || ::setuid(65534) != 0))
            ::_exit(3);
        GenerateOptions child;
        child.endpoint = address;
        child.endpoint_identity = "test";
        child.key = "test-key-0123456789";
        bool good = false;
        try {
            good = work(child);
        } catch (const std::exception& error) {
            std::fprintf(stderr, "child: %s\n", error.what());
        }
        ::_exit(good ? 0 : 1);
    }

    bool run_child()
    {
        char address[128] = {};
        gateway->endpoint().copy(address, sizeof address - 1);
        const bool sent = ::write(m_pipe[1], address, sizeof address) == ssize_t(sizeof address);
        int status = 0;
        ::waitpid(m_child, &status, 0);
        ::close(m_pipe[0]);
        ::close(m_pipe[1]);
        return sent && WIFEXITED(status) && WEXITSTATUS(status) == 0;
    }

    /// Everything in the data folder gets these permissions.
    void permit(mode_t folders, mode_t files) const
    {
        std::vector<std::filesystem::path> paths {folder, folder + "/data"};
        for (const auto& entry : std::filesystem::recursive_directory_iterator(folder + "/data"))
            paths.push_back(entry.path());
        for (const auto& path : paths)
            ::chmod(path.c_str(), std::filesystem::is_directory(path) ? folders : files);
    }

    /// Files below the test's folder that hold `text`.
    std::vector<std::string> files_with(const std::string& text) const
    {
        std::vector<std::string> found;
        for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
            if (!entry.is_regular_file())
                continue;
            std::ifstream file(entry.path(), std::ios::binary);
            const std::string bytes((std::istreambuf_iterator<char>(file)), {});
            if (bytes.find(text) != std::string::npos)
                found.push_back(entry.path());
        }
        return found;
    }

private:
    int m_pipe[2] = {-1, -1};
    pid_t m_child = 0;
};

TEST_F(Trouble, ReadOnlyFolderServesWhatItHasAndSendsNothing)
{
    prepare_child([&](const GenerateOptions& child) {
        Session session(settings);
        if (session.generate(request("there"), child).frames.size() != 1
            || !session.find(request("there"), child) || session.find(request("new"), child))
            return false;
        try {
            session.generate(request("new"), child);
        } catch (const StoreError&) {
            return true;
        }
        return false;
    });
    serve();
    Session(settings).generate(request("there"), options());
    permit(0555, 0444);
    EXPECT_TRUE(run_child());
    permit(0755, 0644);
    EXPECT_EQ(gateway->creates(), 1u);
}

TEST_F(Trouble, DiskThatIsFullBeforehandSendsNothing)
{
    prepare_child([&](const GenerateOptions& child) {
        ::signal(SIGXFSZ, SIG_IGN);
        const rlimit limit {8192, 8192};
        ::setrlimit(RLIMIT_FSIZE, &limit);
        Session session(settings);
        try {
            session.generate(request(), child);
        } catch (const StoreError&) {
            return true;
        }
        return false;
    });
    serve();
    {
        Session made(settings);
    }
    permit(0777, 0666);
    EXPECT_TRUE(run_child());
    EXPECT_EQ(gateway->creates(), 0u);
}

TEST_F(Trouble, DiskThatFillsUpAfterTheCreateLosesNothing)
{
    KLIO_FORKS_THREADS();
    prepare_child([&](const GenerateOptions& child) {
        ::signal(SIGXFSZ, SIG_IGN);
        Session session(settings);
        GenerateOptions filling = child;
        filling.progress = [](const Progress& progress) {
            // The image, of some 100 kB, no longer fits; what is small does.
            if (progress.step == "download") {
                const rlimit limit {40960, 40960};
                ::setrlimit(RLIMIT_FSIZE, &limit);
            }
            return true;
        };
        try {
            session.generate(request(), filling);
        } catch (const StoreError&) {
            return true;
        }
        return false;
    });
    serve();
    {
        Session made(settings);
    }
    permit(0777, 0666);
    EXPECT_TRUE(run_child());
    EXPECT_EQ(Jobs(settings).list().at(0).set.state, JobState::submitted);
    EXPECT_EQ(Session(settings).generate(request(), options()).frames.size(), 1u);
    EXPECT_EQ(gateway->creates(), 1u);
}

TEST_F(Trouble, AnswerThatTheDatabaseWouldNotTakeIsAdopted)
{
    serve();
    Session session(settings);
    const std::string job = session.generate(request(), options()).job;
    const std::string task = gateway->charges().at(0).task_id;
    // As if the process had died between keeping the answer beside the database and its end.
    {
        store::Store store(settings.data_folder());
        store.database().execute("UPDATE jobs SET state = 'submitting', task_id = ''");
        store.database().execute("DELETE FROM frames");
        store.keep_answer(job, task, "{}");
    }
    EXPECT_EQ(Jobs(settings).list().at(0).set.state, JobState::submitted);
    EXPECT_EQ(Session(settings).generate(request(), options()).frames.size(), 1u);
    EXPECT_EQ(gateway->creates(), 1u);
}

/// A data folder that has no room for the answer to a create: the database takes none (but for
/// what `when` leaves out), and answers/ is no folder.
class NoRoom : public Trouble {
protected:
    void fill(const std::string& when = "1")
    {
        store::Store store(settings.data_folder());
        store.database().execute(("CREATE TRIGGER full BEFORE UPDATE OF task_id ON jobs WHEN "
                                  + when + " BEGIN SELECT RAISE(ABORT, 'disk is full'); END")
                                     .c_str());
        std::filesystem::remove(answers());
        std::ofstream(answers()) << "";
    }
    void make_room()
    {
        store::Store store(settings.data_folder());
        store.database().execute("DROP TRIGGER full");
        std::filesystem::remove(answers());
        std::filesystem::create_directory(answers());
    }
    std::string answers() const { return settings.data_folder() + "/answers"; }

    /// TMPDIR for as long as it lives.
    class Tmp {
    public:
        explicit Tmp(const std::string& folder)
        {
            if (const char* set = std::getenv("TMPDIR"))
                m_before = set;
            ::setenv("TMPDIR", folder.c_str(), 1);
        }
        ~Tmp()
        {
            m_before.empty() ? ::unsetenv("TMPDIR") : ::setenv("TMPDIR", m_before.c_str(), 1);
        }

    private:
        std::string m_before;
    };
};

TEST_F(NoRoom, FinishedImagesAreKeptOutsideTheDataFolder)
{
    serve({"finished-b64"});
    std::filesystem::create_directory(folder + "/tmp");
    const Tmp tmp(folder + "/tmp");
    fill();
    Session session(settings);
    std::string message;
    EXPECT_EQ(generate_kind(session, request(), &message), ErrorKind::store);
    ASSERT_FALSE(std::filesystem::is_empty(folder + "/tmp")) << message;
    const std::string kept = std::filesystem::directory_iterator(folder + "/tmp")->path();
    EXPECT_NE(message.find("disk is full"), std::string::npos) << message;
    EXPECT_NE(message.find(kept), std::string::npos) << message;
    EXPECT_EQ(std::filesystem::status(kept).permissions(), std::filesystem::perms(0600));
    Jobs jobs(settings);
    EXPECT_EQ(jobs.list().at(0).set.state, JobState::unknown);
    EXPECT_EQ(jobs.cost().unknown, 6);
    // Not bought again while it lies there; and what the message says brings the frames.
    make_room();
    EXPECT_EQ(generate_kind(session, request()), ErrorKind::unknown);
    const std::string target = answers() + "/" + jobs.list().at(0).set.job + ".json";
    EXPECT_NE(message.find(target), std::string::npos) << message;
    std::filesystem::rename(kept, target);
    EXPECT_EQ(jobs.list().at(0).set.state, JobState::submitted);
    EXPECT_EQ(session.generate(request(), options()).frames.size(), 1u);
    EXPECT_EQ(gateway->creates(), 1u);
    EXPECT_EQ(jobs.cost().unknown, 0);
    EXPECT_EQ(jobs.cost().spent, 6);
}

TEST_F(NoRoom, WhereTheAnswerDoesNotFitTheTasksIdIsEnough)
{
    serve({"finished"});
    fill("length(NEW.raw_create) > 0");
    Session session(settings);
    EXPECT_EQ(session.generate(request(), options()).frames.size(), 1u);
    EXPECT_EQ(gateway->creates(), 1u);
    EXPECT_EQ(Jobs(settings).cost().spent, 6);
}

TEST_F(NoRoom, WhatCanBeWrittenNowhereCountsAsSpentAndIsNotSentAgain)
{
    serve({"finished-b64"});
    const Tmp tmp(folder + "/there-is-none");
    fill();
    Session session(settings);
    std::string message;
    EXPECT_EQ(generate_kind(session, request(), &message), ErrorKind::store);
    EXPECT_NE(message.find("counts as spent"), std::string::npos) << message;
    EXPECT_EQ(message.find("task  "), std::string::npos) << message;
    EXPECT_EQ(generate_kind(session, request()), ErrorKind::unknown);
    EXPECT_EQ(gateway->creates(), 1u);
    EXPECT_EQ(Jobs(settings).cost().unknown, 6);
}

TEST_F(Trouble, ADeadSendersJobIsUnknown)
{
    serve();
    Session session(settings);
    session.generate(request(), options());
    {
        store::Store store(settings.data_folder());
        store.database().execute("UPDATE jobs SET state = 'submitting', task_id = ''");
    }
    EXPECT_EQ(Jobs(settings).list().at(0).set.state, JobState::unknown);
    EXPECT_EQ(generate_kind(session, request()), ErrorKind::unknown);
    EXPECT_EQ(gateway->creates(), 1u);
}

TEST_F(Trouble, TheKeyIsInNothingThatARunLeavesBehind)
{
    const std::string key = "sk-test-4f9a8b7c6d5e4f3a2b1c";
    for (const char* fault : {"401", "500-html", "task-failed", "drop@create", "echo"}) {
        serve({fault});
        Session session(settings);
        GenerateOptions mine = options();
        mine.key = key;
        try {
            session.generate(request(fault), mine);
        } catch (const Error& error) {
            EXPECT_EQ(std::string(error.what()).find(key), std::string::npos) << error.what();
        }
        // The database's own pages are looked at as well, while its log is still there.
        EXPECT_TRUE(files_with(key).empty()) << fault << " " << files_with(key).at(0);
    }
}

TEST_F(Trouble, RawAnswersAreShownWithoutWhatSignsAUrl)
{
    serve();
    Session session(settings);
    const std::string job = session.generate(request(), options()).job;
    const RawAnswers masked = Jobs(settings).raw(job);
    const RawAnswers whole = Jobs(settings).raw(job, true);
    EXPECT_NE(masked.create.find("task_id"), std::string::npos);
    EXPECT_NE(whole.task.find("/results/"), std::string::npos);
    const size_t query = whole.task.find('?');
    ASSERT_NE(query, std::string::npos);
    const std::string signature = whole.task.substr(query, whole.task.find('"', query) - query);
    EXPECT_EQ(masked.task.find(signature), std::string::npos);
}

TEST_F(Trouble, DeletedJobIsGoneButItsCostStays)
{
    serve();
    Session session(settings);
    const StoredSet set = session.generate(request(), options());
    Jobs jobs(settings);
    jobs.remove(set.job.substr(0, 12), false);
    EXPECT_TRUE(jobs.list().empty());
    EXPECT_FALSE(base::exists(set.frames[0].path));
    EXPECT_EQ(jobs.cost().spent, 6);
    EXPECT_THROW(jobs.remove(set.job, false), UsageError);
}

TEST_F(Trouble, WhatMayHavePaidForIsNotDeletedByAccident)
{
    serve({"drop@create:1"});
    Session session(settings);
    generate_kind(session, request());
    Jobs jobs(settings);
    const std::string job = jobs.list().at(0).set.job;
    EXPECT_THROW(jobs.remove(job, false), UsageError);
    EXPECT_NO_THROW(jobs.remove(job, true));
    EXPECT_EQ(jobs.cost().unknown, 6);
}

TEST_F(Trouble, BudgetOfARunEndsWithIt)
{
    serve();
    Session session(settings);
    GenerateOptions tight = options();
    tight.budget = 6;
    session.generate(request("one"), tight);
    EXPECT_THROW(session.generate(request("two"), tight), CreditsError);
    EXPECT_NO_THROW(session.generate(request("one"), tight)); // from the store: free
    EXPECT_NO_THROW(Session(settings).generate(request("two"), tight));
    EXPECT_EQ(gateway->creates(), 2u);
}

TEST_F(Trouble, ListFilters)
{
    serve({"400@create:2"});
    Session session(settings);
    session.generate(request("a red door"), options());
    generate_kind(session, request("a blue door"));
    Jobs jobs(settings);
    JobFilter filter;
    filter.text = "BLUE";
    ASSERT_EQ(jobs.list(filter).size(), 1u);
    EXPECT_EQ(jobs.list(filter)[0].set.state, JobState::failed);
    filter = {};
    filter.states = {JobState::succeeded};
    ASSERT_EQ(jobs.list(filter).size(), 1u);
    EXPECT_EQ(jobs.list(filter)[0].set.request.prompt, "a red door");
    filter = {};
    filter.limit = 1;
    EXPECT_EQ(jobs.list(filter).at(0).set.request.prompt, "a blue door");
    filter = {};
    filter.endpoint = "elsewhere";
    EXPECT_TRUE(jobs.list(filter).empty());
    EXPECT_THROW(jobs.job("abc"), UsageError);
    EXPECT_THROW(jobs.job("zzzz"), UsageError);
}

} // namespace
