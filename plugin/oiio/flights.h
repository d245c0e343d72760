#pragma once

#include "base/clock.h"

#include <klio/error.h>

#include <cmath>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>

/// \file
/// Work that a host's many opens of one name share.

namespace klio::oiio {

/// What work throws that was not even tried, since somebody else's failure is too fresh: it is
/// passed on, and not remembered as one more.
struct NotTried {
    ErrorKind kind;
    std::string message;
};

/// One flight a key: of all threads that want the same work at once, one does it and the others
/// wait for its end. A failure is remembered for a time, since hosts open a file again and again
/// when it fails (maketx six times), and each open would else be another attempt. What succeeds is
/// kept for `keep` seconds. Thread-safe; holds no thread of its own.
template <typename Value> class Flights {
public:
    Flights(base::Clock& clock, double keep, double keep_failure)
        : m_clock(clock), m_keep(keep), m_keep_failure(keep_failure)
    {
    }

    /// The value of `work`, or of who did it shortly before. Throws what `work` threw (NotTried as
    /// the Error that it tells of), or that it failed so and so long ago.
    Value fly(const std::string& key, const std::function<Value()>& work)
    {
        std::unique_lock<std::mutex> lock(m_mutex);
        drop_old();
        const auto found = m_flights.find(key);
        if (found != m_flights.end()) {
            const std::shared_ptr<Flight> flight = found->second;
            const bool before = flight->landed;
            m_landing.wait(lock, [&] { return flight->landed; });
            return outcome(*flight, before);
        }
        const auto flight = std::make_shared<Flight>();
        m_flights[key] = flight;
        lock.unlock();
        Flight end;
        try {
            end.value = work();
        } catch (const NotTried& before) {
            fail(end, before.kind, before.message);
            end.tried = false;
        } catch (const Error& error) {
            fail(end, error.kind(), error.what());
        } catch (const std::exception& error) {
            fail(end, ErrorKind::internal, error.what());
        } catch (...) {
            fail(end, ErrorKind::internal, "an unknown exception");
        }
        lock.lock();
        end.landed = true;
        end.at = m_clock.monotonic();
        *flight = std::move(end);
        if (!flight->tried || (flight->failed ? m_keep_failure : m_keep) <= 0)
            m_flights.erase(key);
        m_landing.notify_all();
        return outcome(*flight, false);
    }

    /// What was kept of `key` is no longer so.
    void forget(const std::string& key)
    {
        const std::lock_guard<std::mutex> lock(m_mutex);
        const auto found = m_flights.find(key);
        if (found != m_flights.end() && found->second->landed)
            m_flights.erase(found);
    }

private:
    struct Flight {
        bool landed = false;
        bool failed = false;
        bool tried = true;
        double at = 0; ///< when it landed
        Value value {};
        ErrorKind kind = ErrorKind::internal;
        std::string message;
    };

    static void fail(Flight& flight, ErrorKind kind, const std::string& message)
    {
        flight.failed = true;
        flight.kind = kind;
        flight.message = message;
    }

    Value outcome(const Flight& flight, bool before) const
    {
        if (!flight.failed)
            return flight.value;
        const double age = m_clock.monotonic() - flight.at;
        throw_error(flight.kind,
                    before ? flight.message + " (tried " + std::to_string(int(age))
                            + " s ago; this process tries again in "
                            + std::to_string(int(std::ceil(m_keep_failure - age))) + " s)"
                           : flight.message);
    }

    void drop_old()
    {
        const double now = m_clock.monotonic();
        for (auto it = m_flights.begin(); it != m_flights.end();) {
            const Flight& flight = *it->second;
            const double keep = flight.failed ? m_keep_failure : m_keep;
            if (flight.landed && now - flight.at >= keep)
                it = m_flights.erase(it);
            else
                ++it;
        }
    }

    base::Clock& m_clock;
    const double m_keep, m_keep_failure;
    std::mutex m_mutex;
    std::condition_variable m_landing;
    std::map<std::string, std::shared_ptr<Flight>> m_flights;
};

} // namespace klio::oiio
