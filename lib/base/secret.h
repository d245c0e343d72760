#pragma once

#include <string>
#include <string_view>
#include <utility>

/// \file
/// Secrets have a type of their own, so that no string conversion prints one by accident, and a
/// process-wide register, so that whatever text is shown, logged or stored can be masked.

namespace klio::base {

/// A key, password or token. Creating one registers its value with mask().
class Secret {
public:
    Secret() = default;
    explicit Secret(std::string value);
    bool empty() const noexcept { return m_value.empty(); }
    /// The value itself: only for the one place that sends it.
    const std::string& reveal() const noexcept { return m_value; }
    /// "aio_…3f" or "…": enough to tell two keys apart, never enough to use one.
    std::string hint() const;

private:
    std::string m_value;
};

/// `text` with every registered secret, bearer token and signed URL part replaced by "***".
/// Thread-safe.
std::string mask(std::string_view text);
/// A URL without user info and the values of all query parameters but a stage setting's (region,
/// endpoint, public …), which open nothing to a stranger; a `data:` URI is cut to its type and
/// size.
std::string mask_url(std::string_view url);
/// Registers a value to be masked. Values under 6 characters are ignored: masking them would hide
/// ordinary text and protect nothing. Thread-safe.
void register_secret(const std::string& value);
/// One secret out of a text that is stored, in all forms that register_secret() knows: as it is,
/// percent-encoded, escaped as JSON. Values under 6 characters stay.
void mask_secret(std::string& text, const Secret& secret);

} // namespace klio::base
