#include "transport/backoff.h"

#include "fake_clock.h"

#include <gmock/gmock.h>

namespace klio::test {
namespace {

using transport::Backoff;
using transport::parse_retry_after;

std::vector<double> sequence(double chance, int count, transport::BackoffOptions options = {})
{
    FakeRandom random(chance);
    Backoff backoff(options, random);
    std::vector<double> waits;
    for (int i = 0; i < count; ++i)
        waits.push_back(backoff.next());
    EXPECT_EQ(backoff.tries(), count);
    return waits;
}

TEST(Backoff, DoublesUpToTheLongest)
{
    EXPECT_THAT(sequence(1.0, 8), testing::ElementsAre(1, 2, 4, 8, 16, 30, 30, 30));
}

TEST(Backoff, JitterTakesUpToHalfOff)
{
    EXPECT_THAT(sequence(0.0, 7), testing::ElementsAre(0.5, 1, 2, 4, 8, 15, 15));
    EXPECT_THAT(sequence(0.5, 4), testing::ElementsAre(0.75, 1.5, 3, 6));
}

TEST(Backoff, ManyTriesStayFinite)
{
    EXPECT_EQ(sequence(1.0, 5000).back(), 30);
}

TEST(Backoff, RetryAfterIsAMinimum)
{
    FakeRandom random(1.0);
    Backoff backoff({}, random);
    EXPECT_EQ(backoff.next(7), 7);
    EXPECT_EQ(backoff.next(0.1), 2);
    EXPECT_EQ(backoff.next(-1), 4);
    EXPECT_EQ(backoff.next(3600), 3600);
}

TEST(RetryAfter, IsSecondsOrADate)
{
    EXPECT_EQ(parse_retry_after("120", 0), 120);
    EXPECT_EQ(parse_retry_after(" 0 ", 0), 0);
    EXPECT_EQ(parse_retry_after("1.5", 0), 1.5);
    const double then = 784111777; // Sun, 06 Nov 1994 08:49:37 GMT, from RFC 9110
    EXPECT_EQ(parse_retry_after("Sun, 06 Nov 1994 08:49:37 GMT", then - 30), 30);
    EXPECT_EQ(parse_retry_after("Sunday, 06-Nov-94 08:49:37 GMT", then - 30), 30);
    EXPECT_EQ(parse_retry_after("Sun Nov  6 08:49:37 1994", then - 30), 30);
    EXPECT_EQ(parse_retry_after("Sun, 06 Nov 1994 08:49:37 GMT", then + 5), 0);
}

TEST(RetryAfter, IgnoresTheAbsurd)
{
    for (const char* text : {"", "   ", "soon", "-5", "1e9x", "NaN", "inf", "12:00", "GMT", "...",
                             "1.2.3", "0x10", "\x01", "tomorrow maybe", "+3"})
        EXPECT_EQ(parse_retry_after(text, 0), -1) << text;
    EXPECT_EQ(parse_retry_after(std::string(400, '9'), 0), -1);
    EXPECT_EQ(parse_retry_after(std::string(1000, 'J'), 0), -1);
    EXPECT_GT(parse_retry_after("99999999999", 0), 1e10);
}

} // namespace
} // namespace klio::test
