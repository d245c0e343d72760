#include "base/log.h"
#include "base/secret.h"
#include "request/model.h"
#include "service/client_impl.h"
#include "service/failure.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <deque>
#include <mutex>
#include <thread>

namespace klio::service {

namespace {

using transport::Backoff;
using transport::HttpRequest;
using transport::HttpResponse;
using transport::Outcome;

constexpr size_t most_at_once = kling::max_images;
constexpr int damaged_tries = 3;

// What is here of a body, and by what it is known to still be the same one.
struct Partial {
    std::string bytes;
    std::string validator;
    uint64_t total = 0; ///< of the whole body; 0 where it was not said

    void forget() { *this = {}; }
};

// A weak ETag does not promise the same bytes.
std::string validator_of(const HttpResponse& response)
{
    const std::string etag = response.header("etag");
    return !etag.empty() && etag.compare(0, 2, "W/") != 0 ? etag : response.header("last-modified");
}

// "bytes 5-9/10": true where it starts at `from`; `total` is 0 where it is not said.
bool continues_at(const std::string& content_range, uint64_t from, uint64_t& total)
{
    total = 0;
    if (content_range.compare(0, 6, "bytes ") != 0)
        return false;
    char* end = nullptr;
    const uint64_t start = std::strtoull(content_range.c_str() + 6, &end, 10);
    if (*end != '-')
        return false;
    const size_t slash = content_range.find('/');
    if (slash != std::string::npos)
        total = std::strtoull(content_range.c_str() + slash + 1, nullptr, 10);
    return start == from;
}

// Adds what came, whole or broken off. False where it does not fit to what is there.
bool take_body(const HttpResponse& response, Partial& partial)
{
    if (response.status == 200) {
        partial.bytes = response.body;
        partial.validator = validator_of(response);
        partial.total = std::strtoull(response.header("content-length").c_str(), nullptr, 10);
        return true;
    }
    // A server may pass over If-Range: a part of another file must not be joined to this one.
    uint64_t total = 0;
    const std::string validator = validator_of(response);
    const bool other_file = !validator.empty() && validator != partial.validator;
    if (response.status != 206 || other_file
        || !continues_at(response.header("content-range"), partial.bytes.size(), total)
        || (total != 0 && partial.total != 0 && total != partial.total)) {
        partial.forget();
        return false;
    }
    partial.bytes += response.body;
    if (total == 0)
        total = partial.total;
    return response.outcome != Outcome::answered || total == 0 || partial.bytes.size() == total;
}

bool is_encoded(const HttpResponse& response)
{
    const std::string encoding = response.header("content-encoding");
    return !encoding.empty() && encoding != "identity";
}

Failure damaged(const std::string& url, const std::string& why)
{
    Failure failure;
    failure.kind = ErrorKind::damaged;
    failure.transient = true;
    failure.message = base::mask_url(url) + ": " + why;
    return failure;
}

} // namespace

HttpRequest Client::Impl::image_request(const std::string& url) const
{
    HttpRequest request;
    request.url = url;
    request.headers = {{"Accept", "image/*,*/*;q=0.8"}};
    request.max_body = options.max_image_bytes;
    request.max_redirects = 3;
    // Pictures do not shrink, and a range counts the bytes as they are sent.
    request.accept_compressed = false;
    request.allow_private = on_loopback;
    request.allow_private_hosts = options.allow_private_hosts;
    transport::Url parsed;
    if (transport::parse_url(url, parsed) && parsed.origin() == endpoint.origin()) {
        // The host that the user named, and no other to which it redirects.
        request.allow_private_hosts.push_back(parsed.host + ":" + std::to_string(parsed.port));
        std::string api = endpoint.path;
        while (!api.empty() && api.back() == '/')
            api.pop_back();
        api += "/api/";
        if (parsed.path.compare(0, api.size(), api) == 0 && !options.key.empty())
            request.secret_headers = {{"Authorization", "Bearer " + options.key.reveal()}};
    }
    return request;
}

Download Client::Impl::fetch(const ResultImage& image, int index, double deadline,
                             const CancelToken& cancel) const
{
    Download result;
    result.index = index;
    if (!image.bytes.empty()) {
        if (looks_whole(image.bytes)) {
            result.bytes = image.bytes;
            result.media_type = image_type(result.bytes);
        } else {
            result.failure = damaged(image.place, "what came inside the answer is no whole image");
        }
        return result;
    }
    Backoff backoff(options.backoff, random);
    Partial partial;
    int bad = 0;
    bool decode = false;
    for (;;) {
        HttpRequest request = image_request(image.url);
        request.total_timeout = std::max(10.0, deadline - clock.monotonic());
        request.accept_compressed = decode;
        if (!partial.validator.empty() && !partial.bytes.empty() && !decode) {
            request.resume_from = partial.bytes.size();
            request.if_range = partial.validator;
            request.max_body -= std::min<uint64_t>(request.max_body, partial.bytes.size());
        }
        const HttpResponse response = transport.perform(std::move(request), cancel);
        Failure failure;
        if (response.outcome != Outcome::answered) {
            failure = failure_of_response(response);
            if (response.status == 200 || response.status == 206)
                take_body(response, partial);
        } else if (response.status == 200 || response.status == 206) {
            const bool fits = take_body(response, partial);
            if (is_encoded(response) && !decode) {
                decode = true; // compressed unasked: once more, by a request that can read it
                partial.forget();
                continue;
            }
            if (fits && looks_whole(partial.bytes)) {
                result.bytes = std::move(partial.bytes);
                result.media_type = image_type(result.bytes);
                result.failure = {};
                return result;
            }
            failure = damaged(image.url,
                              "what came is no whole image (" + std::to_string(partial.bytes.size())
                                  + " bytes)");
            failure.transient = ++bad < damaged_tries;
            partial.forget();
        } else if (response.status == 416) {
            failure = damaged(image.url, "the server can't go on where it broke off");
            partial.forget();
        } else {
            Answer unused;
            read_answer(response.status, response.body, response.header("retry-after"),
                        clock.unix_time(), unused, failure);
            result.gone
                = response.status == 403 || response.status == 404 || response.status == 410;
            // A result host's opinion of us is none of the API's: never a key, credits or a
            // refusal.
            failure.kind = result.gone ? ErrorKind::damaged : ErrorKind::network;
            failure.transient = failure.transient && !result.gone;
            failure.message = base::mask_url(image.url) + ": HTTP "
                + std::to_string(response.status)
                + (result.gone ? ", the result is no longer there" : "");
        }
        result.failure = failure;
        const double now = clock.monotonic();
        if (!failure.transient || now >= deadline)
            return result;
        const double wait = std::min(backoff.next(failure.retry_after), deadline - now);
        base::log(base::LogLevel::info, "download, once more: " + failure.message);
        if (!clock.sleep(base::Seconds(wait), cancel)) {
            result.failure.kind = ErrorKind::cancelled;
            result.failure.transient = false;
            return result;
        }
    }
}

std::vector<Download> Client::download(const std::vector<ResultImage>& images, double deadline,
                                       const CancelToken& cancel,
                                       const std::function<void(Download&)>& on_image)
{
    struct {
        std::mutex mutex;
        std::condition_variable changed;
        size_t next = 0;
        std::deque<Download> arrived;
    } shared;
    const Impl& impl = *m_impl;
    // Stops the threads where the user cancels, and where `on_image` throws.
    const CancelToken stop;

    const auto work = [&] {
        for (;;) {
            size_t mine = 0;
            {
                const std::lock_guard<std::mutex> lock(shared.mutex);
                if (shared.next == images.size())
                    return;
                mine = shared.next++;
            }
            Download one = impl.fetch(images[mine], int(mine), deadline, stop);
            const std::lock_guard<std::mutex> lock(shared.mutex);
            shared.arrived.push_back(std::move(one));
            shared.changed.notify_one();
        }
    };
    struct Threads {
        const CancelToken& stop;
        std::vector<std::thread> all;
        ~Threads()
        {
            stop.cancel();
            for (std::thread& thread : all)
                thread.join();
        }
    } threads {stop, {}};
    for (size_t i = 0; i < std::min(images.size(), most_at_once); ++i)
        threads.all.emplace_back(work);

    std::vector<Download> all(images.size());
    for (size_t i = 0; i < images.size(); ++i) {
        Download one;
        {
            std::unique_lock<std::mutex> lock(shared.mutex);
            // A token can't be waited for together with something else, so it is looked at.
            while (!shared.changed.wait_for(lock, std::chrono::milliseconds(100),
                                            [&] { return !shared.arrived.empty(); }))
                if (cancel.cancelled())
                    stop.cancel();
            one = std::move(shared.arrived.front());
            shared.arrived.pop_front();
        }
        // The callback may number the image anew, as one of a larger set.
        const auto place = size_t(one.index);
        if (on_image)
            on_image(one);
        all[place] = std::move(one);
    }
    return all;
}

} // namespace klio::service
