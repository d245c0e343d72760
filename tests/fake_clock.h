#pragma once

#include "base/clock.h"

#include <klio/progress.h>

#include <functional>
#include <mutex>
#include <vector>

namespace klio::test {

/// A clock whose sleeps take no time and are written down.
class FakeClock : public base::Clock {
public:
    double unix_time() const override
    {
        const std::lock_guard<std::mutex> lock(m_mutex);
        return 1'800'000'000 + m_now;
    }
    double monotonic() const override
    {
        const std::lock_guard<std::mutex> lock(m_mutex);
        return m_now;
    }
    bool sleep(base::Seconds duration, const CancelToken& cancel) override
    {
        if (cancel.cancelled())
            return false;
        {
            const std::lock_guard<std::mutex> lock(m_mutex);
            m_now += duration.count();
            m_sleeps.push_back(duration.count());
        }
        if (on_sleep)
            on_sleep();
        return !cancel.cancelled();
    }
    std::vector<double> sleeps() const
    {
        const std::lock_guard<std::mutex> lock(m_mutex);
        return m_sleeps;
    }
    std::function<void()> on_sleep;

private:
    mutable std::mutex m_mutex;
    double m_now = 1000;
    std::vector<double> m_sleeps;
};

/// Always the same chance.
class FakeRandom : public base::Random {
public:
    explicit FakeRandom(double value = 0.5) : m_value(value) { }
    double uniform() override { return m_value; }

private:
    double m_value;
};

} // namespace klio::test
