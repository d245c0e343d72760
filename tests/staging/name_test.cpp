#include "staging/name.h"

#include "base/sha256.h"

#include <gtest/gtest.h>

using namespace klio;
using staging::Object;
using staging::object_name;

namespace {

Object object(const std::string& bytes, const std::string& type = "image/jpeg")
{
    return {bytes, type, base::sha256_hex(bytes)};
}

} // namespace

TEST(ObjectName, DependsOnBytesAndSecretAlone)
{
    const std::string a(32, 'a'), b(32, 'b');
    EXPECT_EQ(object_name(object("plate"), a), object_name(object("plate"), a));
    EXPECT_NE(object_name(object("plate"), a), object_name(object("other"), a));
    EXPECT_NE(object_name(object("plate"), a), object_name(object("plate"), b));
    EXPECT_EQ(object_name(object("plate"), a).substr(64), ".jpg");
    EXPECT_EQ(object_name(object("plate", "image/png"), a).substr(64), ".png");
}

TEST(ObjectName, CantBeToldFromThePicture)
{
    const Object plate = object("plate");
    EXPECT_EQ(object_name(plate, "key").find(plate.sha256), std::string::npos);
    // HMAC-SHA-256 (RFC 2104) of the hexadecimal digest, by another implementation:
    // printf %s $(sha256sum </dev/null | cut -d' ' -f1) | openssl dgst -sha256 -hmac key
    EXPECT_EQ(object_name(object(""), "key"),
              "75c040996f4e27689c78dd0babecd142b4bb61e78d505d6adcbafab971065dfb.jpg");
}
