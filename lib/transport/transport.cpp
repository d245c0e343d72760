#include "base/clock.h"
#include "base/log.h"
#include "base/secret.h"
#include "transport/http.h"
#include "transport/transfer.h"

#include <curl/curl.h>

#include <pthread.h>
#include <signal.h>

#include <list>
#include <mutex>
#include <thread>

namespace klio::transport {

namespace {

// A token has no way to wake a loop, so the loop looks at it this often while anything is under
// way: a tenth of the second that cancelling may take.
constexpr int look_milliseconds = 100;
constexpr int idle_milliseconds = 60 * 1000;

void start_libcurl()
{
    static std::once_flag once;
    std::call_once(once, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
}

} // namespace

struct Transport::Impl {
    TransportOptions options;
    std::mutex mutex; ///< guards incoming, stopping and the thread's start
    std::list<std::unique_ptr<Transfer>> incoming;
    bool stopping = false;
    std::thread thread;
    CURLM* multi = nullptr;
    std::list<std::unique_ptr<Transfer>> active; ///< the loop's alone

    void run();
    bool take_incoming();
    void add(std::unique_ptr<Transfer> transfer);
    void finish(Transfer* transfer);
    void read_messages();
    void look_at_clock();
};

Transport::Transport(TransportOptions options) : m_impl(new Impl)
{
    start_libcurl();
    m_impl->options = std::move(options);
    m_impl->multi = curl_multi_init();
    curl_multi_setopt(m_impl->multi, CURLMOPT_PIPELINING, long(CURLPIPE_MULTIPLEX));
    curl_multi_setopt(m_impl->multi, CURLMOPT_MAX_HOST_CONNECTIONS,
                      long(std::max(1, m_impl->options.max_per_host)));
}

Transport::~Transport()
{
    {
        const std::lock_guard<std::mutex> lock(m_impl->mutex);
        m_impl->stopping = true;
    }
    curl_multi_wakeup(m_impl->multi);
    if (m_impl->thread.joinable())
        m_impl->thread.join();
    curl_multi_cleanup(m_impl->multi);
}

std::future<HttpResponse> Transport::start(HttpRequest request, CancelToken cancel)
{
    auto transfer = std::make_unique<Transfer>(std::move(request), std::move(cancel));
    std::future<HttpResponse> future = transfer->future();
    {
        const std::lock_guard<std::mutex> lock(m_impl->mutex);
        // The thread first: where it can't be made, nothing may stay behind to be sent later. It
        // waits for the lock before it looks.
        if (!m_impl->thread.joinable())
            m_impl->thread = std::thread([impl = m_impl.get()] { impl->run(); });
        m_impl->incoming.push_back(std::move(transfer));
    }
    curl_multi_wakeup(m_impl->multi);
    return future;
}

HttpResponse Transport::perform(HttpRequest request, CancelToken cancel)
{
    return start(std::move(request), std::move(cancel)).get();
}

void Transport::Impl::run()
{
    // Signals are the host's business, and a broken TLS connection must not end the process.
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, nullptr);
    while (take_incoming()) {
        int running = 0;
        curl_multi_perform(multi, &running);
        read_messages();
        look_at_clock();
        curl_multi_poll(multi, nullptr, 0, active.empty() ? idle_milliseconds : look_milliseconds,
                        nullptr);
    }
    while (!active.empty()) {
        active.front()->stop_cancelled();
        finish(active.front().get());
    }
}

// False where the object is about to end.
bool Transport::Impl::take_incoming()
{
    std::list<std::unique_ptr<Transfer>> taken;
    bool stop = false;
    {
        const std::lock_guard<std::mutex> lock(mutex);
        taken.swap(incoming);
        stop = stopping;
    }
    for (auto& transfer : taken) {
        if (stop) {
            transfer->stop_cancelled();
            transfer->deliver();
        } else {
            add(std::move(transfer));
        }
    }
    return !stop;
}

void Transport::Impl::add(std::unique_ptr<Transfer> transfer)
{
    if (!transfer->begin(options)) {
        transfer->deliver();
        return;
    }
    curl_multi_add_handle(multi, transfer->handle());
    active.push_back(std::move(transfer));
}

void Transport::Impl::finish(Transfer* transfer)
{
    curl_multi_remove_handle(multi, transfer->handle());
    for (auto it = active.begin(); it != active.end(); ++it)
        if (it->get() == transfer) {
            const std::unique_ptr<Transfer> done = std::move(*it);
            active.erase(it);
            done->deliver();
            return;
        }
}

void Transport::Impl::read_messages()
{
    int left = 0;
    while (const CURLMsg* message = curl_multi_info_read(multi, &left)) {
        if (message->msg != CURLMSG_DONE)
            continue;
        CURL* handle = message->easy_handle;
        const CURLcode code = message->data.result; // gone with the handle's removal
        Transfer* transfer = nullptr;
        curl_easy_getinfo(handle, CURLINFO_PRIVATE, &transfer);
        curl_multi_remove_handle(multi, handle);
        if (transfer->finish_hop(code))
            curl_multi_add_handle(multi, handle);
        else
            finish(transfer);
    }
}

void Transport::Impl::look_at_clock()
{
    const double now = base::system_clock().monotonic();
    for (auto it = active.begin(); it != active.end();) {
        Transfer* transfer = it->get();
        ++it;
        if (transfer->must_stop(now))
            finish(transfer);
    }
}

} // namespace klio::transport
