#include "staging/exchange.h"

#include "staging/s3_answer.h"
#include "transport/backoff.h"

#include <klio/error.h>

#include <algorithm>

namespace klio::staging {

namespace {

// The end of the file is compared: it is there only if all before it is.
constexpr size_t tail_bytes = 4096;

bool may_pass(const transport::HttpResponse& response)
{
    using transport::Fault;
    if (response.outcome != transport::Outcome::answered) {
        switch (response.fault) {
        case Fault::tls:
        case Fault::blocked_address:
        case Fault::bad_url:
        case Fault::bad_redirect:
        case Fault::too_large:
            return false;
        default:
            return true;
        }
    }
    switch (response.status) {
    case 408:
    case 425:
    case 429:
        return true;
    case 501:
    case 507:
        return false;
    default:
        return response.status >= 500;
    }
}

transport::Backoff backoff(base::Random& random)
{
    transport::BackoffOptions options;
    options.first = 0.5;
    options.longest = 8;
    return {options, random};
}

// The object's whole size as a range's answer names it ("bytes 0-9/10"), or empty.
std::string total_of(const transport::HttpResponse& response)
{
    const std::string range = response.header("content-range");
    const size_t slash = range.rfind('/');
    return slash == std::string::npos ? std::string() : range.substr(slash + 1);
}

} // namespace

void throw_staging(bool nothing, const std::string& message)
{
    if (nothing)
        throw NothingStaged(message);
    throw StagingError(message);
}

transport::HttpRequest stage_request(const std::string& method, const std::string& url)
{
    transport::HttpRequest request;
    request.method = method;
    request.url = url;
    request.allow_private = true;
    request.accept_compressed = false;
    return request;
}

Exchange::Exchange(transport::Transport& transport, const StageOptions& options)
    : m_transport(transport), m_clock(options.clock ? *options.clock : base::system_clock()),
      m_random(options.random ? *options.random : base::system_random()), m_tries(options.tries)
{
}

transport::HttpResponse Exchange::perform(const std::function<transport::HttpRequest()>& make,
                                          const CancelToken& cancel, bool* refused)
{
    transport::Backoff waits = backoff(m_random);
    bool all_refused = true;
    for (int tries = 1;; ++tries) {
        transport::HttpRequest request = make();
        if (m_tries == 1) {
            // Nobody waits for it: what is dead now is asked again another time.
            request.connect_timeout = 5;
            request.first_byte_timeout = 15;
        }
        transport::HttpResponse response = m_transport.perform(std::move(request), cancel);
        if (response.outcome == transport::Outcome::cancelled || cancel.cancelled())
            throw CancelledError("cancelled: staging");
        all_refused = all_refused
            && (response.outcome == transport::Outcome::not_sent
                || (response.outcome == transport::Outcome::answered && response.status >= 300
                    && response.status < 500));
        if (refused)
            *refused = all_refused;
        if (tries == m_tries || !may_pass(response))
            return response;
        const double asked
            = transport::parse_retry_after(response.header("retry-after"), m_clock.unix_time());
        const double wait = waits.next(std::min(asked, 60.0));
        if (!m_clock.sleep(base::Seconds(wait), cancel))
            throw CancelledError("cancelled: staging");
    }
}

std::string Exchange::verify(const std::string& url, const Object& object,
                             const CancelToken& cancel)
{
    const size_t size = object.bytes.size();
    size_t from = size > tail_bytes ? size - tail_bytes : 0;
    transport::Backoff waits = backoff(m_random);
    for (int tries = 1;; ++tries) {
        const transport::HttpResponse response = perform(
            [&] {
                transport::HttpRequest request = stage_request("GET", url);
                request.resume_from = from;
                request.max_redirects = 3;
                request.max_body = std::max<uint64_t>(size, 1u << 16) + 1;
                return request;
            },
            cancel);
        if (response.fault == transport::Fault::too_large)
            return "something larger than the upload comes back";
        if (response.status == 206 && response.ok()) {
            const std::string total = total_of(response);
            if (!total.empty() && total != "*" && total != std::to_string(size))
                return "what is there has " + total + " bytes, not " + std::to_string(size);
            if (object.bytes.compare(from, std::string::npos, response.body) == 0)
                return {};
            return "other bytes come back than were uploaded";
        }
        if (response.status == 200 && response.ok()) {
            if (response.body == object.bytes)
                return {};
            const std::string type = response.header("content-type");
            return "other bytes come back than were uploaded ("
                + std::to_string(response.body.size()) + " of " + std::to_string(size)
                + (type.empty() ? "" : ", " + type) + ")";
        }
        if (response.status == 416 && from > 0) {
            from = 0; // shorter than the upload: see what it is
            continue;
        }
        if (response.status != 404 || tries == m_tries)
            return explain_answer(response);
        if (!m_clock.sleep(base::Seconds(waits.next()), cancel))
            throw CancelledError("cancelled: staging");
    }
}

} // namespace klio::staging
