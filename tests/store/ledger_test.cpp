#include "store/ledger.h"
#include "store/store.h"

#include "store_support.h"

#include <klio/error.h>

#include <gtest/gtest.h>

#include <sys/wait.h>
#include <unistd.h>

namespace {

using namespace klio;
using namespace klio::store;
using klio::test::Folder;
using klio::test::job_record;

constexpr double noon = 20000 * 86400.0 + 43200;

class Ledger : public ::testing::Test {
protected:
    JobRecord begin(const std::string& name, const Limits& limits = {}, double now = noon)
    {
        JobRecord job = job_record(name);
        store.jobs().begin(job, limits, now);
        return job;
    }

    Folder folder;
    Store store {folder.path};
};

TEST_F(Ledger, TotalIsCheckedBeforeAnythingIsWritten)
{
    Limits limits;
    limits.total = 12;
    begin("a", limits);
    begin("b", limits);
    EXPECT_THROW(begin("c", limits), CreditsError);
    EXPECT_FALSE(store.jobs().find(job_record("c").set.job));
    EXPECT_EQ(total_cost(store.database()).reserved, 12);
}

TEST_F(Ledger, ExactlyTheBudgetMayBeSpent)
{
    Limits limits;
    limits.total = 6;
    EXPECT_NO_THROW(begin("a", limits));
    limits.total = 5;
    EXPECT_THROW(begin("b", limits), CreditsError);
}

TEST_F(Ledger, BudgetOfZeroSpendsNothing)
{
    Limits limits;
    limits.per_day = 0;
    EXPECT_THROW(begin("a", limits), CreditsError);
}

TEST_F(Ledger, FailureFreesAndUnknownDoesNot)
{
    Limits limits;
    limits.total = 6;
    const JobRecord failed = begin("a", limits);
    store.jobs().failed(failed.set.job, JobState::failed, ErrorKind::failed, "no", {}, noon);
    const JobRecord unknown = begin("b", limits);
    store.jobs().unknown(unknown.set.job, ErrorKind::unknown, "no answer", {}, noon);
    EXPECT_THROW(begin("c", limits), CreditsError);
    EXPECT_EQ(total_cost(store.database()).unknown, 6);
}

TEST_F(Ledger, DayIsUtcAndEndsAtMidnight)
{
    Limits limits;
    limits.per_day = 6;
    begin("a", limits, noon);
    EXPECT_THROW(begin("b", limits, noon + 43199), CreditsError);
    EXPECT_NO_THROW(begin("b", limits, noon + 43200));
    const auto days = cost_by_day(store.database());
    ASSERT_EQ(days.size(), 2u);
    EXPECT_EQ(days[0].label, "2024-10-04");
    EXPECT_EQ(days[1].label, "2024-10-05");
}

TEST_F(Ledger, ClockSetBackIsNoWayRoundTheDay)
{
    Limits limits;
    limits.per_day = 6;
    begin("a", limits, noon);
    EXPECT_THROW(begin("b", limits, noon - 3 * 86400), CreditsError);
}

TEST_F(Ledger, ClockSetBackAndRightAgainIsNoSecondBudget)
{
    Limits limits;
    limits.per_day = 12;
    begin("a", limits, noon);
    begin("b", limits, noon - 3 * 86400);
    EXPECT_THROW(begin("c", limits, noon), CreditsError);
    EXPECT_EQ(cost_by_day(store.database()).size(), 1u);
}

TEST_F(Ledger, WhatCostsNothingIsNeverOverABudget)
{
    Limits limits;
    begin("a");
    limits.per_run = limits.total = limits.per_day = 0;
    EXPECT_THROW(begin("b", limits), CreditsError);
    JobRecord job = job_record("b");
    job.set.credits_at_least = 0;
    EXPECT_NO_THROW(store.jobs().begin(job, limits, noon));
}

TEST_F(Ledger, RunsHaveBudgetsOfTheirOwn)
{
    Limits one, two;
    one.run = "one";
    two.run = "two";
    one.per_run = two.per_run = 6;
    begin("a", one);
    EXPECT_THROW(begin("b", one), CreditsError);
    EXPECT_NO_THROW(begin("b", two));
}

TEST_F(Ledger, UnknownPriceGoesWithNoBudget)
{
    JobRecord job = job_record("a");
    job.set.price_known = false;
    job.set.credits_at_least = 0;
    Limits limits;
    limits.total = 1000;
    EXPECT_THROW(store.jobs().begin(job, limits, noon), CreditsError);
    EXPECT_NO_THROW(store.jobs().begin(job, {}, noon));
    EXPECT_EQ(total_cost(store.database()).unpriced, 1);
}

TEST_F(Ledger, DeletedJobStaysInTheLedger)
{
    const JobRecord job = begin("a");
    store.jobs().submitted(job.set.job, "t", {}, noon);
    store.jobs().succeeded(job.set.job, {}, noon);
    store.jobs().erase(job.set.job);
    EXPECT_EQ(total_cost(store.database()).spent, 6);
    const auto lines = cost_by_job(store.database());
    ASSERT_EQ(lines.size(), 1u);
    EXPECT_EQ(lines[0].prompt, "");
}

TEST_F(Ledger, EachAttemptHasItsOwnLine)
{
    JobRecord job = begin("a");
    store.jobs().unknown(job.set.job, ErrorKind::unknown, "?", {}, noon);
    store.jobs().allow_again(job.set.job, false, noon);
    JobRecord again = job_record("a");
    store.jobs().begin(again, {}, noon);
    EXPECT_EQ(again.attempt, 2);
    EXPECT_EQ(again.idempotency_key, job.set.job);
    store.jobs().submitted(job.set.job, "t", {}, noon);
    store.jobs().succeeded(job.set.job, {}, noon);
    EXPECT_EQ(total_cost(store.database()).unknown, 6);
    EXPECT_EQ(total_cost(store.database()).spent, 6);
}

// 8 processes want 10 jobs each under a budget for 13: exactly 13 are let through.
TEST_F(Ledger, ConcurrentProcessesNeverOvershoot)
{
    std::vector<pid_t> children;
    for (int child = 0; child < 8; ++child) {
        const pid_t pid = ::fork();
        if (pid == 0) {
            int won = 0;
            try {
                Store own(folder.path);
                Limits limits;
                limits.total = 13 * 6 + 5;
                for (int i = 0; i < 10; ++i) {
                    JobRecord job = job_record(std::to_string(child) + "-" + std::to_string(i));
                    try {
                        own.jobs().begin(job, limits, noon);
                        ++won;
                    } catch (const CreditsError&) {
                    }
                }
            } catch (...) {
                won = 200;
            }
            ::_exit(won);
        }
        children.push_back(pid);
    }
    int won = 0;
    for (pid_t pid : children) {
        int status = 0;
        ::waitpid(pid, &status, 0);
        won += WEXITSTATUS(status);
    }
    EXPECT_EQ(won, 13);
    EXPECT_EQ(total_cost(store.database()).reserved, 13 * 6);
}

} // namespace
