#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

/// \file
/// SHA-256 and HMAC-SHA-256, by libcrypto.

namespace klio::base {

using Digest = std::array<unsigned char, 32>;

/// Incremental SHA-256. Not thread-safe; one object a thread.
class Sha256 {
public:
    Sha256();
    ~Sha256();
    Sha256(Sha256&&) noexcept;
    Sha256& operator=(Sha256&&) noexcept;
    void update(const void* data, size_t size);
    void update(std::string_view text) { update(text.data(), text.size()); }
    /// Ends the computation; the object must not be updated afterwards.
    Digest digest();
    std::string hex_digest();

private:
    struct Impl;
    std::unique_ptr<Impl> m_impl;
};

std::string sha256_hex(const void* data, size_t size);
inline std::string sha256_hex(std::string_view text)
{
    return sha256_hex(text.data(), text.size());
}
/// SHA-256 of a file's bytes, read in pieces. Throws Error(reference) where it can't be read.
std::string sha256_file(const std::string& path);
Digest hmac_sha256(std::string_view key, std::string_view message);

/// `count` bytes from the system's random generator.
std::string random_bytes(size_t count);
/// The same as lower-case hexadecimal, two digits a byte.
std::string random_hex(size_t count);

} // namespace klio::base
