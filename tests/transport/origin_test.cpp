#include "raw_server.h"
#include "transport/http.h"
#include "transport/proxy.h"

#include <gmock/gmock.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>

namespace klio::test {
namespace {

using namespace transport;
using testing::HasSubstr;
using testing::Not;

constexpr const char* secret = "aio_secret_of_the_origin_test";

HttpRequest get(const std::string& url)
{
    HttpRequest request;
    request.url = url;
    request.max_redirects = 3;
    request.secret_headers = {{"Authorization", std::string("Bearer ") + secret}};
    return request;
}

// Says where to go on, for ever.
RawServer::Handler redirect(const std::string& location, int status = 302)
{
    return [=](Connection& connection, int) {
        while (!connection.read_request().empty())
            connection.send("HTTP/1.1 " + std::to_string(status) + " Go\r\nLocation: " + location
                            + "\r\nContent-Length: 4\r\n\r\ngone");
    };
}

struct Log {
    std::mutex mutex;
    std::string text;
    RawServer::Handler answering(const std::string& body = "here")
    {
        return [this, body](Connection& connection, int) {
            for (std::string request; !(request = connection.read_request()).empty();) {
                {
                    const std::lock_guard<std::mutex> lock(mutex);
                    text += request;
                }
                connection.answer(body);
            }
        };
    }
};

// --- addresses ---

TEST(Addresses, LoopbackIsRefusedUnlessAllowed)
{
    Log log;
    RawServer server(log.answering());
    Transport transport;
    HttpRequest request = get(server.url());
    HttpResponse response = transport.perform(request);
    EXPECT_EQ(response.outcome, Outcome::not_sent);
    EXPECT_EQ(response.fault, Fault::blocked_address);
    EXPECT_EQ(server.connections(), 0);

    request.allow_private_hosts = {"127.0.0.1:1"};
    EXPECT_EQ(transport.perform(request).fault, Fault::blocked_address);
    request.allow_private_hosts = {"other.example", "127.0.0.1:" + std::to_string(server.port())};
    EXPECT_TRUE(transport.perform(request).ok());
    request.allow_private_hosts = {"127.0.0.1"};
    EXPECT_TRUE(transport.perform(request).ok());
}

TEST(Addresses, NumericOnesAreRefusedWithoutAConnection)
{
    Transport transport;
    for (const char* url :
         {"https://169.254.169.254/latest/meta-data/", "https://10.0.0.1/", "https://[::1]/",
          "https://[::ffff:169.254.169.254]/", "https://[fe80::1]/", "https://0/",
          "https://2852039166/", "https://0xa9.0xfe.0xa9.0xfe/", "https://192.168.1.1:8443/",
          "https://localhost/", "https://a.localhost/", "https://localhost./"}) {
        const HttpResponse response = transport.perform(get(url));
        EXPECT_EQ(response.outcome, Outcome::not_sent) << url;
        EXPECT_EQ(response.fault, Fault::blocked_address) << url << " " << response.error;
    }
}

TEST(Addresses, ANameThatResolvesToOneIsRefused)
{
    const Certificate certificate = make_certificate({"images.example"});
    const TemporaryFolder folder;
    Log log;
    RawServer server(log.answering(), &certificate);
    TransportOptions options;
    options.cacert = folder.file("ca.pem", certificate.ca_pem);
    Transport transport(options);
    for (const char* address : {"127.0.0.1", "::1", "::ffff:127.0.0.1", "169.254.169.254",
                                "10.1.2.3", "0.0.0.0", "64:ff9b::7f00:1"}) {
        const Name name("images.example", {address});
        HttpRequest request = get("https://images.example:" + std::to_string(server.port()) + "/");
        request.connect_timeout = 2;
        const HttpResponse response = transport.perform(request);
        EXPECT_EQ(response.outcome, Outcome::not_sent) << address;
        EXPECT_EQ(response.fault, Fault::blocked_address) << address << " " << response.error;
    }
    EXPECT_EQ(server.connections(), 0);
}

TEST(Addresses, AConnectionOpenedUnderOtherRulesIsNoWayIn)
{
    const Certificate certificate = make_certificate({"images2.example"});
    const TemporaryFolder folder;
    Log log;
    RawServer server(log.answering(), &certificate);
    TransportOptions options;
    options.cacert = folder.file("ca.pem", certificate.ca_pem);
    Transport transport(options);
    const Name name("images2.example", {"127.0.0.1"});
    HttpRequest request = get("https://images2.example:" + std::to_string(server.port()) + "/");
    request.allow_private = true;
    ASSERT_TRUE(transport.perform(request).ok()); // and the connection stays open
    request.allow_private = false;
    EXPECT_EQ(transport.perform(request).fault, Fault::blocked_address);
    EXPECT_EQ(server.connections(), 1);
}

TEST(Addresses, ClearTextNeverLeavesTheMachine)
{
    // Even a loopback name that someone made to resolve elsewhere.
    const Name name("x.localhost", {"192.0.2.1"});
    Transport transport;
    HttpRequest request = get("http://x.localhost:9/");
    request.allow_private = true;
    request.connect_timeout = 2;
    const HttpResponse response = transport.perform(request);
    EXPECT_EQ(response.outcome, Outcome::not_sent);
    EXPECT_THAT(response.fault, testing::AnyOf(Fault::blocked_address, Fault::connect));
}

// --- redirects ---

TEST(Redirects, AreFollowedWithoutTheKey)
{
    Log log;
    RawServer target(log.answering());
    RawServer server(redirect(target.url("/there")));
    Transport transport;
    HttpRequest request = get(server.url());
    request.allow_private = true;
    request.headers = {{"Accept", "image/png"},
                       {"Authorization", "Basic also-a-secret"},
                       {"cookie", "session=also-a-secret"}};
    const HttpResponse response = transport.perform(request);
    EXPECT_TRUE(response.ok()) << response.error;
    EXPECT_EQ(response.body, "here");
    EXPECT_EQ(response.effective_url, target.url("/there"));
    EXPECT_THAT(log.text, HasSubstr("GET /there"));
    EXPECT_THAT(log.text, HasSubstr("image/png"));
    EXPECT_THAT(log.text, Not(HasSubstr(secret)));
    EXPECT_THAT(log.text, Not(HasSubstr("also-a-secret")));
}

TEST(Redirects, NotEvenWithinTheOriginGoesTheKeyAlong)
{
    Log log;
    RawServer server([&](Connection& connection, int) {
        for (std::string request; !(request = connection.read_request()).empty();) {
            log.text += request.substr(0, request.find('\r'));
            log.text += request.find(secret) == std::string::npos ? " clean;" : " with the key;";
            if (request.find("/second") == std::string::npos)
                connection.send(
                    "HTTP/1.1 307 Go\r\nLocation: /second\r\nContent-Length: 0\r\n\r\n");
            else
                connection.answer("x");
        }
    });
    Transport transport;
    HttpRequest request = get(server.url("/first"));
    request.allow_private = true;
    EXPECT_TRUE(transport.perform(request).ok());
    EXPECT_EQ(log.text, "GET /first HTTP/1.1 with the key;GET /second HTTP/1.1 clean;");
}

TEST(Redirects, ToOtherSchemesAreRefused)
{
    for (const char* location : {"file:///etc/passwd", "ftp://127.0.0.1/", "gopher://127.0.0.1/",
                                 "http://example.com/", "javascript:1", "http://[", ""}) {
        RawServer server(redirect(location));
        Transport transport;
        HttpRequest request = get(server.url());
        request.allow_private = true;
        const HttpResponse response = transport.perform(request);
        if (*location) {
            EXPECT_EQ(response.fault, Fault::bad_redirect) << location;
            EXPECT_FALSE(response.ok()) << location;
        } else {
            EXPECT_EQ(response.status, 302); // leads nowhere: is what it is
        }
    }
}

TEST(Redirects, FromHttpsToHttpAreRefused)
{
    Log log;
    RawServer target(log.answering());
    const Certificate certificate = make_certificate({"IP:127.0.0.1"});
    const TemporaryFolder folder;
    RawServer server(redirect(target.url()), &certificate);
    TransportOptions options;
    options.cacert = folder.file("ca.pem", certificate.ca_pem);
    Transport transport(options);
    HttpRequest request = get(server.url());
    request.allow_private = true;
    EXPECT_EQ(transport.perform(request).fault, Fault::bad_redirect);
    EXPECT_EQ(target.connections(), 0);
}

TEST(Redirects, ToAPrivateAddressAreRefused)
{
    Log log;
    RawServer target(log.answering());
    RawServer server(redirect("http://127.0.0.2:" + std::to_string(target.port()) + "/"));
    Transport transport;
    HttpRequest request = get(server.url());
    request.allow_private_hosts = {"127.0.0.1"};
    const HttpResponse response = transport.perform(request);
    EXPECT_EQ(response.fault, Fault::blocked_address) << response.error;
    EXPECT_FALSE(response.ok());
}

TEST(Redirects, EndAfterThree)
{
    for (const int hops : {3, 4}) {
        RawServer server([&](Connection& connection, int) {
            for (std::string request; !(request = connection.read_request()).empty();) {
                const int at = std::atoi(request.c_str() + 5);
                if (at == hops)
                    connection.answer("arrived");
                else
                    connection.send("HTTP/1.1 302 Go\r\nLocation: /" + std::to_string(at + 1)
                                    + "\r\nContent-Length: 0\r\n\r\n");
            }
        });
        Transport transport;
        HttpRequest request = get(server.url("/0"));
        request.allow_private = true;
        const HttpResponse response = transport.perform(request);
        if (hops == 3)
            EXPECT_EQ(response.body, "arrived");
        else
            EXPECT_EQ(response.fault, Fault::bad_redirect);
    }
}

TEST(Redirects, OfAPostAreItsAnswer)
{
    Log log;
    RawServer target(log.answering());
    for (const int status : {301, 302, 303, 307, 308}) {
        RawServer server(redirect(target.url(), status));
        Transport transport;
        HttpRequest request = get(server.url());
        request.method = "POST";
        request.body = "{}";
        request.allow_private = true;
        const HttpResponse response = transport.perform(request);
        EXPECT_EQ(response.outcome, Outcome::answered);
        EXPECT_EQ(response.status, status);
    }
    EXPECT_EQ(target.connections(), 0);
}

// --- certificates ---

HttpResponse get_with(const Certificate& certificate, const std::string& ca_pem,
                      const std::string& host)
{
    const TemporaryFolder folder;
    Log log;
    RawServer server(log.answering(), &certificate);
    TransportOptions options;
    if (!ca_pem.empty())
        options.cacert = folder.file("ca.pem", ca_pem);
    Transport transport(options);
    const Name name("good.example", {"127.0.0.1"});
    HttpRequest request = get("https://" + host + ":" + std::to_string(server.port()) + "/");
    request.allow_private = true;
    const HttpResponse response = transport.perform(request);
    EXPECT_THAT(response.error, Not(HasSubstr(secret)));
    if (!response.ok()) {
        EXPECT_EQ(log.text, "");
        EXPECT_EQ(response.outcome, Outcome::not_sent);
        EXPECT_EQ(response.fault, Fault::tls) << response.error;
    }
    return response;
}

TEST(Certificates, AGoodOneIsTaken)
{
    const Certificate certificate = make_certificate({"good.example"});
    EXPECT_TRUE(get_with(certificate, certificate.ca_pem, "good.example").ok());
}

TEST(Certificates, ForAnotherHostAreRefused)
{
    const Certificate certificate = make_certificate({"other.example", "*.good.example"});
    EXPECT_FALSE(get_with(certificate, certificate.ca_pem, "good.example").ok());
    EXPECT_FALSE(get_with(certificate, certificate.ca_pem, "127.0.0.1").ok());
}

TEST(Certificates, ExpiredAreRefused)
{
    const Certificate certificate = make_certificate({"good.example"}, -1);
    const HttpResponse response = get_with(certificate, certificate.ca_pem, "good.example");
    EXPECT_FALSE(response.ok());
    EXPECT_THAT(response.error, HasSubstr("expired"));
}

TEST(Certificates, OfUnknownIssuersAreRefused)
{
    const Certificate certificate = make_certificate({"good.example"});
    EXPECT_FALSE(get_with(certificate, "", "good.example").ok()); // the system's
    EXPECT_FALSE(get_with(certificate, make_certificate({"x"}).ca_pem, "good.example").ok());
}

// --- proxies ---

class Proxies : public testing::Test {
protected:
    static void clear()
    {
        for (const char* name : {"http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy",
                                 "ALL_PROXY", "no_proxy", "NO_PROXY"})
            unsetenv(name);
    }
    void SetUp() override { clear(); }
    void TearDown() override { clear(); }
    static std::string proxy_of(const std::string& text)
    {
        Url url;
        EXPECT_TRUE(parse_url(text, url)) << text;
        return proxy_for(url);
    }
};

TEST_F(Proxies, AreTakenFromTheEnvironmentAsCurlDoes)
{
    EXPECT_EQ(proxy_of("https://a.example/"), "");
    setenv("ALL_PROXY", "http://all:1", 1);
    EXPECT_EQ(proxy_of("https://a.example/"), "http://all:1");
    setenv("HTTPS_PROXY", "http://upper:1", 1);
    EXPECT_EQ(proxy_of("https://a.example/"), "http://upper:1");
    setenv("https_proxy", "http://lower:1", 1);
    EXPECT_EQ(proxy_of("https://a.example/"), "http://lower:1");
    setenv("no_proxy", "b.example,.c.example 10.0.0.0/8", 1);
    EXPECT_EQ(proxy_of("https://a.example/"), "http://lower:1");
    EXPECT_EQ(proxy_of("https://b.example/"), "");
    EXPECT_EQ(proxy_of("https://x.b.example/"), "");
    EXPECT_EQ(proxy_of("https://ab.example/"), "http://lower:1");
    EXPECT_EQ(proxy_of("https://c.example/"), "");
    EXPECT_EQ(proxy_of("https://10.2.3.4/"), "");
    EXPECT_EQ(proxy_of("https://11.2.3.4/"), "http://lower:1");
    setenv("no_proxy", "*", 1);
    EXPECT_EQ(proxy_of("https://a.example/"), "");
}

TEST_F(Proxies, NeverSeeLoopback)
{
    setenv("http_proxy", "http://127.0.0.1:9", 1);
    setenv("all_proxy", "http://127.0.0.1:9", 1);
    EXPECT_EQ(proxy_of("http://127.0.0.1:8080/"), "");
    EXPECT_EQ(proxy_of("https://localhost/"), "");
    Log log;
    RawServer server(log.answering());
    Transport transport;
    HttpRequest request = get(server.url());
    request.allow_private = true;
    EXPECT_TRUE(transport.perform(request).ok());
}

TEST_F(Proxies, NoProxyListsTakeOddEntries)
{
    EXPECT_TRUE(named_in_no_proxy("[fe80::]/10, fd00::/8", "fd12::1"));
    EXPECT_TRUE(named_in_no_proxy("1.2.3.4", "1.2.3.4"));
    EXPECT_FALSE(named_in_no_proxy("1.2.3.4/33,1.2.3.4/x,1.2.3.4/", "1.2.3.4"));
    EXPECT_FALSE(named_in_no_proxy("", "a.example"));
    EXPECT_FALSE(named_in_no_proxy(", ,.", "a.example"));
    EXPECT_TRUE(named_in_no_proxy("A.Example.", "a.example"));
}

TEST_F(Proxies, TunnelAndNeverSeeTheKey)
{
    const Certificate certificate = make_certificate({"far.example"});
    const TemporaryFolder folder;
    Log log;
    RawServer target(log.answering("through"), &certificate);
    std::string seen;
    RawServer proxy([&](Connection& connection, int) {
        const std::string head = connection.read_head();
        seen += head;
        if (head.find("far.example") == std::string::npos) {
            connection.send("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n");
            return;
        }
        // Bytes both ways, until one end closes.
        const int other = socket(AF_INET, SOCK_STREAM, 0);
        sockaddr_in address {};
        address.sin_family = AF_INET;
        address.sin_port = htons(uint16_t(target.port()));
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        ASSERT_EQ(connect(other, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
        connection.send("HTTP/1.1 200 Connection established\r\n\r\n");
        std::thread back([&] {
            char buffer[4096];
            for (long got; (got = recv(other, buffer, sizeof buffer, 0)) > 0;) {
                seen.append(buffer, size_t(got));
                connection.send(std::string(buffer, size_t(got)));
            }
        });
        for (std::string some; !(some = connection.read_some()).empty();)
            send(other, some.data(), some.size(), MSG_NOSIGNAL);
        shutdown(other, SHUT_RDWR);
        back.join();
        close(other);
    });
    setenv("https_proxy", proxy.url("").c_str(), 1);
    {
        TransportOptions options;
        options.cacert = folder.file("ca.pem", certificate.ca_pem);
        Transport transport(options);
        // The name is the proxy's to resolve; here it has no address at all.
        HttpResponse response = transport.perform(get("https://far.example/x"));
        EXPECT_TRUE(response.ok()) << response.error;
        EXPECT_EQ(response.body, "through");
        EXPECT_THAT(log.text, HasSubstr(secret));
        EXPECT_THAT(seen, HasSubstr("CONNECT far.example:443"));
        EXPECT_THAT(seen, Not(HasSubstr(secret)));

        response = transport.perform(get("https://forbidden.example/"));
        EXPECT_EQ(response.outcome, Outcome::not_sent);
        // What the URL says by itself is checked all the same.
        EXPECT_EQ(transport.perform(get("https://10.0.0.1/")).fault, Fault::blocked_address);
    }
}

} // namespace
} // namespace klio::test
