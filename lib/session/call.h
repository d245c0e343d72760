#pragma once

#include "base/clock.h"
#include "service/client.h"
#include "staging/keeper.h"
#include "store/store.h"
#include "transport/http.h"

#include <klio/session.h>

#include <chrono>
#include <exception>
#include <functional>
#include <future>
#include <mutex>
#include <string>

/// \file
/// What the steps of one job's way share.

namespace klio::session {

/// One call of a Session, on the thread that made it.
struct Call {
    store::Store& store;
    transport::Transport& transport;
    staging::Keeper& keeper;
    const Settings& settings;
    const GenerateOptions& options;
    base::Clock& clock;
    store::Limits limits;
    double deadline = 0; ///< monotonic
    std::string job;     ///< the key, once it is known

    /// Tells the user; throws CancelledError where they, or the callback, said stop.
    void report(const char* step, const std::string& message, double done = 0,
                double total = 0) const;
    /// Throws CancelledError where the user said stop; for what comes before the create.
    void check(const std::string& what) const;
    /// The same as report() without a stop: where stopping has to say what was paid.
    void tell(const char* step, const std::string& message, double done = 0,
              double total = 0) const;
    void tell(const char* step, Progress progress) const;
    void warn(const std::string& message) const;
    double now() const { return clock.unix_time(); }
    /// Hosts that may have a private address: the setting allow_hosts.
    std::vector<std::string> allowed_hosts() const;
    /// " --endpoint URL" where a command that goes on with this job needs it, since the settings
    /// name another one; else empty.
    std::string endpoint_flag(const std::string& url) const;
    /// The service, for the endpoint at `url`. Throws KeyError where there is no key for it.
    service::Client client(const std::string& url) const;
};

/// The clock of all sessions; null restores the machine's. For tests, which never sleep.
void use_clock(base::Clock* clock);
base::Clock& clock();

/// True where the normalized endpoint `url` is on this machine.
bool on_loopback(const std::string& url);

/// Progress that a working thread leaves for the calling one.
class Board {
public:
    void put(const std::string& message, double done = 0, double total = 0);
    /// True where there is something new.
    bool take(Progress& progress);

private:
    std::mutex m_mutex;
    Progress m_progress;
    bool m_new = false;
};

/// Watches over work on another thread: passes its progress on, and cancels it (`inner`) once the
/// user, or `klio jobs cancel`, asked for that, or the callback threw. Returns when the future is
/// ready, with what the callback threw; throws nothing of its own.
std::exception_ptr attend(const Call& call, const char* step, Board& board,
                          const CancelToken& inner,
                          const std::function<bool(std::chrono::milliseconds)>& ready);

/// Runs `work(inner token, board)` on a thread of its own under attend(), and returns the future
/// when it is ready. `thrown` is what the callback threw: whoever has bought something writes that
/// down before it may go on.
template <typename Work>
auto attended(const Call& call, const char* step, const Work& work, std::exception_ptr& thrown)
{
    CancelToken inner;
    Board board;
    if (call.options.cancel.cancelled())
        inner.cancel();
    auto future = std::async(std::launch::async, [&] { return work(inner, board); });
    thrown = attend(call, step, board, inner, [&](std::chrono::milliseconds time) {
        return future.wait_for(time) == std::future_status::ready;
    });
    return future;
}

/// The same for work that can be repeated: its value; throws what the callback threw.
template <typename Work> auto attended(const Call& call, const char* step, const Work& work)
{
    std::exception_ptr thrown;
    auto future = attended(call, step, work, thrown);
    if (thrown)
        std::rethrow_exception(thrown);
    return future.get();
}

/// "job 1a2b3c4d5e6f": the beginning of the key that the command takes.
std::string job_name(const std::string& key);
/// "klio jobs resolve KEY, with one of …": what a person does about a job that is unknown.
std::string resolve_command(const std::string& key);

} // namespace klio::session
