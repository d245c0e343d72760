#include "service/client.h"

#include "base/encoding.h"
#include "base/json.h"
#include "base/log.h"
#include "request/model.h"
#include "service/client_impl.h"
#include "service/doubt.h"
#include "service/failure.h"
#include "service/places.h"

#include <algorithm>
#include <cmath>

namespace klio::service {

namespace {

using transport::Backoff;
using transport::Fault;
using transport::HttpRequest;
using transport::HttpResponse;
using transport::Outcome;

// An answer that is nearly here tells what was paid; cancelling must still end within a second.
constexpr double create_cancel_grace = 0.6;
// For the answer's own way, behind its first byte: it may hold nine images.
constexpr double create_answer_seconds = 120;
// For a task's state, which is small.
constexpr double poll_seconds = 60;

std::string seconds_text(double seconds)
{
    return std::to_string(int64_t(std::ceil(std::min(seconds, 1e12)))) + " s";
}

// Where trying again can't help: the machine, the user or an attacker must change something first.
bool hopeless(Fault fault)
{
    return fault == Fault::tls || fault == Fault::blocked_address || fault == Fault::bad_url
        || fault == Fault::bad_redirect || fault == Fault::too_large || fault == Fault::other;
}

const char* advice(Fault fault)
{
    switch (fault) {
    case Fault::dns:
    case Fault::connect:
        return "; is the network there, and are endpoint and proxy (https_proxy) right?";
    case Fault::tls:
        return "; where a proxy or a service of your own signs, name its certificate with --cacert";
    case Fault::too_large:
        return "; KLIO_MAX_JSON_BYTES and KLIO_MAX_IMAGE_BYTES raise the limits";
    default:
        return "";
    }
}

// No task, and a reason: a rejection in the service's own words, unless they leave a doubt.
bool refused_at_once(const CreateOutcome& outcome, const std::string& body)
{
    base::Json root;
    base::JsonError error;
    return outcome.answer.state == TaskState::failed && !outcome.answer.message.empty()
        && parse_answer(body, root, error) && !leaves_doubt(root);
}

} // namespace

double next_look(double elapsed, double jitter)
{
    constexpr double first = 1.5;
    if (elapsed < first)
        return first;
    const double interval = std::clamp(0.08 * elapsed, 0.8, 30.0);
    return elapsed + interval * (1 - 0.1 * jitter);
}

uint64_t create_answer_limit(const ClientOptions& options)
{
    constexpr uint64_t most = 900u << 20;
    const uint64_t image = std::min(options.max_image_bytes, most);
    return std::min(
        most, std::min(options.max_json_bytes, most) + kling::max_images * (image / 3 * 4 + 4));
}

Failure failure_of_response(const HttpResponse& response)
{
    Failure failure;
    failure.kind
        = response.outcome == Outcome::cancelled ? ErrorKind::cancelled : ErrorKind::network;
    failure.message = one_line(response.error, 600) + advice(response.fault);
    failure.rejected = !response.sent;
    failure.transient = response.outcome != Outcome::cancelled && !hopeless(response.fault);
    return failure;
}

Client::Impl::Impl(transport::Transport& to, ClientOptions with)
    : transport(to), options(std::move(with)),
      clock(options.clock ? *options.clock : base::system_clock()),
      random(options.random ? *options.random : base::system_random())
{
    transport::parse_url(options.endpoint, endpoint);
    on_loopback = transport::is_loopback_host(endpoint.host);
}

HttpRequest Client::Impl::api_request(const std::string& path) const
{
    HttpRequest request;
    request.url = options.endpoint + path;
    request.headers = {{"Accept", "application/json"}};
    if (!options.key.empty())
        request.secret_headers = {{"Authorization", "Bearer " + options.key.reveal()}};
    request.max_body = options.max_json_bytes;
    // The user named this host; where it is, is the user's business.
    request.allow_private = true;
    return request;
}

std::string Client::Impl::without_key(std::string text) const
{
    base::mask_secret(text, options.key);
    return text;
}

Client::Client(transport::Transport& transport, ClientOptions options)
    : m_impl(new Impl(transport, std::move(options)))
{
}

Client::~Client() = default;

CreateOutcome Client::create(const std::string& body, const std::string& idempotency_key,
                             double deadline, const CancelToken& cancel)
{
    Impl& impl = *m_impl;
    Backoff backoff(impl.options.backoff, impl.random);
    CreateOutcome outcome;
    for (;;) {
        HttpRequest request = impl.api_request("/api/v1/images/generations");
        request.method = "POST";
        request.headers.emplace_back("Content-Type", "application/json");
        request.headers.emplace_back("Idempotency-Key", idempotency_key);
        request.body = body;
        // A finished answer may come at once, that is after the work, with the images inside it:
        // what it costs to wait and to hold it is less than what it costs not to have read it.
        request.max_body = create_answer_limit(impl.options);
        request.first_byte_timeout = std::max(60.0, deadline - impl.clock.monotonic());
        // One that drips for ever is no answer; the task, where there is one, is another's to find.
        request.total_timeout = request.first_byte_timeout + create_answer_seconds;
        // A service may send its headers, or a blank now and then, and work behind them.
        request.slow_answer_seconds = request.total_timeout;
        request.cancel_grace = create_cancel_grace;
        HttpResponse response = impl.transport.perform(std::move(request), cancel);
        outcome.sends += response.sent ? 1 : 0;
        impl.judge_create(std::move(response), outcome);
        if (outcome.kind != CreateOutcome::Kind::rejected || !outcome.failure.transient)
            return outcome;

        const double wait = backoff.next(outcome.failure.retry_after);
        if (backoff.tries() >= impl.options.max_creates)
            return outcome;
        if (impl.clock.monotonic() + wait > deadline) {
            outcome.failure.message += "; the next try would be in " + seconds_text(wait)
                + ", after the deadline (--timeout)";
            return outcome;
        }
        base::log(base::LogLevel::info,
                  "create, once more in " + seconds_text(wait) + ": " + outcome.failure.message);
        if (!impl.clock.sleep(base::Seconds(wait), cancel)) {
            outcome.failure.kind = ErrorKind::cancelled;
            outcome.failure.transient = false;
            outcome.failure.message = "cancelled before the create was accepted; the last try: "
                + outcome.failure.message;
            return outcome;
        }
    }
}

void Client::Impl::judge_create(HttpResponse response, CreateOutcome& outcome) const
{
    // The answer is understood as it came: a short key, such as a gateway of one's own takes, may
    // stand in the middle of a task's id. What is kept of it is without the key.
    decide_create(response, outcome);
    // Moved on rather than copied: it may hold all of a request's images.
    outcome.raw = without_key(std::move(response.body));
}

// The one place that decides whether a create may be sent again.
void Client::Impl::decide_create(const HttpResponse& response, CreateOutcome& outcome) const
{
    using Kind = CreateOutcome::Kind;
    const std::string& body = response.body;
    outcome.answer = {};
    outcome.failure = {};
    if (response.outcome != Outcome::answered) {
        outcome.failure = failure_of_response(response);
        outcome.kind = response.sent ? Kind::unknown : Kind::rejected;
        if (!response.sent)
            outcome.failure.message = "nothing was sent: " + outcome.failure.message;
    } else if (read_answer(response.status, body, response.header("retry-after"), clock.unix_time(),
                           outcome.answer, outcome.failure)) {
        if (!outcome.answer.task_id.empty() || !outcome.answer.images.empty()) {
            outcome.kind = Kind::accepted;
            return;
        }
        if (refused_at_once(outcome, body)) {
            outcome.failure = failure_of(outcome.answer);
            outcome.failure.rejected = true;
            outcome.kind = Kind::rejected;
            return;
        }
        outcome.kind = Kind::unknown;
        outcome.failure.kind = ErrorKind::unknown;
        outcome.failure.message
            = "the service answered without a task id: " + one_line(without_key(body), 200);
    } else {
        outcome.kind = outcome.failure.rejected ? Kind::rejected : Kind::unknown;
    }
    if (outcome.kind != Kind::unknown)
        return;
    base::Json root;
    base::JsonError error;
    if (parse_answer(body, root, error))
        outcome.answer.task_id = find_task_id(root);
    outcome.failure.kind = ErrorKind::unknown;
    outcome.failure.rejected = outcome.failure.transient = false;
    outcome.failure.message
        = "the create may or may not have been accepted: " + outcome.failure.message;
    if (!outcome.answer.task_id.empty())
        outcome.failure.message
            += " (the answer names task " + one_line(outcome.answer.task_id, 128) + ")";
}

PollOutcome Client::poll(const std::string& task_id, double created_at, double deadline,
                         const CancelToken& cancel)
{
    Impl& impl = *m_impl;
    const std::string what = "task " + one_line(task_id, 128);
    Backoff backoff(impl.options.backoff, impl.random);
    int not_found = 0;
    double first_not_found = 0;
    for (;;) {
        cancel.check("waiting for " + what);
        HttpRequest request = impl.api_request("/api/v1/tasks/" + base::percent_encode(task_id));
        // Nothing is lost by asking again, so an answer that hangs is not waited for as long.
        request.first_byte_timeout = 30;
        request.total_timeout = std::clamp(deadline - impl.clock.monotonic(), 10.0, poll_seconds);
        const HttpResponse response = impl.transport.perform(std::move(request), cancel);
        PollOutcome outcome;
        Failure failure;
        if (response.outcome == Outcome::cancelled)
            cancel.check("waiting for " + what);
        if (response.outcome != Outcome::answered) {
            failure = failure_of_response(response);
        } else if (read_answer(response.status, response.body, response.header("retry-after"),
                               impl.clock.unix_time(), outcome.answer, failure)) {
            outcome.raw = impl.without_key(response.body);
            outcome.retry_after = transport::parse_retry_after(response.header("retry-after"),
                                                               impl.clock.unix_time());
            return outcome;
        }
        const double now = impl.clock.monotonic();
        if (failure.not_found) {
            // A fresh task may not be visible yet.
            if (not_found++ == 0)
                first_not_found = now;
            if (not_found >= 3 && now - first_not_found >= 10 && now - created_at >= 10)
                throw FailedError(what + ": the service does not know it, or no longer keeps it ("
                                  + failure.message + ")");
            failure.transient = true;
        }
        if (!failure.transient)
            throw_error(failure.kind, what + ": " + failure.message);
        if (now >= deadline) {
            const std::string message = what
                + ": no state before the deadline (--timeout); it goes "
                  "on, the next run collects it; the last try: "
                + failure.message;
            throw_error(failure.kind == ErrorKind::rate ? ErrorKind::rate : ErrorKind::timeout,
                        message);
        }
        const double wait = std::min(backoff.next(failure.retry_after), deadline - now);
        base::log(base::LogLevel::info,
                  what + ", once more in " + seconds_text(wait) + ": " + failure.message);
        if (!impl.clock.sleep(base::Seconds(wait), cancel))
            cancel.check("waiting for " + what);
    }
}

PollOutcome Client::wait(const std::string& task_id, double created_at, double deadline,
                         const CancelToken& cancel,
                         const std::function<void(const PollOutcome&)>& on_look)
{
    Impl& impl = *m_impl;
    const std::string what = "task " + one_line(task_id, 128);
    bool warned = false;
    bool looked = false;
    double wanted = -1;
    for (;;) {
        const double now = impl.clock.monotonic();
        // A task from an earlier run has been waited for: the first look is at once.
        const double elapsed = std::max(0.0, now - created_at);
        double pause
            = looked || elapsed < 1.5 ? next_look(elapsed, impl.random.uniform()) - elapsed : 0;
        pause = std::min(std::max(pause, wanted), std::max(0.0, deadline - now));
        if (pause > 0 && !impl.clock.sleep(base::Seconds(pause), cancel))
            cancel.check("waiting for " + what);
        PollOutcome outcome = poll(task_id, created_at, deadline, cancel);
        looked = true;
        wanted = outcome.retry_after;
        if (on_look)
            on_look(outcome);
        if (outcome.answer.state != TaskState::waiting)
            return outcome;
        if (outcome.answer.unknown_word && !warned) {
            warned = true;
            base::log(base::LogLevel::warning,
                      what + ": the service's word '" + one_line(outcome.answer.status_word, 64)
                          + "' is unknown and is taken for waiting");
        }
        if (impl.clock.monotonic() >= deadline)
            throw TimeoutError(what
                               + ": not finished before the deadline (--timeout), the last "
                                 "word was '"
                               + one_line(outcome.answer.status_word, 64)
                               + "'; it goes on, the next run collects it");
    }
}

} // namespace klio::service
