#include "base/sha256.h"

#include "base/encoding.h"

#include <klio/error.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <vector>

namespace klio::base {

struct Sha256::Impl {
    EVP_MD_CTX* context = EVP_MD_CTX_new();
    ~Impl() { EVP_MD_CTX_free(context); }
};

Sha256::Sha256() : m_impl(std::make_unique<Impl>())
{
    if (!m_impl->context || EVP_DigestInit_ex(m_impl->context, EVP_sha256(), nullptr) != 1)
        throw Error(ErrorKind::internal, "libcrypto can't compute SHA-256 on this machine");
}

Sha256::~Sha256() = default;
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;

void Sha256::update(const void* data, size_t size)
{
    EVP_DigestUpdate(m_impl->context, data, size);
}

Digest Sha256::digest()
{
    Digest result;
    EVP_DigestFinal_ex(m_impl->context, result.data(), nullptr);
    return result;
}

std::string Sha256::hex_digest()
{
    const Digest result = digest();
    return hex(result.data(), result.size());
}

std::string sha256_hex(const void* data, size_t size)
{
    Sha256 hash;
    hash.update(data, size);
    return hash.hex_digest();
}

std::string sha256_file(const std::string& path)
{
    std::FILE* file = std::fopen(path.c_str(), "rbe");
    if (!file)
        throw ReferenceError(path + ": can't be read (" + std::strerror(errno) + ")");
    Sha256 hash;
    std::vector<char> buffer(1 << 20);
    size_t got = 0;
    while ((got = std::fread(buffer.data(), 1, buffer.size(), file)) > 0)
        hash.update(buffer.data(), got);
    const bool failed = std::ferror(file) != 0;
    const int reason = errno;
    std::fclose(file);
    if (failed)
        throw ReferenceError(path + ": can't be read (" + std::strerror(reason) + ")");
    return hash.hex_digest();
}

Digest hmac_sha256(std::string_view key, std::string_view message)
{
    Digest result;
    unsigned size = 0;
    HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
         reinterpret_cast<const unsigned char*>(message.data()), message.size(), result.data(),
         &size);
    return result;
}

std::string random_bytes(size_t count)
{
    std::string bytes(count, '\0');
    if (RAND_bytes(reinterpret_cast<unsigned char*>(bytes.data()), static_cast<int>(count)) != 1)
        throw Error(ErrorKind::internal, "the system gives no random numbers");
    return bytes;
}

std::string random_hex(size_t count)
{
    const std::string bytes = random_bytes(count);
    return hex(bytes.data(), bytes.size());
}

} // namespace klio::base
