#pragma once

#include "base/clock.h"
#include "session/call.h"

#include <klio/jobs.h>
#include <klio/local.h>
#include <klio/session.h>

#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>

/// For tests whose forked children start threads, which GCC's thread sanitizer can't follow where
/// the parent has some ("dup thread with used id"). Whole processes are tests/faults/kill.py's.
#ifdef __SANITIZE_THREAD__
#define KLIO_FORKS_THREADS()                                                                       \
    GTEST_SKIP() << "the thread sanitizer can't follow threads of a forked child"
#else
#define KLIO_FORKS_THREADS() static_cast<void>(0)
#endif

namespace klio::test {

/// A clock on which waiting costs next to nothing: sleep() moves its time on.
class HastyClock : public base::Clock {
public:
    double unix_time() const override { return base::system_clock().unix_time() + ahead + set_by; }
    double monotonic() const override { return base::system_clock().monotonic() + ahead; }
    bool sleep(base::Seconds duration, const CancelToken& cancel) override
    {
        ahead = ahead + duration.count();
        return !cancel.wait(0.01);
    }
    std::atomic<double> ahead {0};
    std::atomic<double> set_by {0}; ///< what somebody set the machine's clock forward by
};

/// A data folder, a gateway and a clock of a test's own.
class SessionTest : public ::testing::Test {
protected:
    SessionTest()
    {
        // Every step syncs; what is tested here is that it does so in the right order, not the
        // disk.
        const std::filesystem::path memory = "/dev/shm";
        const auto place = std::filesystem::is_directory(memory)
            ? memory
            : std::filesystem::temp_directory_path();
        std::string name = (place / "klio-XXXXXX").string();
        folder = ::mkdtemp(name.data());
        session::use_clock(&clock);
        settings.set("home", folder + "/data");
    }
    ~SessionTest() override
    {
        session::use_clock(nullptr);
        gateway.reset();
        std::error_code ignored;
        std::filesystem::remove_all(folder, ignored);
    }

    void serve(const std::vector<std::string>& faults = {}, double latency = 0)
    {
        LocalGatewayOptions options;
        options.latency = latency;
        options.faults = faults;
        options.fault_seconds = 1;
        options.state_folder = folder + "/gateway";
        gateway.reset();
        gateway = std::make_unique<LocalGateway>(options);
    }

    GenerateOptions options() const
    {
        GenerateOptions made;
        made.endpoint = gateway->endpoint();
        // A gateway started again has another port; the jobs are the same.
        made.endpoint_identity = "test";
        made.key = "test-key-0123456789";
        return made;
    }

    static Request request(const std::string& prompt = "a red door", int count = 1)
    {
        Request made;
        made.prompt = prompt;
        made.num_images = count;
        return made;
    }

    /// The kind of error that generate() ends with; internal where it ends well.
    ErrorKind generate_kind(Session& session, const Request& request,
                            std::string* message = nullptr)
    {
        try {
            session.generate(request, options());
            return ErrorKind::internal;
        } catch (const Error& error) {
            if (message)
                *message = error.what();
            return error.kind();
        }
    }

    std::string folder;
    HastyClock clock;
    Settings settings;
    std::unique_ptr<LocalGateway> gateway;
};

} // namespace klio::test
