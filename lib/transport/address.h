#pragma once

#include <array>
#include <string>

struct sockaddr;

/// \file
/// Which addresses a foreign URL may lead to.

namespace klio::transport {

/// An IP address as 16 bytes: IPv4 stands as ::ffff:a.b.c.d. Where IPv6 carries an IPv4 address in
/// it (mapped, compatible, 6to4, NAT64), that one is meant by is_public() and is_loopback().
struct Address {
    std::array<unsigned char, 16> bytes {};
};

/// Numeric text, without brackets; an IPv6 zone is ignored.
bool parse_address(const std::string& text, Address& address);
bool from_sockaddr(const sockaddr* address, Address& out);

/// True where the address is globally reachable by the IANA special-purpose registries for IPv4
/// and IPv6 (RFC 6890 and its updates); false for private, shared, loopback, link-local, multicast,
/// documentation, benchmarking, translation and reserved ranges.
bool is_public(const Address& address);
bool is_loopback(const Address& address);

} // namespace klio::transport
