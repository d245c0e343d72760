// Figures for tests/bench/staging.py, which starts the server and the slow line to it.

#include "staging/keeper.h"
#include "staging/server_support.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdio>

using namespace klio;

namespace {

double seconds_of(const std::function<void()>& work)
{
    const auto begun = std::chrono::steady_clock::now();
    work();
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
}

} // namespace

TEST(StagingBench, TenReferences)
{
    const char* setting = std::getenv("KLIO_BENCH_STAGE");
    if (!setting)
        GTEST_SKIP() << "tests/bench/staging.py starts the server that this needs";
    const Folder folder;
    store::Store store(folder.path());
    std::vector<staging::Object> objects;
    for (unsigned i = 0; i < 10; ++i)
        objects.push_back(test_object(1000000, 1000 + i + unsigned(std::time(nullptr)) % 100000));
    const double until = base::system_clock().unix_time() + 1200;
    const CancelToken cancel;
    const auto mark = [](const char* what) { // the line counts what it carried since
        std::printf("mark %s\n", what);
        std::fflush(stdout);
    };
    // A new Transport each, so that no connection is warm.
    const auto run = [&](const char* what, bool together, const std::string& job) {
        transport::TransportOptions options;
        options.max_per_host = 10; // as a Session has it
        transport::Transport transport(options);
        staging::Keeper keeper(store, transport);
        const double seconds = seconds_of([&] {
            if (together) {
                keeper.stage(job, setting, objects, until, false, cancel);
                return;
            }
            for (const staging::Object& object : objects)
                keeper.stage(job, setting, {object}, until, false, cancel);
        });
        std::printf("seconds %s %.3f\n", what, seconds);
        mark(what);
    };
    const auto forget = [&](const std::string& job) {
        transport::Transport transport;
        staging::Keeper(store, transport).ended(job, cancel);
        mark("removal");
    };
    mark("begin");
    run("one-by-one", false, "a");
    forget("a");
    run("together", true, "b");
    run("again", true, "c");
}
