#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <vector>

/// \file
/// What the gateway does wrong, when: decided by seed and count alone, so that a run can be
/// repeated.

namespace klio::local {

enum class RequestKind { connection, create, poll, download };

/// What hits one request. At most one fault spoils the exchange itself (the first that was given
/// wins); all those that give a new task its fate apply.
struct Hits {
    std::string exchange;
    std::vector<std::string> fate;
};

/// Parses and counts. Thread-safe.
class Faults {
public:
    /// Each "KIND[@create|@poll|@download][:WHEN]"; WHEN is a probability (it has a dot), a turn
    /// "3", turns "2-4", or "3-" from then on. Throws UsageError with the nearest known kind.
    Faults(const std::vector<std::string>& faults, uint64_t seed);

    /// Counts one request of that kind and says what hits it.
    Hits next(RequestKind kind);
    /// True where `name` hits every request of its kind, without end.
    bool always(const std::string& name) const;

private:
    struct Fault {
        std::string name;
        RequestKind kind = RequestKind::create;
        bool fate = false;
        double probability = -1; ///< negative: by turn
        uint64_t first = 1;
        uint64_t last = UINT64_MAX;
    };
    Fault parse(const std::string& text) const;

    uint64_t m_seed;
    std::vector<Fault> m_faults;
    mutable std::mutex m_mutex;
    std::map<RequestKind, uint64_t> m_counts;
};

/// What a task's state says, by the contract's table; in any case.
enum class WordMeaning { waiting, done, over, unknown };
WordMeaning meaning_of(const std::string& word);

/// Where a finished task's images stand.
struct Shape {
    std::string place;  ///< of the list or the one image, e.g. "data.result.image_urls"
    std::string member; ///< of each image where it is an object: url, image_url or b64_json
};
/// "data.output.images.b64_json", by the contract's table of places. False where it has no such
/// one.
bool find_shape(const std::string& text, Shape& shape);

/// "shape=data.result.image_urls" -> "data.result.image_urls"; empty where `fate` has no such name.
std::string fate_value(const std::vector<std::string>& fate, const std::string& name);
bool has_fate(const std::vector<std::string>& fate, const std::string& name);

} // namespace klio::local
