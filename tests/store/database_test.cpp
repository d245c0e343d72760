#include "store/database.h"
#include "store/ledger.h"
#include "store/store.h"

#include "store_support.h"

#include <klio/error.h>

#include <gtest/gtest.h>

#include <csignal>
#include <fstream>
#include <functional>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace {

using namespace klio;
using namespace klio::store;
using klio::test::Folder;
using klio::test::job_record;

/// Runs `work` in a process of its own, as a user who may not write everywhere; true where it
/// returned true.
bool in_child(const std::function<bool()>& work)
{
    const pid_t pid = ::fork();
    if (pid == 0) {
        if (::getuid() == 0 && (::setgid(65534) != 0 || ::setuid(65534) != 0))
            ::_exit(3);
        try {
            ::_exit(work() ? 0 : 1);
        } catch (const std::exception& error) {
            std::fprintf(stderr, "%s\n", error.what());
            ::_exit(2);
        }
    }
    int status = 0;
    ::waitpid(pid, &status, 0);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/// A store with one finished job, open to every user for reading only.
struct ReadOnly : Folder {
    ReadOnly()
    {
        Store store(path);
        JobRecord job = job_record("a");
        store.jobs().begin(job, {}, 1);
        store.jobs().submitted(job.set.job, "t", {}, 2);
        store.jobs().succeeded(job.set.job, {}, 3);
    }
    void close() const
    {
        ::chmod((path + "/klio.db").c_str(), 0444);
        for (const char* name : {"", "/results", "/locks", "/answers"})
            ::chmod((path + name).c_str(), 0555);
    }
    ~ReadOnly()
    {
        for (const char* name : {"", "/results", "/locks", "/answers"})
            ::chmod((path + name).c_str(), 0755);
    }
};

TEST(Database, ReadOnlyFolderIsReadAndNotWritten)
{
    const ReadOnly folder;
    folder.close();
    EXPECT_TRUE(in_child([&] {
        Store store(folder.path);
        if (store.writable() || store.jobs().find(job_record("a").set.job)->set.task_id != "t")
            return false;
        try {
            store.jobs().require_writable();
        } catch (const StoreError&) {
            return true;
        }
        return false;
    }));
}

TEST(Database, IsReadWhileAnotherProcessHoldsIt)
{
    const Folder folder;
    Store store(folder.path);
    JobRecord job = job_record("a");
    store.jobs().begin(job, {}, 1);
    Transaction held(store.database());
    // A thread of this process stands for another process: it has a connection of its own.
    std::thread([&] {
        Store other(folder.path);
        EXPECT_TRUE(other.jobs().find(job.set.job));
        other.database().set_busy_seconds(0.05);
        EXPECT_THROW(other.jobs().require_writable(), StoreError);
    }).join();
}

TEST(Database, FullDiskIsSaidAndNothingIsHalfWritten)
{
    const Folder folder;
    {
        Store store(folder.path);
    }
    ::chmod(folder.path.c_str(), 0777);
    for (const char* name : {"/klio.db", "/results", "/locks", "/answers"})
        ::chmod((folder.path + name).c_str(), 0777);
    EXPECT_TRUE(in_child([&] {
        Store store(folder.path);
        JobRecord first = job_record("first");
        store.jobs().begin(first, {}, 1);
        // The limit stands for a disk without room: the log can't grow.
        ::signal(SIGXFSZ, SIG_IGN);
        const rlimit limit {4096, 4096};
        ::setrlimit(RLIMIT_FSIZE, &limit);
        JobRecord second = job_record("second");
        try {
            store.jobs().begin(second, {}, 2);
            return false;
        } catch (const StoreError&) {
        }
        return store.jobs().find(first.set.job) && !store.jobs().find(second.set.job)
            && total_cost(store.database()).reserved == 6;
    }));
}

TEST(Database, NewerSchemaIsLeftAlone)
{
    const Folder folder;
    {
        Store store(folder.path);
        store.database().execute("PRAGMA user_version = 99");
    }
    EXPECT_THROW(Store {folder.path}, StoreError);
}

TEST(Database, WhatIsNoDatabaseIsSaidSo)
{
    const Folder folder;
    std::ofstream(folder.path + "/klio.db") << std::string(8192, 'x');
    try {
        Store store(folder.path);
        FAIL();
    } catch (const StoreError& error) {
        EXPECT_NE(std::string(error.what()).find("klio.db is damaged"), std::string::npos)
            << error.what();
    }
}

TEST(Database, ManyProcessesMakeOneFolderTogether)
{
    const Folder folder;
    ::chmod(folder.path.c_str(), 0777);
    std::vector<std::thread> threads;
    std::atomic<int> good {0};
    for (int i = 0; i < 8; ++i)
        threads.emplace_back([&] {
            good += in_child([&] {
                Store store(folder.path + "/data");
                store.jobs().require_writable();
                return store.secret().size() == 32;
            });
        });
    for (std::thread& thread : threads)
        thread.join();
    EXPECT_EQ(good, 8);
}

TEST(Database, AnswerIsKeptWhereTheDatabaseWillNotTakeIt)
{
    const Folder folder;
    Store store(folder.path);
    store.keep_answer("job", "task-7", "{\"id\": \"task-7\"}");
    std::string task, raw;
    ASSERT_TRUE(Store(folder.path).kept_answer("job", task, raw));
    EXPECT_EQ(task, "task-7");
    EXPECT_EQ(raw, "{\"id\": \"task-7\"}");
    store.drop_answer("job");
    EXPECT_FALSE(store.kept_answer("job", task, raw));
}

TEST(Database, SpaceIsReservedAndGivenBack)
{
    const Folder folder;
    Store store(folder.path);
    store.reserve_space("job");
    struct stat info { };
    ASSERT_EQ(::stat((folder.path + "/locks/job.space").c_str(), &info), 0);
    EXPECT_GE(info.st_blocks * 512, 256 << 10);
    store.free_space("job");
    EXPECT_NE(::stat((folder.path + "/locks/job.space").c_str(), &info), 0);
}

} // namespace
