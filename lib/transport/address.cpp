#include "transport/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdint>
#include <cstring>

namespace klio::transport {

namespace {

struct Block4 {
    uint32_t prefix;
    int bits;
};

// Not globally reachable: https://www.iana.org/assignments/iana-ipv4-special-registry, and
// multicast.
constexpr Block4 special4[] = {
    {0x00000000, 8},  // this network
    {0x0A000000, 8},  // private
    {0x64400000, 10}, // shared, carrier NAT
    {0x7F000000, 8},  // loopback
    {0xA9FE0000, 16}, // link-local, cloud metadata among them
    {0xAC100000, 12}, // private
    {0xC0000000, 24}, // protocol assignments
    {0xC0000200, 24}, // documentation
    {0xC0586300, 24}, // 6to4 relays
    {0xC0A80000, 16}, // private
    {0xC6120000, 15}, // benchmarking
    {0xC6336400, 24}, // documentation
    {0xCB007100, 24}, // documentation
    {0xE0000000, 4},  // multicast
    {0xF0000000, 4},  // reserved, broadcast
};

struct Block6 {
    unsigned char prefix[6];
    int bits;
};

// Inside 2000::/3, which is all that is handed out: what of it is not globally reachable.
// https://www.iana.org/assignments/iana-ipv6-special-registry
constexpr Block6 special6[] = {
    {{0x20, 0x01, 0x00}, 23},       // protocol assignments, Teredo among them
    {{0x20, 0x01, 0x0d, 0xb8}, 32}, // documentation
    {{0x3f, 0xff, 0x00}, 20},       // documentation
};

bool inside(const unsigned char* bytes, const unsigned char* prefix, int bits)
{
    const int whole = bits / 8;
    if (std::memcmp(bytes, prefix, size_t(whole)) != 0)
        return false;
    const int rest = bits % 8;
    const unsigned mask = rest ? (0xFFu << (8 - rest)) & 0xFFu : 0;
    return (bytes[whole] & mask) == (prefix[whole] & mask);
}

uint32_t word(const unsigned char* bytes)
{
    return uint32_t(bytes[0]) << 24 | uint32_t(bytes[1]) << 16 | uint32_t(bytes[2]) << 8 | bytes[3];
}

// The IPv4 address that packets to this IPv6 address end up at, where there is one.
bool embedded4(const Address& address, uint32_t& out)
{
    const unsigned char* b = address.bytes.data();
    static constexpr unsigned char zero[12] = {};
    static constexpr unsigned char mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};
    static constexpr unsigned char nat64[12] = {0, 0x64, 0xFF, 0x9B};
    if (std::memcmp(b, mapped, 12) == 0 || std::memcmp(b, nat64, 12) == 0) {
        out = word(b + 12);
        return true;
    }
    if (std::memcmp(b, zero, 12) == 0 && word(b + 12) > 1) {
        out = word(b + 12);
        return true;
    }
    if (b[0] == 0x20 && b[1] == 0x02) {
        out = word(b + 2);
        return true;
    }
    return false;
}

bool is_public4(uint32_t address)
{
    for (const Block4& block : special4)
        if ((address ^ block.prefix) >> (32 - block.bits) == 0)
            return false;
    return true;
}

void set4(Address& address, const void* four)
{
    address.bytes.fill(0);
    address.bytes[10] = address.bytes[11] = 0xFF;
    std::memcpy(&address.bytes[12], four, 4);
}

} // namespace

bool parse_address(const std::string& text, Address& address)
{
    in_addr v4 {};
    if (inet_pton(AF_INET, text.c_str(), &v4) == 1) {
        set4(address, &v4);
        return true;
    }
    in6_addr v6 {};
    if (inet_pton(AF_INET6, text.substr(0, text.find('%')).c_str(), &v6) != 1)
        return false;
    std::memcpy(address.bytes.data(), &v6, 16);
    return true;
}

bool from_sockaddr(const sockaddr* in, Address& address)
{
    if (in->sa_family == AF_INET) {
        sockaddr_in v4 {};
        std::memcpy(&v4, in, sizeof v4);
        set4(address, &v4.sin_addr);
        return true;
    }
    if (in->sa_family == AF_INET6) {
        sockaddr_in6 v6 {};
        std::memcpy(&v6, in, sizeof v6);
        std::memcpy(address.bytes.data(), &v6.sin6_addr, 16);
        return true;
    }
    return false;
}

bool is_public(const Address& address)
{
    uint32_t v4 = 0;
    if (embedded4(address, v4))
        return is_public4(v4);
    const unsigned char* b = address.bytes.data();
    if ((b[0] & 0xE0) != 0x20)
        return false;
    for (const Block6& block : special6)
        if (inside(b, block.prefix, block.bits))
            return false;
    return true;
}

bool is_loopback(const Address& address)
{
    uint32_t v4 = 0;
    if (embedded4(address, v4))
        return v4 >> 24 == 127;
    static constexpr unsigned char one[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
    return std::memcmp(address.bytes.data(), one, 16) == 0;
}

} // namespace klio::transport
