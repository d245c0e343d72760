#include "transport/address.h"

#include "transport/url.h"

#include <gtest/gtest.h>

namespace klio::test {
namespace {

using namespace transport;

bool open_to_the_world(const char* text)
{
    Address address;
    EXPECT_TRUE(parse_address(text, address)) << text;
    return is_public(address);
}

TEST(Address, RefusesWhatIsNotGloballyReachable)
{
    for (const char* text : {"0.0.0.0",
                             "0.1.2.3",
                             "10.0.0.1",
                             "10.255.255.255",
                             "100.64.0.1",
                             "100.127.255.255",
                             "127.0.0.1",
                             "127.255.255.254",
                             "169.254.169.254",
                             "172.16.0.1",
                             "172.31.255.255",
                             "192.0.0.8",
                             "192.0.2.1",
                             "192.88.99.1",
                             "192.168.0.1",
                             "198.18.0.1",
                             "198.19.255.255",
                             "198.51.100.7",
                             "203.0.113.7",
                             "224.0.0.1",
                             "239.255.255.250",
                             "240.0.0.1",
                             "255.255.255.255",
                             "::",
                             "::1",
                             "::127.0.0.1",
                             "::ffff:127.0.0.1",
                             "::ffff:169.254.169.254",
                             "::ffff:10.0.0.1",
                             "64:ff9b::10.0.0.1",
                             "64:ff9b::127.0.0.1",
                             "64:ff9b:1::1",
                             "100::1",
                             "2001::1",
                             "2001:10::1",
                             "2001:db8::1",
                             "2002:7f00:1::",
                             "2002:a9fe:a9fe::1",
                             "2002:c0a8:101::",
                             "3fff::1",
                             "5f00::1",
                             "fc00::1",
                             "fd12::1",
                             "fe80::1",
                             "fe80::1%eth0",
                             "fec0::1",
                             "ff02::1"})
        EXPECT_FALSE(open_to_the_world(text)) << text;
}

TEST(Address, LetsThePublicPass)
{
    for (const char* text :
         {"1.1.1.1",          "8.8.8.8",         "9.255.255.255",       "11.0.0.0",
          "100.63.255.255",   "100.128.0.0",     "126.255.255.255",     "128.0.0.0",
          "169.253.255.255",  "169.255.0.0",     "172.15.255.255",      "172.32.0.0",
          "192.167.255.255",  "192.169.0.0",     "198.17.255.255",      "198.20.0.0",
          "223.255.255.255",  "2606:4700::1111", "2a00:1450:4001::1",   "::ffff:8.8.8.8",
          "64:ff9b::8.8.8.8", "2002:808:808::1", "2001:4860:4860::8888"})
        EXPECT_TRUE(open_to_the_world(text)) << text;
}

TEST(Address, KnowsLoopback)
{
    for (const char* host :
         {"localhost", "x.localhost", "127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"})
        EXPECT_TRUE(is_loopback_host(host)) << host;
    for (const char* host :
         {"localhost.example.com", "notlocalhost", "128.0.0.1", "::2", "10.0.0.1", ""})
        EXPECT_FALSE(is_loopback_host(host)) << host;
}

TEST(Url, IsTakenApartAsItIsConnectedTo)
{
    Url url;
    ASSERT_TRUE(parse_url("HTTPS://Example.COM/a/../b?q=1#part", url));
    EXPECT_EQ(url.scheme, "https");
    EXPECT_EQ(url.host, "example.com");
    EXPECT_EQ(url.port, 443);
    EXPECT_EQ(url.path, "/b");
    EXPECT_EQ(url.origin(), "https://example.com:443");
    EXPECT_EQ(url.text.find('#'), std::string::npos);
    ASSERT_TRUE(parse_url("https://[::1]:8443/x", url));
    EXPECT_EQ(url.host, "::1");
    EXPECT_EQ(url.origin(), "https://[::1]:8443");
    ASSERT_TRUE(parse_url("https://example.com./", url));
    EXPECT_EQ(url.host, "example.com");
}

TEST(Url, SeesThroughDisguises)
{
    Url url;
    for (const char* text : {"http://2130706433/", "http://0x7f.1/", "http://127.1/",
                             "http://0177.0.0.1/", "http://example.com@127.0.0.1/"}) {
        ASSERT_TRUE(parse_url(text, url)) << text;
        EXPECT_EQ(url.host, "127.0.0.1") << text;
    }
    EXPECT_FALSE(parse_url("", url));
    EXPECT_FALSE(parse_url("not a url", url));
    EXPECT_FALSE(parse_url("/relative", url));
    // Letters and digits that become ASCII, an address or "localhost", after all checks.
    for (const char* host : {"127。0。0。1", "１２７.０.０.１", "localhost。", "ⓛocalhost",
                             "bücher.example", "%E2%93%9Bocalhost"})
        EXPECT_FALSE(parse_url(std::string("https://") + host + "/x", url)) << host;
    EXPECT_TRUE(parse_url("https://xn--bcher-kva.example/x", url));
    EXPECT_FALSE(parse_url(std::string("https://a.example\0.b.example/", 29), url));
}

TEST(Url, FollowsALocation)
{
    Url base, next;
    ASSERT_TRUE(parse_url("https://a.example/x/y?z=1", base));
    ASSERT_TRUE(resolve_url(base, "/other", next));
    EXPECT_EQ(next.text, "https://a.example/other");
    ASSERT_TRUE(resolve_url(base, "z.png", next));
    EXPECT_EQ(next.text, "https://a.example/x/z.png");
    ASSERT_TRUE(resolve_url(base, "//b.example/q", next));
    EXPECT_EQ(next.origin(), "https://b.example:443");
    ASSERT_TRUE(resolve_url(base, "http://c.example/", next));
    EXPECT_EQ(next.scheme, "http");
}

} // namespace
} // namespace klio::test
