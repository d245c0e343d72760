#include "raw_server.h"
#include "transport/http.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gmock/gmock.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

namespace klio::test {
namespace {

using namespace transport;

// nginx with HTTP/2, from its configuration to its end.
class Nginx {
public:
    explicit Nginx(const Certificate& certificate)
    {
        const int probe = socket(AF_INET, SOCK_STREAM, 0);
        sockaddr_in address {};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof address;
        bind(probe, reinterpret_cast<sockaddr*>(&address), size);
        getsockname(probe, reinterpret_cast<sockaddr*>(&address), &size);
        close(probe);
        port = ntohs(address.sin_port);
        folder.file("cert.pem", certificate.cert_pem);
        folder.file("key.pem", certificate.key_pem);
        ca = folder.file("ca.pem", certificate.ca_pem);
        const std::string conf = folder.file(
            "nginx.conf",
            R"(
pid nginx.pid; error_log error.log; daemon off; master_process off; worker_processes 1;
events { worker_connections 64; }
http {
  log_format klio '$connection $server_protocol $request_method'; access_log access.log klio;
  client_body_temp_path b; proxy_temp_path p; fastcgi_temp_path f; uwsgi_temp_path u; scgi_temp_path s;
  server {
    listen 127.0.0.1:)"
                + std::to_string(port)
                + R"( ssl http2; ssl_certificate cert.pem; ssl_certificate_key key.pem;
    location / { return 200 "hello"; }
  }
})");
        process = fork();
        if (process == 0) {
            execl("/usr/sbin/nginx", "nginx", "-p", folder.path.c_str(), "-c", conf.c_str(), "-e",
                  "stderr.log", static_cast<char*>(nullptr));
            _exit(127);
        }
        for (;;) {
            const int s = socket(AF_INET, SOCK_STREAM, 0);
            const bool up = connect(s, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
            close(s);
            if (up || waitpid(process, nullptr, WNOHANG) != 0)
                break;
            std::this_thread::yield();
        }
    }
    ~Nginx() { stop(); }
    void stop()
    {
        if (process > 0) {
            kill(process, SIGTERM);
            waitpid(process, nullptr, 0);
        }
        process = 0;
    }
    std::vector<std::string> log() const
    {
        std::ifstream file(folder.path + "/access.log");
        std::vector<std::string> lines;
        for (std::string line; std::getline(file, line);)
            lines.push_back(line);
        return lines;
    }

    TemporaryFolder folder;
    std::string ca;
    int port = 0;
    pid_t process = 0;
};

TEST(Http2, TransfersShareOneConnectionAndAPostHasItsOwn)
{
    if (!std::filesystem::exists("/usr/sbin/nginx"))
        GTEST_SKIP() << "nginx is not installed, and nothing else here speaks HTTP/2";
    Nginx nginx(make_certificate({"IP:127.0.0.1"}));
    const std::string url = "https://127.0.0.1:" + std::to_string(nginx.port) + "/";
    TransportOptions options;
    options.cacert = nginx.ca;
    {
        Transport transport(options);
        HttpRequest request;
        request.url = url;
        request.allow_private = true;
        std::vector<std::future<HttpResponse>> all;
        for (int i = 0; i < 20; ++i)
            all.push_back(transport.start(request));
        for (auto& one : all) {
            const HttpResponse response = one.get();
            EXPECT_EQ(response.body, "hello") << response.error;
        }
        // nginx answers this one without reading its body.
        request.method = "POST";
        request.body = std::string(8u << 20, 'x');
        const HttpResponse posted = transport.perform(request);
        EXPECT_EQ(posted.outcome, Outcome::answered) << posted.error;
        EXPECT_EQ(posted.status, 413);
        request.method = "GET";
        request.body.clear();
        EXPECT_TRUE(transport.perform(request).ok()); // on the first connection
    }
    nginx.stop();
    std::set<std::string> of_gets, of_posts;
    for (const std::string& line : nginx.log()) {
        std::istringstream words(line);
        std::string connection, protocol, method;
        words >> connection >> protocol >> method;
        EXPECT_EQ(protocol, method == "GET" ? "HTTP/2.0" : "HTTP/1.1");
        (method == "GET" ? of_gets : of_posts).insert(connection);
    }
    EXPECT_EQ(of_gets.size(), 1u);
    EXPECT_EQ(of_posts.size(), 1u);
    EXPECT_NE(of_gets, of_posts);
}

} // namespace
} // namespace klio::test
