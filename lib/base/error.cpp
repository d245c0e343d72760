#include <klio/error.h>

#include <array>
#include <cstring>
#include <utility>

namespace klio {

namespace {

struct KindName {
    ErrorKind kind;
    const char* name;
};

constexpr std::array<KindName, 19> kind_names {{
    {ErrorKind::internal, "internal"},
    {ErrorKind::usage, "usage"},
    {ErrorKind::reference, "reference"},
    {ErrorKind::key, "key"},
    {ErrorKind::credits, "credits"},
    {ErrorKind::refusal, "refusal"},
    {ErrorKind::network, "network"},
    {ErrorKind::unknown, "unknown"},
    {ErrorKind::timeout, "timeout"},
    {ErrorKind::rate, "rate"},
    {ErrorKind::bad_request, "bad_request"},
    {ErrorKind::failed, "failed"},
    {ErrorKind::damaged, "damaged"},
    {ErrorKind::output, "output"},
    {ErrorKind::store, "store"},
    {ErrorKind::staging, "staging"},
    {ErrorKind::color, "color"},
    {ErrorKind::not_stored, "not_stored"},
    {ErrorKind::cancelled, "cancelled"},
}};

std::string join(const std::vector<Problem>& problems)
{
    std::string text;
    for (const Problem& problem : problems) {
        if (!text.empty())
            text += "; ";
        text += problem.field;
        if (!problem.value.empty())
            text += " '" + problem.value + "'";
        text += ": " + problem.rule;
    }
    return text;
}

} // namespace

const char* to_string(ErrorKind kind) noexcept
{
    for (const KindName& entry : kind_names)
        if (entry.kind == kind)
            return entry.name;
    return "internal";
}

bool error_kind_from_string(const std::string& name, ErrorKind& kind) noexcept
{
    for (const KindName& entry : kind_names)
        if (name == entry.name) {
            kind = entry.kind;
            return true;
        }
    return false;
}

// Out of line, so that each class has one home for its type information and can be caught across
// shared libraries.
Error::~Error() = default;
RequestError::~RequestError() = default;
UsageError::~UsageError() = default;
ReferenceError::~ReferenceError() = default;
KeyError::~KeyError() = default;
CreditsError::~CreditsError() = default;
RefusalError::~RefusalError() = default;
NetworkError::~NetworkError() = default;
UnknownCreateError::~UnknownCreateError() = default;
TimeoutError::~TimeoutError() = default;
RateError::~RateError() = default;
BadRequestError::~BadRequestError() = default;
FailedError::~FailedError() = default;
DamagedError::~DamagedError() = default;
OutputError::~OutputError() = default;
StoreError::~StoreError() = default;
StagingError::~StagingError() = default;
ColorError::~ColorError() = default;
NotStoredError::~NotStoredError() = default;
CancelledError::~CancelledError() = default;

RequestError::RequestError(std::vector<Problem> problems)
    : Error(ErrorKind::usage, join(problems)), m_problems(std::move(problems))
{
}

void throw_error(ErrorKind kind, const std::string& message)
{
    switch (kind) {
    case ErrorKind::usage:
        throw UsageError(message);
    case ErrorKind::reference:
        throw ReferenceError(message);
    case ErrorKind::key:
        throw KeyError(message);
    case ErrorKind::credits:
        throw CreditsError(message);
    case ErrorKind::refusal:
        throw RefusalError(message);
    case ErrorKind::network:
        throw NetworkError(message);
    case ErrorKind::unknown:
        throw UnknownCreateError(message);
    case ErrorKind::timeout:
        throw TimeoutError(message);
    case ErrorKind::rate:
        throw RateError(message);
    case ErrorKind::bad_request:
        throw BadRequestError(message);
    case ErrorKind::failed:
        throw FailedError(message);
    case ErrorKind::damaged:
        throw DamagedError(message);
    case ErrorKind::output:
        throw OutputError(message);
    case ErrorKind::store:
        throw StoreError(message);
    case ErrorKind::staging:
        throw StagingError(message);
    case ErrorKind::color:
        throw ColorError(message);
    case ErrorKind::not_stored:
        throw NotStoredError(message);
    case ErrorKind::cancelled:
        throw CancelledError(message);
    case ErrorKind::internal:
        break;
    }
    throw Error(kind, message);
}

} // namespace klio
