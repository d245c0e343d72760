#include "session/call.h"

#include "base/log.h"
#include "transport/url.h"

#include <atomic>

namespace klio::session {

namespace {

constexpr std::chrono::milliseconds tick {50};
// Another process's `klio jobs cancel` is looked for this often.
constexpr double cancel_seconds = 0.5;
// A callback that wants to stop a wait is asked this often.
constexpr double repeat_seconds = 0.2;

std::atomic<base::Clock*> injected_clock {nullptr};

} // namespace

void Call::report(const char* step, const std::string& message, double done, double total) const
{
    tell(step, message, done, total);
    check(message);
}

void Call::check(const std::string& what) const
{
    if (options.cancel.cancelled())
        throw CancelledError("stopped before this run sent anything: " + what);
}

void Call::tell(const char* step, const std::string& message, double done, double total) const
{
    tell(step, {{}, {}, message, done, total});
}

void Call::tell(const char* step, Progress progress) const
{
    progress.step = step;
    progress.job = job;
    if (options.progress && !options.progress(progress))
        options.cancel.cancel();
}

void Call::warn(const std::string& message) const
{
    base::log(base::LogLevel::warning, message);
}

namespace {

// The key goes to the endpoint's own origin alone, and which that is the user says: by the
// settings, or by a flag of this call.
bool may_have_key(const Call& call, const std::string& url)
{
    transport::Url wanted, own;
    if (!transport::parse_url(url, wanted))
        return false;
    if (transport::parse_url(call.settings.get("endpoint"), own) && own.origin() == wanted.origin())
        return true;
    return call.options.endpoint_by_user;
}

} // namespace

std::vector<std::string> Call::allowed_hosts() const
{
    std::vector<std::string> allowed;
    const std::string hosts = settings.get("allow_hosts");
    for (size_t at = 0; (at = hosts.find_first_not_of(", ", at)) != std::string::npos;) {
        const size_t end = std::min(hosts.find_first_of(", ", at), hosts.size());
        allowed.push_back(hosts.substr(at, end - at));
        at = end;
    }
    return allowed;
}

std::string Call::endpoint_flag(const std::string& url) const
{
    const bool known = !options.endpoint_by_user || options.endpoint_identity == local_endpoint
        || normalized_endpoint(settings.get("endpoint")) == url;
    return known ? std::string() : " --endpoint " + url;
}

service::Client Call::client(const std::string& url) const
{
    if (url == local_endpoint)
        throw UsageError("the local gateway is not running: it is started by --local, or by klio "
                         "serve");
    std::string key = options.key;
    if (key.empty()) {
        key = settings.api_key();
        if (!key.empty() && !may_have_key(*this, url)) {
            if (!on_loopback(url))
                throw KeyError("the key is meant for " + settings.get("endpoint")
                               + ", and not sent to " + url
                               + ", which a recipe or an earlier run names; to do so all the "
                                 "same, set KLIO_ENDPOINT or give --endpoint; nothing was sent");
            key.clear();
        }
    }
    if (key.empty() && on_loopback(url))
        key = "local"; // a gateway of one's own asks for some key, not for a certain one
    if (key.empty())
        throw KeyError("no API key for " + url
                       + ": set KLIO_API_KEY, or put it into a file (mode 600) and name that with "
                         "KLIO_KEY_FILE; nothing was sent");
    service::ClientOptions client;
    client.endpoint = url;
    client.key = base::Secret(key);
    client.allow_private_hosts = allowed_hosts();
    client.max_json_bytes = uint64_t(settings.number("max_json_bytes", 8u << 20));
    client.max_image_bytes = uint64_t(settings.number("max_image_bytes", 64u << 20));
    client.clock = &clock;
    return service::Client(transport, client);
}

void use_clock(base::Clock* clock)
{
    injected_clock = clock;
}

base::Clock& clock()
{
    base::Clock* injected = injected_clock;
    return injected ? *injected : base::system_clock();
}

bool on_loopback(const std::string& url)
{
    transport::Url parsed;
    return transport::parse_url(url, parsed) && transport::is_loopback_host(parsed.host);
}

void Board::put(const std::string& message, double done, double total)
{
    const std::lock_guard<std::mutex> lock(m_mutex);
    m_progress.message = message;
    m_progress.done = done;
    m_progress.total = total;
    m_new = true;
}

bool Board::take(Progress& progress)
{
    const std::lock_guard<std::mutex> lock(m_mutex);
    if (!m_new)
        return false;
    progress = m_progress;
    m_new = false;
    return true;
}

std::exception_ptr attend(const Call& call, const char* step, Board& board,
                          const CancelToken& inner,
                          const std::function<bool(std::chrono::milliseconds)>& ready)
{
    std::exception_ptr thrown;
    double looked_at = call.clock.monotonic();
    double told_at = looked_at;
    Progress progress;
    while (!ready(tick)) {
        const double now = call.clock.monotonic();
        try {
            const bool news = board.take(progress);
            if (news || now - told_at > repeat_seconds) {
                progress.repeated = !news;
                told_at = now;
                call.tell(step, progress);
            }
            if (now - looked_at > cancel_seconds) {
                looked_at = now;
                if (call.store.jobs().cancel_requested(call.job))
                    inner.cancel(); // this job alone, not all that the user's token is for
            }
        } catch (const StoreError&) {
            // Looking for a wish to cancel is no reason to stop what was paid for.
        } catch (...) {
            // The callback's own exception: the work must end before it may leave.
            thrown = std::current_exception();
            inner.cancel();
            while (!ready(tick)) { }
            break;
        }
        if (call.options.cancel.cancelled())
            inner.cancel();
    }
    return thrown;
}

std::string job_name(const std::string& key)
{
    return "job " + key.substr(0, 12);
}

std::string resolve_command(const std::string& key)
{
    return "klio jobs resolve " + key.substr(0, 12)
        + ", with one of --task ID, --resubmit or --forget";
}

} // namespace klio::session
