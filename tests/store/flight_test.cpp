#include "store/flight.h"

#include "store_support.h"

#include <klio/error.h>

#include <gtest/gtest.h>

#include <atomic>
#include <csignal>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <vector>

namespace {

using klio::store::Flight;
using klio::test::Folder;

TEST(Flight, HoldsWithinOneProcessToo)
{
    const Folder folder;
    Flight one, two;
    EXPECT_TRUE(one.try_take(folder.path + "/a.lock"));
    EXPECT_FALSE(two.try_take(folder.path + "/a.lock"));
    EXPECT_TRUE(two.try_take(folder.path + "/b.lock"));
    one.release();
    Flight three;
    EXPECT_TRUE(three.try_take(folder.path + "/a.lock"));
}

TEST(Flight, DiesWithItsHolder)
{
    const Folder folder;
    const std::string path = folder.path + "/a.lock";
    int ready[2];
    ASSERT_EQ(::pipe(ready), 0);
    const pid_t pid = ::fork();
    if (pid == 0) {
        Flight held;
        const bool taken = held.try_take(path);
        ::_exit(taken && ::write(ready[1], "x", 1) == 1 ? ::pause() : 1);
    }
    char byte = 0;
    ASSERT_EQ(::read(ready[0], &byte, 1), 1);
    Flight waiter;
    EXPECT_FALSE(waiter.try_take(path));
    ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
    EXPECT_TRUE(waiter.try_take(path));
}

// Holders take the file away when they are done; nobody may end up with a lock on a file that is
// not there any more while another has the one that is.
TEST(Flight, NeverHasTwoHolders)
{
    const Folder folder;
    const std::string path = folder.path + "/a.lock";
    std::atomic<int> holders {0}, most {0}, turns {0};
    std::vector<std::thread> threads;
    for (int i = 0; i < 8; ++i)
        threads.emplace_back([&] {
            while (turns < 2000) {
                Flight flight;
                if (!flight.try_take(path))
                    continue;
                const int now = ++holders;
                if (now > most)
                    most = now;
                ++turns;
                --holders;
            }
        });
    for (std::thread& thread : threads)
        thread.join();
    EXPECT_EQ(most, 1);
}

TEST(Flight, FolderThatIsNotThereIsAnError)
{
    Flight flight;
    EXPECT_THROW(flight.try_take("/nonexistent/a.lock"), klio::StoreError);
}

} // namespace
