#include "staging/name.h"

#include "base/encoding.h"
#include "base/sha256.h"

namespace klio::staging {

std::string object_name(const Object& object, const std::string& secret)
{
    const base::Digest digest = base::hmac_sha256(secret, object.sha256);
    return base::hex(digest.data(), digest.size())
        + (object.media_type == "image/png" ? ".png" : ".jpg");
}

} // namespace klio::staging
