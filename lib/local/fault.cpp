#include "local/fault.h"

#include "base/encoding.h"

#include <klio/error.h>
#include <klio/local.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>

namespace klio::local {

namespace {

enum class Level { connection, exchange, exchange_with_value, create, fate, fate_with_value };

struct Kind {
    const char* name;
    Level level;
    const char* meaning;
};

// The order is the one of `klio serve --list-faults`: from the wire up to the pixels.
constexpr Kind kinds[] = {
    {"refuse", Level::connection,
     "connections are refused: always, or for one second from the given turn on (counts "
     "connections)"},
    {"reset-before-body", Level::exchange,
     "the connection is reset once the head is read, the body unread; nothing is carried out"},
    {"reset-after-body", Level::exchange,
     "the connection is reset once the whole request is read; nothing is carried out"},
    {"drop", Level::exchange,
     "accept-then-drop: the request is carried out (the task exists and is charged), and the "
     "connection closes at once without an answer"},
    {"hang", Level::exchange,
     "the request is carried out, and the connection closes without an answer after fault_seconds"},
    {"slow-headers", Level::exchange, "the answer's first byte comes after fault_seconds"},
    {"drip", Level::exchange, "the answer's body comes in small pieces over fault_seconds"},
    {"truncate", Level::exchange, "carried out; the connection ends half-way through the body"},
    {"wrong-length", Level::exchange,
     "carried out; Content-Length says less than the body has, so that it seems whole and is not"},
    {"400", Level::exchange, "400 with the service's JSON error"},
    {"401", Level::exchange, "401: the key is not accepted"},
    {"403", Level::exchange, "403 with the service's JSON error"},
    {"404", Level::exchange, "404 with the service's JSON error"},
    {"408", Level::exchange, "408 with the service's JSON error"},
    {"410", Level::exchange, "410 with the service's JSON error"},
    {"422", Level::exchange, "422 with the service's JSON error, which names a field"},
    {"425", Level::exchange, "425 with the service's JSON error"},
    {"429", Level::exchange, "429 without Retry-After"},
    {"429-seconds", Level::exchange, "429 with Retry-After: 1"},
    {"429-date", Level::exchange, "429 with Retry-After as a date two seconds ahead"},
    {"429-absurd", Level::exchange, "429 with Retry-After: 99999999999"},
    {"429-nonsense", Level::exchange, "429 with Retry-After: soon"},
    {"429-balance", Level::exchange, "429 whose body says that the account is empty"},
    {"500", Level::exchange, "500 with the service's JSON error; nothing is carried out"},
    {"500-html", Level::exchange, "500 with an HTML page; nothing is carried out"},
    {"502", Level::exchange, "502 with a proxy's HTML page; nothing is carried out"},
    {"502-accepted", Level::exchange, "502 with a proxy's HTML page, though it was carried out"},
    {"503", Level::exchange, "503 with the service's JSON error and Retry-After: 1"},
    {"503-bare", Level::exchange, "503 with a proxy's HTML page and no Retry-After"},
    {"504", Level::exchange, "504 with a proxy's HTML page; nothing is carried out"},
    {"504-accepted", Level::exchange, "504 with a proxy's HTML page, though it was carried out"},
    {"520", Level::exchange, "520 with a proxy's HTML page; nothing is carried out"},
    {"html-200", Level::exchange, "an HTML page under 200; nothing is carried out"},
    {"code-200", Level::exchange_with_value,
     "code-200=N: {\"code\": N, \"message\": …} under 200, as 400, 500 or 1201; nothing is carried "
     "out"},
    {"broken-json", Level::exchange, "carried out; the JSON under 200 breaks off"},
    {"empty", Level::exchange, "carried out; 200 with an empty body"},
    {"credits-gone", Level::create, "402: the credits are gone"},
    {"credits-200", Level::create, "the credits are gone, said under HTTP 200"},
    {"refusal", Level::create, "400: the prompt breaks the content policy; not charged"},
    {"create-id", Level::create, "the create is answered as {\"id\": …, \"status\": \"pending\"}"},
    {"finished", Level::create, "the create is answered with the finished task, at once"},
    {"finished-urls", Level::create, "the create is answered with {\"data\": [{\"url\": …}]}"},
    {"finished-b64", Level::create, "the create is answered with {\"data\": [{\"b64_json\": …}]}"},
    {"refusal-task", Level::fate, "the task ends refused by the content policy; not charged"},
    {"task-failed", Level::fate, "the task fails; not charged"},
    {"task-late", Level::fate, "the task is unknown (404) to its first two polls"},
    {"task-lost", Level::fate, "the task is charged, and unknown (404) for good"},
    {"stuck", Level::fate, "the task never ends"},
    {"unknown-word", Level::fate, "a waiting task's state is a word that nobody documented"},
    {"word", Level::fate_with_value,
     "word=WORD: the task's state is WORD; while it runs where that is a waiting word, else at its "
     "end; a failed one's (cancelled, rejected …) is not charged, but for expired"},
    {"state", Level::fate_with_value,
     "state=PLACE: a task's state stands at data.status, status, data.task_status or data.state"},
    {"shape", Level::fate_with_value,
     "shape=PLACE: a finished task's images stand at PLACE: data.output, data.result, "
     "data.task_result, data.response, data or nothing; then images, image_urls, outputs, output, "
     "result_urls, urls, image_url or url; objects of images, outputs and output with url, "
     "image_url or b64_json behind it, e.g. data.output.images.b64_json"},
    {"b64", Level::fate, "a finished task's images come along as b64_json"},
    {"echo", Level::fate, "every answer of the task echoes the request, its references included"},
    {"empty-result", Level::fate, "the task is done and has no image"},
    {"elsewhere", Level::fate, "the images stand at /data/artifacts/pictures, a place in no table"},
    {"too-few", Level::fate, "one image less than asked for"},
    {"too-many", Level::fate, "one image more than asked for"},
    {"same-url", Level::fate, "every image has the first one's URL"},
    {"null-image", Level::fate, "the last image is null"},
    {"numbers-as-strings", Level::fate, "every number of the task's answers is a string"},
    {"bad-utf8", Level::fate,
     "the messages in the task's answers break off in the middle of a letter: no valid UTF-8"},
    {"expired-url", Level::fate, "the first result URLs are expired (403), the next are good"},
    {"expired-400", Level::fate, "the same, said by 400"},
    {"expired-html", Level::fate, "the same, said by an HTML page under 200"},
    {"expired-for-good", Level::fate, "result URLs are always expired"},
    {"reordered", Level::fate,
     "the last of the first result URLs is expired; later answers have the images in reverse "
     "order"},
    {"changed-file", Level::fate,
     "the first download of each image breaks off; a range of it comes as 206 with another ETag, "
     "out of another file, whatever If-Range says"},
    {"corrupt-image", Level::fate, "the images' pixel data is damaged"},
    {"corrupt-once", Level::fate,
     "the pixel data is damaged in a file that is whole otherwise (PNG: with checksums that fit), "
     "on "
     "the first download of each image; the next is good"},
    {"cut-image", Level::fate, "the image files end half-way, with a length that fits"},
    {"wrong-format", Level::fate, "the images are GIF files called PNG"},
    {"not-an-image", Level::fate, "the images are HTML pages called PNG"},
    {"huge-image", Level::fate, "the images' headers claim 50000 x 50000 pixels"},
    {"jpeg", Level::fate, "the images are JPEG files"},
};

const Kind* find_kind(const std::string& name)
{
    for (const Kind& kind : kinds)
        if (name == kind.name)
            return &kind;
    return nullptr;
}

bool digits(const std::string& text)
{
    return !text.empty() && text.size() < 10
        && std::all_of(text.begin(), text.end(), [](unsigned char c) { return std::isdigit(c); });
}

// SplitMix64: one draw for a place in a sequence, so that counts alone decide.
double draw(uint64_t seed, uint64_t fault, uint64_t count)
{
    uint64_t x = seed * 0x9E3779B97F4A7C15ull + fault * 0xD1B54A32D192ED03ull + count;
    for (int i = 0; i < 2; ++i) {
        x += 0x9E3779B97F4A7C15ull;
        x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9ull;
        x = (x ^ (x >> 27)) * 0x94D049BB133111EBull;
        x ^= x >> 31;
    }
    return double(x >> 11) / double(uint64_t(1) << 53);
}

// A code that says that the call went well would be no fault.
bool failing_code(const std::string& text)
{
    return digits(text) && std::stoi(text) != 0 && text != "200" && text != "201" && text != "202";
}

bool contains(const std::vector<std::string>& list, const std::string& text)
{
    return std::find(list.begin(), list.end(), text) != list.end();
}

} // namespace

// Tables of the gateway's own, so that klio's are not judged by themselves.
WordMeaning meaning_of(const std::string& word)
{
    static const std::vector<std::string> waiting
        = {"created",  "pending",     "queued",     "submitted",
           "starting", "in_progress", "processing", "running"};
    static const std::vector<std::string> done
        = {"completed", "complete", "success", "succeed", "succeeded", "finished", "done"};
    static const std::vector<std::string> over
        = {"failed", "failure", "error", "cancelled", "canceled", "expired", "rejected"};
    const std::string plain = base::lower(word);
    return contains(waiting, plain) ? WordMeaning::waiting
        : contains(done, plain)     ? WordMeaning::done
        : contains(over, plain)     ? WordMeaning::over
                                    : WordMeaning::unknown;
}

bool find_shape(const std::string& text, Shape& shape)
{
    static const std::vector<std::string> under
        = {"data.output.", "data.result.", "data.task_result.", "data.response.", "data.", ""};
    static const std::vector<std::string> keys
        = {"images", "image_urls", "outputs", "output", "result_urls", "urls", "image_url", "url"};
    static const std::vector<std::string> of_objects = {"images", "outputs", "output"};
    // "data.output.url" is data.output's url; the table has no list of objects in its place.
    for (const std::string& parent : under)
        for (const std::string& key : keys)
            if (text == parent + key) {
                shape = {text, ""};
                return true;
            }
    for (const std::string& parent : under)
        for (const std::string& key : of_objects)
            for (const char* member : {"url", "image_url", "b64_json"})
                if (text == parent + key + "." + member) {
                    shape = {parent + key, member};
                    return true;
                }
    return false;
}

Faults::Faults(const std::vector<std::string>& faults, uint64_t seed) : m_seed(seed)
{
    for (const std::string& text : faults)
        m_faults.push_back(parse(text));
}

Faults::Fault Faults::parse(const std::string& text) const
{
    const auto bad
        = [&](const std::string& why) { return UsageError("fault '" + text + "': " + why); };
    Fault fault;
    std::string name = text;
    std::string when;
    const size_t colon = text.rfind(':');
    if (colon != std::string::npos) {
        name = text.substr(0, colon);
        when = text.substr(colon + 1);
    }
    std::string at;
    const size_t at_sign = name.find('@');
    if (at_sign != std::string::npos) {
        at = name.substr(at_sign + 1);
        name.resize(at_sign);
    }
    const size_t equals = name.find('=');
    const std::string value = equals == std::string::npos ? std::string() : name.substr(equals + 1);
    fault.name = name;
    const std::string plain = name.substr(0, equals);
    const Kind* kind = find_kind(plain);
    if (!kind) {
        std::vector<std::string> names;
        for (const Kind& known : kinds)
            names.emplace_back(known.name);
        const std::string near = base::nearest(plain, names);
        throw bad("no such kind"
                  + (near.empty() ? "; klio serve --list-faults lists them"
                                  : "; did you mean " + near + "?"));
    }
    const bool takes_value
        = kind->level == Level::fate_with_value || kind->level == Level::exchange_with_value;
    if (takes_value == value.empty())
        throw bad(value.empty() ? std::string("needs a value: ") + kind->meaning
                                : "takes no value");
    if (plain == "code-200" && !failing_code(value))
        throw bad("the code is a whole number that says that the call failed");
    if (Shape shape; plain == "shape" && !find_shape(value, shape))
        throw bad("'" + value + "' is no place of the contract's table");
    if (plain == "state" && value != "data.status" && value != "status"
        && value != "data.task_status" && value != "data.state")
        throw bad("the places are data.status, status, data.task_status and data.state");
    if (kind->level == Level::connection)
        fault.kind = RequestKind::connection;
    fault.fate = kind->level == Level::fate || kind->level == Level::fate_with_value;
    if (!at.empty()) {
        if (kind->level != Level::exchange && kind->level != Level::exchange_with_value)
            throw bad("only faults of the exchange itself take @create, @poll or @download");
        if (at == "poll")
            fault.kind = RequestKind::poll;
        else if (at == "download")
            fault.kind = RequestKind::download;
        else if (at != "create")
            throw bad("the kinds of request are create, poll and download");
    }
    if (colon == std::string::npos)
        return fault;
    const size_t dash = when.find('-');
    if (when.find('.') != std::string::npos) {
        char* end = nullptr;
        fault.probability = std::strtod(when.c_str(), &end);
        if (*end || !(fault.probability >= 0 && fault.probability <= 1))
            throw bad("a probability is 0.0 to 1.0");
    } else if (digits(when)) {
        fault.first = fault.last = std::strtoull(when.c_str(), nullptr, 10);
    } else if (dash != std::string::npos && digits(when.substr(0, dash))
               && (dash + 1 == when.size() || digits(when.substr(dash + 1)))) {
        fault.first = std::strtoull(when.c_str(), nullptr, 10);
        if (dash + 1 < when.size())
            fault.last = std::strtoull(when.c_str() + dash + 1, nullptr, 10);
    } else {
        throw bad("after the colon stands a probability (0.1), a turn (3), or turns (2-4, 3-)");
    }
    if (fault.first < 1 || fault.last < fault.first)
        throw bad("turns count from 1 and go up");
    return fault;
}

Hits Faults::next(RequestKind kind)
{
    std::lock_guard<std::mutex> lock(m_mutex);
    const uint64_t count = ++m_counts[kind];
    Hits hits;
    for (size_t i = 0; i < m_faults.size(); ++i) {
        const Fault& fault = m_faults[i];
        if (fault.kind != kind)
            continue;
        const bool hit = fault.probability >= 0 ? draw(m_seed, i, count) < fault.probability
                                                : count >= fault.first && count <= fault.last;
        if (!hit)
            continue;
        if (fault.fate)
            hits.fate.push_back(fault.name);
        else if (hits.exchange.empty())
            hits.exchange = fault.name;
    }
    return hits;
}

bool Faults::always(const std::string& name) const
{
    return std::any_of(m_faults.begin(), m_faults.end(), [&](const Fault& fault) {
        return fault.name == name && fault.probability < 0 && fault.first == 1
            && fault.last == UINT64_MAX;
    });
}

std::string fate_value(const std::vector<std::string>& fate, const std::string& name)
{
    for (const std::string& entry : fate)
        if (entry.compare(0, name.size() + 1, name + "=") == 0)
            return entry.substr(name.size() + 1);
    return {};
}

bool has_fate(const std::vector<std::string>& fate, const std::string& name)
{
    return contains(fate, name);
}

} // namespace klio::local

namespace klio {

const std::vector<std::pair<std::string, std::string>>& local_faults()
{
    static const std::vector<std::pair<std::string, std::string>> faults = [] {
        std::vector<std::pair<std::string, std::string>> list;
        for (const local::Kind& kind : local::kinds) {
            const char* hits = "";
            if (kind.level == local::Level::exchange
                || kind.level == local::Level::exchange_with_value)
                hits = " [create; or @poll, @download]";
            else if (kind.level == local::Level::create)
                hits = " [create]";
            else if (kind.level != local::Level::connection)
                hits = " [task, decided at its create]";
            list.emplace_back(kind.name, std::string(kind.meaning) + hits);
        }
        return list;
    }();
    return faults;
}

} // namespace klio
