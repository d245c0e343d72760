#include "flights.h"

#include "fake_clock.h"

#include <gmock/gmock.h>

#include <atomic>
#include <thread>
#include <vector>

using klio::oiio::Flights;
using klio::test::FakeClock;

namespace {

void pass(FakeClock& clock, double seconds)
{
    clock.sleep(klio::base::Seconds(seconds), klio::CancelToken());
}

template <typename Call> std::string message_of(const Call& call)
{
    try {
        call();
    } catch (const klio::Error& error) {
        return error.what();
    }
    return {};
}

} // namespace

TEST(Flights, ThreadsThatWantTheSameShareOneFlight)
{
    FakeClock clock;
    Flights<int> flights(clock, 0, 60);
    std::atomic<int> flown {0}, arrived {0}, right {0};
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i)
        threads.emplace_back([&] {
            ++arrived;
            const int value = flights.fly("a", [&] {
                // Until all are there, and those that are not flying had time to be asked.
                while (arrived < 4)
                    std::this_thread::yield();
                for (int n = 0; n < 1000; ++n)
                    std::this_thread::yield();
                return ++flown + 41;
            });
            right += value >= 42;
        });
    for (std::thread& thread : threads)
        thread.join();
    EXPECT_EQ(right, 4);
    EXPECT_LE(flown, 2) << "a thread that comes after the landing may fly again, no other";
}

TEST(Flights, AFailureIsNotTriedAgainForAMinute)
{
    FakeClock clock;
    Flights<int> flights(clock, 0, 60);
    int tries = 0;
    const auto fail = [&]() -> int {
        ++tries;
        throw klio::CreditsError("no credits");
    };
    EXPECT_EQ(message_of([&] { flights.fly("a", fail); }), "no credits");
    pass(clock, 20);
    for (int i = 0; i < 5; ++i)
        EXPECT_EQ(message_of([&] { flights.fly("a", fail); }),
                  "no credits (tried 20 s ago; this process tries again in 40 s)");
    EXPECT_EQ(tries, 1);
    EXPECT_THROW(flights.fly("a", fail), klio::CreditsError) << "the kind stays what it was";
    EXPECT_EQ(flights.fly("b", [] { return 7; }), 7) << "another key is not held up";
    pass(clock, 41);
    EXPECT_EQ(message_of([&] { flights.fly("a", fail); }), "no credits");
    EXPECT_EQ(tries, 2);
}

TEST(Flights, WhatWasNotTriedIsNotRemembered)
{
    FakeClock clock;
    Flights<int> flights(clock, 0, 60);
    int asked = 0;
    const auto held_back = [&]() -> int {
        ++asked;
        throw klio::oiio::NotTried {klio::ErrorKind::network, "tried 5 s ago"};
    };
    for (int i = 0; i < 2; ++i)
        EXPECT_EQ(message_of([&] { flights.fly("a", held_back); }), "tried 5 s ago");
    EXPECT_EQ(asked, 2);
    EXPECT_THROW(flights.fly("a", held_back), klio::NetworkError);
}

TEST(Flights, WhatIsForgottenIsFlownAgain)
{
    FakeClock clock;
    Flights<int> flights(clock, 60, 0);
    int flown = 0;
    const auto fly = [&] { return ++flown; };
    EXPECT_EQ(flights.fly("a", fly), 1);
    flights.forget("b");
    EXPECT_EQ(flights.fly("a", fly), 1);
    flights.forget("a");
    EXPECT_EQ(flights.fly("a", fly), 2);
}

TEST(Flights, WhatSucceedsIsKeptAsLongAsAskedFor)
{
    FakeClock clock;
    Flights<int> kept(clock, 10, 0), not_kept(clock, 0, 0);
    int flown = 0;
    const auto work = [&] { return ++flown; };
    EXPECT_EQ(kept.fly("a", work), 1);
    EXPECT_EQ(kept.fly("a", work), 1);
    pass(clock, 11);
    EXPECT_EQ(kept.fly("a", work), 2);
    EXPECT_EQ(not_kept.fly("a", work), 3);
    EXPECT_EQ(not_kept.fly("a", work), 4);
}

TEST(Flights, ExceptionsOfAnyKindLandAsErrors)
{
    FakeClock clock;
    Flights<int> flights(clock, 0, 60);
    EXPECT_THROW(flights.fly("a", []() -> int { throw std::runtime_error("x"); }), klio::Error);
    EXPECT_THROW(flights.fly("b", []() -> int { throw 1; }), klio::Error);
    EXPECT_THROW(flights.fly("b", [] { return 1; }), klio::Error);
}
