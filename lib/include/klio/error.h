#pragma once

#include <klio/export.h>

#include <stdexcept>
#include <string>
#include <vector>

/// \file
/// What klio throws. Classes of their own exist only where a caller acts differently; all derive
/// from klio::Error, whose message is one line: what happened, to what, and what to do, with the
/// service's own words in it and secrets masked.

namespace klio {

/// What kind of thing went wrong. The values are the exit codes of the command `klio`, documented
/// and stable.
enum class ErrorKind : int {
    internal = 1,     ///< a fault of klio's own, or of the machine (out of memory)
    usage = 2,        ///< flags, recipe or settings are wrong; nothing was sent
    reference = 3,    ///< a reference image is missing, unreadable, or unfit for the model
    key = 4,          ///< no API key, or the service does not accept it
    credits = 5,      ///< out of credits, or over a budget of the user's own
    refusal = 6,      ///< the service refuses the content (policy); not charged
    network = 7,      ///< no connection, a broken one, TLS, or a blocked address
    unknown = 8,      ///< a create that may or may not have been accepted; needs a person
    timeout = 9,      ///< the deadline passed; the task goes on, the next run collects it
    rate = 10,        ///< the service asks to go slower, and still did after the retries
    bad_request = 11, ///< the service says that the request is wrong
    failed = 12,      ///< the service ran the task and it failed
    damaged = 13,     ///< result bytes are corrupt, missing, or not an image
    output = 14,      ///< a file of the user's own can't be written
    store = 15,       ///< the data folder can't be read or written
    staging = 16,     ///< a prepared reference could not be given a URL
    color = 17,       ///< a colour space, view or config is missing or does not parse
    not_stored = 18,  ///< the store has no frames for this request and asking was not allowed
    cancelled = 130   ///< the user stopped it; what was sent is kept for the next run
};

/// The kind's name as it stands in `--json` output and the docs, e.g. "bad_request".
KLIO_API const char* to_string(ErrorKind kind) noexcept;
KLIO_API bool error_kind_from_string(const std::string& name, ErrorKind& kind) noexcept;

/// Base of all exceptions that leave the library. Immutable, so safe to read from any thread.
class KLIO_API Error : public std::runtime_error {
public:
    Error(ErrorKind kind, const std::string& message)
        : std::runtime_error(message), m_kind(kind) { }
    ~Error() override;
    ErrorKind kind() const noexcept { return m_kind; }
    int exit_code() const noexcept { return static_cast<int>(m_kind); }

private:
    ErrorKind m_kind;
};

/// One thing that is wrong with a request: the field by the API's own name, the value as given,
/// and the rule that it breaks with what would mend it.
struct Problem {
    std::string field;
    std::string value;
    std::string rule;
};

/// The request breaks rules that are known before anything is sent. Lists every problem at once.
class KLIO_API RequestError : public Error {
public:
    explicit RequestError(std::vector<Problem> problems);
    ~RequestError() override;
    const std::vector<Problem>& problems() const noexcept { return m_problems; }

private:
    std::vector<Problem> m_problems;
};

/// Shorthands for the kinds that callers catch by class.
#define KLIO_ERROR_CLASS(NAME, KIND)                                                               \
    class KLIO_API NAME : public Error {                                                           \
    public:                                                                                        \
        explicit NAME(const std::string& message) : Error(ErrorKind::KIND, message) { }            \
        ~NAME() override;                                                                          \
    }

KLIO_ERROR_CLASS(UsageError, usage);
KLIO_ERROR_CLASS(ReferenceError, reference);
KLIO_ERROR_CLASS(KeyError, key);
KLIO_ERROR_CLASS(CreditsError, credits);
KLIO_ERROR_CLASS(RefusalError, refusal);
KLIO_ERROR_CLASS(NetworkError, network);
KLIO_ERROR_CLASS(UnknownCreateError, unknown);
KLIO_ERROR_CLASS(TimeoutError, timeout);
KLIO_ERROR_CLASS(RateError, rate);
KLIO_ERROR_CLASS(BadRequestError, bad_request);
KLIO_ERROR_CLASS(FailedError, failed);
KLIO_ERROR_CLASS(DamagedError, damaged);
KLIO_ERROR_CLASS(OutputError, output);
KLIO_ERROR_CLASS(StoreError, store);
KLIO_ERROR_CLASS(StagingError, staging);
KLIO_ERROR_CLASS(ColorError, color);
KLIO_ERROR_CLASS(NotStoredError, not_stored);
KLIO_ERROR_CLASS(CancelledError, cancelled);
#undef KLIO_ERROR_CLASS

/// Throws the class that belongs to `kind` (Error itself where the kind has none).
[[noreturn]] KLIO_API void throw_error(ErrorKind kind, const std::string& message);

} // namespace klio
