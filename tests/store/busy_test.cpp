#include "store/busy_cancel.h"
#include "store/store.h"

#include "store_support.h"

#include <klio/error.h>

#include <gtest/gtest.h>

#include <chrono>
#include <future>
#include <thread>

namespace {

using namespace klio;
using namespace klio::store;
using klio::test::Folder;
using klio::test::job_record;
using Clock = std::chrono::steady_clock;

// Far below the 20 s of a patient wait; a busy machine may need it.
constexpr std::chrono::seconds soon {3};

/// A data folder whose database somebody else holds, until release().
class Busy : public ::testing::Test {
protected:
    void hold() { m_held.emplace(other.database()); }
    void release() { m_held.reset(); }

    /// Runs `work` on a thread of its own, where `cancel` ends waits; how it ended.
    std::future<ErrorKind> run(const std::function<void()>& work)
    {
        return std::async(std::launch::async, [this, work] {
            const BusyCancel busy(cancel);
            try {
                work();
            } catch (const Error& error) {
                return error.kind();
            }
            return ErrorKind::internal;
        });
    }

    static bool waits(const std::future<ErrorKind>& end)
    {
        return end.wait_for(std::chrono::milliseconds(300)) != std::future_status::ready;
    }

    Folder folder;
    Store store {folder.path};
    Store other {folder.path}; ///< a connection of its own, as another process has
    CancelToken cancel;

private:
    std::optional<Transaction> m_held;
};

TEST_F(Busy, ACancelEndsTheWaitForAnotherProcess)
{
    hold();
    auto end = run([&] { store.jobs().require_writable(); });
    EXPECT_TRUE(waits(end)) << "without a cancel it has all its patience";
    const auto begun = Clock::now();
    cancel.cancel();
    EXPECT_EQ(end.get(), ErrorKind::cancelled);
    EXPECT_LT(Clock::now() - begun, soon);
    JobRecord job = job_record("a");
    EXPECT_EQ(run([&] { store.jobs().begin(job, {}, 1); }).get(), ErrorKind::cancelled);
    EXPECT_LT(Clock::now() - begun, soon) << "nor does the next one begin";
    EXPECT_FALSE(store.jobs().find(job.set.job));
}

TEST_F(Busy, ACancelEndsTheWaitForAnotherThread)
{
    const Transaction held(store.database());
    auto end = run([&] { store.jobs().find("x"); });
    EXPECT_TRUE(waits(end));
    const auto begun = Clock::now();
    cancel.cancel();
    EXPECT_EQ(end.get(), ErrorKind::cancelled);
    EXPECT_LT(Clock::now() - begun, soon);
}

TEST_F(Busy, WhatNeedNotWaitIsDoneAfterACancelAsWell)
{
    cancel.cancel();
    EXPECT_EQ(run([&] { store.jobs().require_writable(); }).get(), ErrorKind::internal);
    hold();
    EXPECT_EQ(run([&] { store.jobs().find("x"); }).get(), ErrorKind::internal)
        << "others' writing keeps nobody from reading";
}

TEST_F(Busy, OnceACreateMayLeaveItsAnswerIsWaitedFor)
{
    JobRecord job = job_record("a");
    std::promise<void> begun, held;
    auto end = run([&] {
        store.jobs().begin(job, {}, 1);
        begun.set_value();
        held.get_future().wait();
        store.jobs().submitted(job.set.job, "t", {}, 2);
    });
    begun.get_future().wait();
    hold();
    cancel.cancel();
    held.set_value();
    EXPECT_TRUE(waits(end)) << "a cancel ends no wait of what is paid for";
    release();
    EXPECT_EQ(end.get(), ErrorKind::internal);
    EXPECT_EQ(store.jobs().get(job.set.job).set.task_id, "t");
}

TEST_F(Busy, ALiftEndsWithItsGuard)
{
    cancel.cancel();
    const BusyCancel outer(cancel);
    {
        const BusyCancel inner(cancel);
        BusyCancel::lift();
        EXPECT_EQ(BusyCancel::token(), nullptr);
        const BusyCancel innermost(cancel);
        EXPECT_NE(BusyCancel::token(), nullptr);
    }
    EXPECT_TRUE(BusyCancel::token() && BusyCancel::token()->cancelled());
}

TEST_F(Busy, WithoutACancelTheLimitCounts)
{
    hold();
    store.database().set_busy_seconds(0.2);
    const auto begun = Clock::now();
    EXPECT_EQ(run([&] { store.jobs().require_writable(); }).get(), ErrorKind::store);
    EXPECT_GE(Clock::now() - begun, std::chrono::milliseconds(200));
    EXPECT_LT(Clock::now() - begun, soon);
    EXPECT_THROW(store.jobs().require_writable(), StoreError) << "on a thread without a guard too";
}

} // namespace
