#include "base/clock.h"

#include <klio/error.h>
#include <klio/progress.h>

#include <atomic>
#include <condition_variable>
#include <ctime>
#include <mutex>
#include <random>

namespace klio {

struct CancelToken::State {
    std::atomic<bool> cancelled {false};
    std::mutex mutex;
    std::condition_variable changed;
};

CancelToken::CancelToken() : m_state(std::make_shared<State>())
{
}

void CancelToken::cancel() const noexcept
{
    {
        const std::lock_guard<std::mutex> lock(m_state->mutex);
        m_state->cancelled = true;
    }
    m_state->changed.notify_all();
}

bool CancelToken::cancelled() const noexcept
{
    return m_state->cancelled;
}

bool CancelToken::wait(double seconds) const
{
    std::unique_lock<std::mutex> lock(m_state->mutex);
    return m_state->changed.wait_for(lock, std::chrono::duration<double>(seconds),
                                     [&] { return m_state->cancelled.load(); });
}

void CancelToken::check(const std::string& what) const
{
    if (cancelled())
        throw CancelledError("cancelled: " + what);
}

} // namespace klio

namespace klio::base {

namespace {

class SystemClock final : public Clock {
public:
    double unix_time() const override { return now(CLOCK_REALTIME); }
    double monotonic() const override { return now(CLOCK_MONOTONIC); }
    bool sleep(Seconds duration, const CancelToken& cancel) override
    {
        return !cancel.wait(duration.count());
    }

private:
    static double now(clockid_t id)
    {
        timespec time {};
        clock_gettime(id, &time);
        return double(time.tv_sec) + 1e-9 * double(time.tv_nsec);
    }
};

class SystemRandom final : public Random {
public:
    double uniform() override
    {
        const std::lock_guard<std::mutex> lock(m_mutex);
        return std::generate_canonical<double, 53>(m_engine);
    }

private:
    std::mutex m_mutex;
    std::mt19937_64 m_engine {std::random_device {}()};
};

} // namespace

Clock& system_clock()
{
    static SystemClock* clock = new SystemClock;
    return *clock;
}

Random& system_random()
{
    static SystemRandom* random = new SystemRandom;
    return *random;
}

} // namespace klio::base
