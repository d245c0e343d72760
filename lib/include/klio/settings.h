#pragma once

#include <klio/export.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace klio {

/// One setting and where its value came from.
struct Setting {
    std::string name;        ///< as in the configuration file, e.g. "budget_per_day"
    std::string environment; ///< e.g. "KLIO_BUDGET_PER_DAY"
    std::string value;       ///< empty where it is not set and has no default; secrets are masked
    std::string origin;      ///< "flag", "environment", "file <path>", "default", "not set"
    std::string meaning;     ///< one line, with unit and default
};

/// The settings of a run: flag, then environment (`KLIO_…`), then the configuration file
/// (`$KLIO_CONFIG`, else `$XDG_CONFIG_HOME/klio/config.json`, a JSON object of names), then the
/// default. Read once, when made; later changes of the environment are not seen. Not thread-safe
/// while set() is called; reading from many threads is fine.
class KLIO_API Settings {
public:
    /// Reads environment and configuration file. Throws UsageError where the file is no JSON or
    /// has an unknown name (with the nearest one).
    Settings();
    ~Settings();
    Settings(const Settings&);
    Settings& operator=(const Settings&);

    /// What a flag says; wins over everything else. Throws UsageError for an unknown name.
    void set(const std::string& name, const std::string& value);
    /// The value; empty where not set. Throws UsageError for an unknown name.
    std::string get(const std::string& name) const;
    /// A number; `fallback` where not set. Throws UsageError where it is none.
    double number(const std::string& name, double fallback) const;
    bool flag(const std::string& name) const; ///< 1, true, yes, on

    /// The API key: `KLIO_API_KEY`, else the first line of the file named by `key_file` (default
    /// `$XDG_CONFIG_HOME/klio/key`). Empty where there is none. Throws KeyError where the file is
    /// named but can't be read, or others may read it. The value is registered for masking.
    std::string api_key() const;
    /// Where the key came from, without the key: "environment KLIO_API_KEY", "file …", "not set".
    std::string api_key_origin() const;

    /// `$KLIO_HOME`, else `$XDG_DATA_HOME/klio`, else `~/.local/share/klio`: absolute.
    std::string data_folder() const;

    /// All of them, for `klio doctor`; secrets masked.
    std::vector<Setting> all() const;

private:
    struct Impl;
    std::unique_ptr<Impl> m_impl;
};

/// The version of the library at run time, e.g. "0.1.0".
KLIO_API const char* version() noexcept;

} // namespace klio
