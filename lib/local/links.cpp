#include "local/links.h"

#include "base/encoding.h"
#include "base/sha256.h"

#include <cstdint>

namespace klio::local {

std::string Links::make(const std::string& task, int index, double expires) const
{
    const std::string path = "/results/" + task + "/" + std::to_string(index + 1) + ".png";
    const std::string until = std::to_string(int64_t(expires));
    return path + "?expires=" + until + "&signature=" + sign(path, until);
}

bool Links::genuine(const std::string& path, const std::string& expires,
                    const std::string& signature) const
{
    return signature == sign(path, expires);
}

std::string Links::sign(const std::string& path, const std::string& expires) const
{
    const base::Digest digest = base::hmac_sha256(m_secret, path + "\n" + expires);
    return base::base64url(digest.data(), digest.size());
}

} // namespace klio::local
