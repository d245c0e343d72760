#pragma once

#include "base/clock.h"
#include "base/secret.h"
#include "service/answer.h"
#include "transport/backoff.h"
#include "transport/http.h"

#include <klio/progress.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

/// \file
/// The service's HTTP contract: create, poll, download. Holds no state of a job; what is durable
/// is the session's business, which passes callbacks for the moments that must be written down.

namespace klio::service {

struct ClientOptions {
    std::string endpoint; ///< normalized, see normalized_endpoint()
    base::Secret key;
    std::vector<std::string> allow_private_hosts;
    uint64_t max_json_bytes = 8u << 20;
    uint64_t max_image_bytes = 64u << 20;
    base::Clock* clock = nullptr;   ///< null: the system's
    base::Random* random = nullptr; ///< null: the system's
    /// How often a create is sent at most where it surely was not accepted: no connection, or a
    /// rejection in the service's own words.
    int max_creates = 6;
    transport::BackoffOptions backoff {}; ///< between tries of all kinds
};

/// How a create ended.
struct CreateOutcome {
    enum class Kind {
        accepted, ///< `answer` holds a task id, or the finished images
        rejected, ///< surely not accepted, final: `failure`
        unknown   ///< may have been accepted; must not be sent again: `failure` says what happened
    } kind
        = Kind::unknown;
    Answer answer;   ///< where unknown: the task id that a failing answer named, if any
    Failure failure; ///< one line; kind `cancelled` and `rejected` where nothing had been sent yet
    std::string raw; ///< the last answer's body, the API key masked; may be empty
    int sends = 0;   ///< how often bytes of it may have left
};

/// One poll's result.
struct PollOutcome {
    Answer answer;
    std::string raw;         ///< the answer's body, the API key masked
    double retry_after = -1; ///< seconds that the service wants until the next look; -1: not said
};

struct Download {
    int index = 0; ///< of the image in the task's answer
    std::string bytes;
    std::string media_type; ///< from the content: image/png, image/jpeg, image/webp; else empty
    bool gone = false;      ///< 403, 404 or 410: ask for the task again
    Failure failure;        ///< where bytes is empty
    bool ok() const { return !bytes.empty(); }
};

/// Seconds from a task's creation until the look after the one at `elapsed`: the first look at
/// 1.5 s, then every 0.8 s or 8 % of the time passed, whichever is more, at most 30 s: so a result
/// waits for at most 1 s or 10 % of what it took. `jitter` in [0, 1) takes up to a tenth off.
double next_look(double elapsed, double jitter);

/// Bytes that the answer to a create may have: max_json_bytes, and in base64 as many images of
/// max_image_bytes as one request gives; at most 900 MiB, which the store can still keep.
uint64_t create_answer_limit(const ClientOptions& options);

/// From the content: image/png, image/jpeg, image/webp; else empty.
std::string image_type(const std::string& bytes);
/// False where a PNG, JPEG or WebP surely ends too early, or the bytes are text. Decodes nothing.
bool looks_whole(const std::string& bytes);

/// Thread-safe; one Client serves many jobs.
class Client {
public:
    Client(transport::Transport& transport, ClientOptions options);
    ~Client();

    /// POST {endpoint}/api/v1/images/generations. Sends again by itself only where the create
    /// surely was not accepted (contract, "Money" 3), with backoff, until `deadline` (monotonic
    /// seconds). Never throws for what the network or the service does. An answer may bring all
    /// images of a request at once, in base64: it may be as large as create_answer_limit().
    CreateOutcome create(const std::string& body, const std::string& idempotency_key,
                         double deadline, const CancelToken& cancel);

    /// One look at the task, repeated through transient faults until `deadline` (with a last look
    /// at the deadline itself). Throws the error class that belongs to a final failure,
    /// TimeoutError at the deadline, CancelledError. Only FailedError says that the task is gone
    /// for good: with any other class the task may live on, and can be collected later.
    /// `created_at` (monotonic) is when the task was made: a 404 is final only after 3 tries over
    /// at least 10 s from then.
    PollOutcome poll(const std::string& task_id, double created_at, double deadline,
                     const CancelToken& cancel);

    /// Polls until the task is in a final state: a first look timed for the documented 5–15 s, then
    /// an interval that grows. `on_look` is called after each look. Throws as poll() does; a task
    /// that failed is returned, not thrown.
    PollOutcome wait(const std::string& task_id, double created_at, double deadline,
                     const CancelToken& cancel,
                     const std::function<void(const PollOutcome&)>& on_look = {});

    /// All images at once (at most 9 on the way), each retried and resumed by range until
    /// `deadline`. A body is taken for an image by its first bytes; one that ends before its own
    /// end mark, or is text, is asked for up to 3 times and then a failure of kind `damaged`. Bytes
    /// of another kind are kept, with an empty media_type. Never throws but for std::bad_alloc;
    /// where cancelled, what is not there has a failure of kind `cancelled`. `on_image` is called,
    /// one at a time, from the calling thread as each arrives, so that it can be stored before the
    /// others are here. The API key goes along only where the image is on the endpoint's own origin
    /// under /api/; nowhere else.
    std::vector<Download> download(const std::vector<ResultImage>& images, double deadline,
                                   const CancelToken& cancel,
                                   const std::function<void(Download&)>& on_image = {});

private:
    struct Impl;
    std::unique_ptr<Impl> m_impl;
};

} // namespace klio::service
