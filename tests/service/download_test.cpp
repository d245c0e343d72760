#include "service_server.h"

#include "base/encoding.h"

#include <gmock/gmock.h>

#include <atomic>
#include <future>
#include <map>

namespace klio::test {
namespace {

using service::Download;
using service::ResultImage;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

ResultImage image_at(const std::string& url)
{
    ResultImage image;
    image.url = url;
    return image;
}

// A host of result images: each path has scripted answers, the last one for ever.
struct ResultHost {
    using Answer = std::function<void(const httplib::Request&, httplib::Response&)>;
    std::map<std::string, std::vector<Answer>> answers;
    ServiceServer server;
    std::mutex mutex;
    std::vector<httplib::Request> requests;

    ResultHost()
    {
        server.server.Get(R"(/(files|api/files)/.*)",
                          [this](const httplib::Request& request, httplib::Response& response) {
                              Answer answer;
                              {
                                  const std::lock_guard<std::mutex> lock(mutex);
                                  const auto& list = answers[request.path];
                                  size_t seen = 0;
                                  for (const auto& earlier : requests)
                                      seen += earlier.path == request.path ? 1 : 0;
                                  requests.push_back(request);
                                  answer = list[std::min(seen, list.size() - 1)];
                              }
                              answer(request, response);
                          });
    }
    ~ResultHost() { server.stop(); }
    std::string url(const std::string& path) const { return server.endpoint() + path; }
    static Answer bytes(const std::string& body, const std::string& type = "image/png")
    {
        return [=](const httplib::Request&, httplib::Response& response) {
            response.set_content(body, type.c_str());
        };
    }
    static Answer status(int code, const httplib::Headers& headers = {})
    {
        return [=](const httplib::Request&, httplib::Response& response) {
            response.status = code;
            for (const auto& [name, value] : headers)
                response.set_header(name.c_str(), value.c_str());
        };
    }
    // Promises all of `body`, and breaks the connection after `sent` bytes.
    static Answer broken(const std::string& body, size_t sent, const std::string& etag)
    {
        return [=](const httplib::Request&, httplib::Response& response) {
            if (!etag.empty())
                response.set_header("ETag", etag.c_str());
            response.set_content_provider(body.size(), "image/png",
                                          [=](size_t at, size_t, httplib::DataSink& sink) {
                                              if (at >= sent)
                                                  return false;
                                              sink.write(body.data() + at, sent - at);
                                              return true;
                                          });
        };
    }
};

std::vector<Download> fetch(ResultHost& host, TestClient& one,
                            const std::vector<std::string>& paths)
{
    std::vector<ResultImage> images;
    for (const std::string& path : paths)
        images.push_back(image_at(host.url(path)));
    return one.client.download(images, one.soon, one.cancel);
}

TEST(DownloadImages, AllAtOnceEachHandedOverAsItArrives)
{
    ResultHost host;
    std::atomic<int> inside {0};
    std::promise<void> all_here;
    auto everyone = all_here.get_future().share();
    std::vector<std::string> paths;
    for (int i = 0; i < 5; ++i) {
        paths.push_back("/files/" + std::to_string(i));
        // No image is given before all are asked for: only a parallel client gets any.
        host.answers[paths.back()] = {[&, i](const auto&, httplib::Response& response) {
            if (++inside == 5)
                all_here.set_value();
            everyone.wait();
            response.set_content(png_like(1000 + size_t(i)), "image/png");
        }};
    }
    TestClient one(host.server.endpoint());
    std::vector<ResultImage> images;
    for (const std::string& path : paths)
        images.push_back(image_at(host.url(path)));
    std::vector<int> order;
    const std::thread::id me = std::this_thread::get_id();
    const auto downloads
        = one.client.download(images, one.soon, one.cancel, [&](Download& download) {
              EXPECT_EQ(std::this_thread::get_id(), me);
              order.push_back(download.index);
          });
    ASSERT_EQ(downloads.size(), 5u);
    EXPECT_THAT(order, testing::UnorderedElementsAre(0, 1, 2, 3, 4));
    for (int i = 0; i < 5; ++i) {
        EXPECT_EQ(downloads[size_t(i)].index, i);
        EXPECT_EQ(downloads[size_t(i)].bytes, png_like(1000 + size_t(i)));
    }
    host.server.stop();
}

TEST(DownloadImages, ManyMoreThanAskedForAreAllFetched)
{
    ResultHost host;
    std::vector<std::string> paths;
    for (int i = 0; i < 40; ++i) {
        paths.push_back("/files/" + std::to_string(i));
        host.answers[paths.back()] = {ResultHost::bytes(png_like(100 + size_t(i)))};
    }
    TestClient one(host.server.endpoint());
    for (const Download& download : fetch(host, one, paths))
        EXPECT_EQ(download.bytes.size(), 100u + size_t(download.index));
}

TEST(DownloadImages, NoneIsNone)
{
    ResultHost host;
    TestClient one(host.server.endpoint());
    EXPECT_THAT(fetch(host, one, {}), IsEmpty());
}

TEST(DownloadImages, AreRepeatedThroughWhatPasses)
{
    ResultHost host;
    for (const int status : {408, 425, 429, 500, 502, 503, 504, 520}) {
        const std::string path = "/files/" + std::to_string(status);
        host.answers[path] = {ResultHost::status(status), ResultHost::bytes(png_like(500))};
        TestClient one(host.server.endpoint());
        EXPECT_TRUE(fetch(host, one, {path})[0].ok()) << status;
        EXPECT_THAT(one.clock.sleeps(), ElementsAre(1)) << status;
    }
    host.answers["/files/after"]
        = {ResultHost::status(503, {{"Retry-After", "44"}}), ResultHost::bytes(png_like(500))};
    TestClient one(host.server.endpoint());
    EXPECT_TRUE(fetch(host, one, {"/files/after"})[0].ok());
    EXPECT_THAT(one.clock.sleeps(), ElementsAre(44));
}

TEST(DownloadImages, WhatIsGoneIsSaidToBeGone)
{
    ResultHost host;
    for (const int status : {403, 404, 410}) {
        const std::string path = "/files/" + std::to_string(status);
        host.answers[path] = {ResultHost::status(status)};
        TestClient one(host.server.endpoint());
        const Download download = fetch(host, one, {path + "?sig=topsecretsignature"})[0];
        EXPECT_TRUE(download.gone) << status;
        EXPECT_FALSE(download.ok());
        EXPECT_EQ(download.failure.kind, ErrorKind::damaged) << status;
        EXPECT_THAT(download.failure.message, Not(HasSubstr("topsecret")));
        EXPECT_THAT(one.clock.sleeps(), IsEmpty());
    }
    host.answers["/files/400"] = {ResultHost::status(400)};
    TestClient one(host.server.endpoint());
    EXPECT_FALSE(fetch(host, one, {"/files/400"})[0].gone);
}

TEST(DownloadImages, ResumeByRangeWhereTheyBrokeOff)
{
    ResultHost host;
    const std::string whole = png_like(100000, 'z');
    host.answers["/files/1"] = {ResultHost::broken(whole, 60000, "\"v1\""),
                                [&](const httplib::Request& request, httplib::Response& response) {
                                    EXPECT_EQ(request.get_header_value("Range"), "bytes=60000-");
                                    EXPECT_EQ(request.get_header_value("If-Range"), "\"v1\"");
                                    response.set_header("ETag", "\"v1\"");
                                    // The server cuts the range out by itself.
                                    response.set_content(whole, "image/png");
                                }};
    TestClient one(host.server.endpoint());
    const Download download = fetch(host, one, {"/files/1"})[0];
    EXPECT_TRUE(download.bytes == whole) << download.failure.message;
    EXPECT_EQ(host.requests.size(), 2u);
    host.server.stop();
}

TEST(DownloadImages, StartOverWhereTheServerCanNotResume)
{
    const std::string whole = png_like(100000, 'z');
    const std::string other = png_like(90000, 'y');
    const auto answer = [](int status, const std::string& range, const std::string& body) {
        return [=](const httplib::Request& request, httplib::Response& response) {
            // Else the server library would cut the body itself.
            const_cast<httplib::Request&>(request).ranges.clear();
            response.status = status;
            if (!range.empty())
                response.set_header("Content-Range", range.c_str());
            response.set_content(body, "image/png");
        };
    };
    struct Case {
        const char* what;
        std::string etag;
        ResultHost::Answer second;
        std::string expected;
        size_t requests;
    };
    const std::vector<Case> cases
        = {{"another one by now", "\"v1\"", answer(200, "", other), other, 2},
           {"no validator", "", answer(200, "", whole), whole, 2},
           {"a weak validator", "W/\"v1\"", answer(200, "", whole), whole, 2},
           {"the wrong place", "\"v1\"", answer(206, "bytes 0-99999/100000", whole), whole, 3},
           {"no place", "\"v1\"", answer(206, "", whole), whole, 3},
           {"refused", "\"v1\"", answer(416, "bytes */100000", ""), whole, 3}};
    for (const Case& one_case : cases) {
        ResultHost host;
        host.answers["/files/1"] = {ResultHost::broken(whole, 60000, one_case.etag),
                                    one_case.second, ResultHost::bytes(whole)};
        TestClient one(host.server.endpoint());
        const Download download = fetch(host, one, {"/files/1"})[0];
        EXPECT_TRUE(download.bytes == one_case.expected)
            << one_case.what << download.failure.message;
        EXPECT_EQ(host.requests.size(), one_case.requests) << one_case.what;
    }
}

// A server that passes over If-Range may give the rest of another file.
TEST(DownloadImages, APartOfAnotherFileIsNotJoined)
{
    const std::string first = png_like(100000, 'a');
    const std::string second = png_like(100000, 'b');
    const auto rest_of = [](const std::string& body, const std::string& etag, size_t total) {
        return [=](const httplib::Request&, httplib::Response& response) {
            response.status = 206;
            response.set_header("ETag", etag.c_str());
            response.set_header("Content-Range",
                                ("bytes 60000-99999/" + std::to_string(total)).c_str());
            response.body = body.substr(60000); // as it is: httplib cuts ranges of its own contents
        };
    };
    for (const auto& other :
         {rest_of(second, "\"v2\"", 100000), rest_of(second, "\"v1\"", 100001)}) {
        ResultHost host;
        host.answers["/files/1"]
            = {ResultHost::broken(first, 60000, "\"v1\""), other, ResultHost::bytes(second)};
        host.server.server.set_post_routing_handler([](const auto&, httplib::Response& response) {
            if (response.status == 206)
                response.set_header("Content-Length", std::to_string(response.body.size()));
        });
        TestClient one(host.server.endpoint());
        const Download download = fetch(host, one, {"/files/1"})[0];
        EXPECT_TRUE(download.bytes == second) << download.failure.message;
        host.server.stop();
    }
}

TEST(DownloadImages, TheTypeIsTakenFromTheContent)
{
    ResultHost host;
    const std::string jpeg = "\xff\xd8\xff\xe0" + std::string(500, 'j') + "\xff\xd9";
    const std::string webp = std::string("RIFF\x08\x01\x00\x00WEBP", 12) + std::string(260, 'w');
    const std::string gif = "GIF89a" + std::string(500, 'g');
    host.answers["/files/png"] = {ResultHost::bytes(png_like(500), "text/html")};
    host.answers["/files/jpeg"] = {ResultHost::bytes(jpeg, "image/png")};
    host.answers["/files/webp"] = {ResultHost::bytes(webp, "application/octet-stream")};
    host.answers["/files/gif"] = {ResultHost::bytes(gif, "image/gif")};
    TestClient one(host.server.endpoint());
    const auto all = fetch(host, one, {"/files/png", "/files/jpeg", "/files/webp", "/files/gif"});
    EXPECT_EQ(all[0].media_type, "image/png");
    EXPECT_EQ(all[1].media_type, "image/jpeg");
    EXPECT_EQ(all[2].media_type, "image/webp");
    EXPECT_EQ(all[3].media_type, ""); // of a kind that nobody asked for, and yet paid for: kept
    EXPECT_EQ(all[3].bytes, gif);
}

TEST(DownloadImages, WhatIsNoImageIsDamaged)
{
    ResultHost host;
    const std::string half = png_like(5000).substr(0, 2500);
    for (const std::string& body : {std::string("<html>please log in</html>"), std::string(),
                                    std::string("{\"error\":\"x\"}"), half}) {
        ResultHost fresh;
        fresh.answers["/files/1"] = {ResultHost::bytes(body, "text/html")};
        TestClient one(fresh.server.endpoint());
        const Download download = fetch(fresh, one, {"/files/1"})[0];
        EXPECT_FALSE(download.ok());
        EXPECT_EQ(download.failure.kind, ErrorKind::damaged);
        EXPECT_EQ(fresh.requests.size(), 3u); // it may have been a bad moment
    }
    host.answers["/files/1"]
        = {ResultHost::bytes("<html>"), ResultHost::bytes(half), ResultHost::bytes(png_like(5000))};
    TestClient one(host.server.endpoint());
    EXPECT_TRUE(fetch(host, one, {"/files/1"})[0].ok());
}

TEST(DownloadImages, CompressedOnesAreRead)
{
    ResultHost host;
    const std::string whole = png_like(50000, 'c');
    host.answers["/files/1"] = {[&](const httplib::Request& request, httplib::Response& response) {
        // As a careless server does: compressed, whether it was asked for or not.
        httplib::detail::gzip_compressor compressor;
        std::string packed;
        compressor.compress(whole.data(), whole.size(), true, [&](const char* data, size_t size) {
            packed.append(data, size);
            return true;
        });
        const_cast<httplib::Request&>(request).headers.erase("Accept-Encoding");
        response.set_header("Content-Encoding", "gzip");
        response.set_content(packed, "image/png");
    }};
    TestClient one(host.server.endpoint());
    const Download download = fetch(host, one, {"/files/1"})[0];
    EXPECT_TRUE(download.bytes == whole) << download.failure.message;
    host.server.stop();
}

TEST(DownloadImages, OneBeyondTheCapIsRefused)
{
    ResultHost host;
    host.answers["/files/1"] = {ResultHost::bytes(png_like(2001))};
    host.answers["/files/2"] = {ResultHost::bytes(png_like(2000))};
    FakeClock clock;
    FakeRandom random;
    auto options = TestClient::options_for(host.server.endpoint(), clock, random);
    options.max_image_bytes = 2000;
    transport::Transport transport;
    service::Client client(transport, options);
    const auto all = client.download(
        {image_at(host.url("/files/1")), image_at(host.url("/files/2"))}, 1600, CancelToken());
    EXPECT_FALSE(all[0].ok());
    EXPECT_THAT(all[0].failure.message, HasSubstr("more than 2000"));
    EXPECT_TRUE(all[1].ok());
    EXPECT_THAT(clock.sleeps(), IsEmpty());
}

TEST(DownloadImages, TheCapCountsResumedPartsTogether)
{
    ResultHost host;
    const std::string whole = png_like(100000, 'z');
    host.answers["/files/1"] = {ResultHost::broken(whole, 60000, "\"v1\""),
                                [&](const httplib::Request&, httplib::Response& response) {
                                    response.set_header("ETag", "\"v1\"");
                                    response.set_content(whole, "image/png");
                                }};
    FakeClock clock;
    FakeRandom random;
    auto options = TestClient::options_for(host.server.endpoint(), clock, random);
    transport::Transport transport;
    options.max_image_bytes = 100000;
    EXPECT_TRUE(service::Client(transport, options)
                    .download({image_at(host.url("/files/1"))}, 1600, CancelToken())[0]
                    .ok());
    host.server.stop();
}

TEST(DownloadImages, InsideTheAnswerNeedNoNetwork)
{
    ResultHost host;
    TestClient one(host.server.endpoint());
    ResultImage good, bad;
    good.bytes = png_like(300);
    good.place = "/data/0/b64_json";
    bad.bytes = "<html>";
    bad.place = "/data/1/b64_json";
    const auto all = one.client.download({good, bad}, one.soon, one.cancel);
    EXPECT_EQ(all[0].bytes, good.bytes);
    EXPECT_EQ(all[0].media_type, "image/png");
    EXPECT_EQ(all[1].failure.kind, ErrorKind::damaged);
    EXPECT_THAT(all[1].failure.message, HasSubstr("/data/1/b64_json"));
}

// --- where the key goes ---

TEST(DownloadImages, TheKeyGoesOnlyToTheApiOfTheEndpoint)
{
    ResultHost host;
    ResultHost other;
    for (const char* path : {"/files/1", "/api/files/1", "/api/../files/2"}) {
        std::string plain(path);
        if (plain == "/api/../files/2")
            plain = "/files/2";
        host.answers[plain] = {ResultHost::bytes(png_like(300))};
        other.answers[plain] = {ResultHost::bytes(png_like(300))};
    }
    TestClient one(host.server.endpoint());
    fetch(host, one, {"/files/1", "/api/files/1", "/api/../files/2"});
    fetch(other, one, {"/files/1", "/api/files/1"});
    int with = 0;
    for (const auto& request : host.requests)
        if (request.has_header("Authorization")) {
            ++with;
            EXPECT_EQ(request.path, "/api/files/1");
        }
    EXPECT_EQ(with, 1);
    for (const auto& request : other.requests)
        EXPECT_FALSE(request.has_header("Authorization"));
    EXPECT_EQ(other.requests.size(), 2u);
}

// --- where images may come from ---

TEST(DownloadImages, FromPrivateAddressesAreRefusedUnlessTheUserAllows)
{
    ResultHost host;
    host.answers["/files/1"] = {ResultHost::bytes(png_like(300))};
    FakeClock clock;
    FakeRandom random;
    auto options = TestClient::options_for("https://apiin.example", clock, random);
    transport::Transport transport;
    for (const std::string& url :
         {host.url("/files/1"), std::string("https://169.254.169.254/latest/meta-data/"),
          std::string("https://10.0.0.1/x"), std::string("https://[::ffff:127.0.0.1]/"),
          std::string("file:///etc/passwd"), std::string("ftp://r.example/x"),
          std::string("http://r.example/x")}) {
        const auto all
            = service::Client(transport, options).download({image_at(url)}, 1600, CancelToken());
        EXPECT_FALSE(all[0].ok()) << url;
        EXPECT_FALSE(all[0].gone);
        EXPECT_EQ(all[0].failure.kind, ErrorKind::network);
    }
    EXPECT_THAT(host.requests, IsEmpty());
    EXPECT_THAT(clock.sleeps(), IsEmpty()); // and it is no use to try again

    options.allow_private_hosts = {"127.0.0.1"};
    EXPECT_TRUE(service::Client(transport, options)
                    .download({image_at(host.url("/files/1"))}, 1600, CancelToken())[0]
                    .ok());
}

// --- ending ---

TEST(DownloadImages, GiveUpAtTheDeadline)
{
    ResultHost host;
    host.answers["/files/1"] = {ResultHost::status(503)};
    TestClient one(host.server.endpoint());
    one.soon = 1005;
    const Download download = fetch(host, one, {"/files/1"})[0];
    EXPECT_FALSE(download.ok());
    EXPECT_EQ(download.failure.kind, ErrorKind::network);
    EXPECT_THAT(one.clock.sleeps(), ElementsAre(1, 2, 2));
}

TEST(DownloadImages, CancelledKeepWhatIsThere)
{
    ResultHost host;
    std::promise<void> over;
    auto future = over.get_future().share();
    host.answers["/files/1"] = {ResultHost::bytes(png_like(300))};
    host.answers["/files/2"] = {[&](const auto&, auto&) { future.wait(); }};
    TestClient one(host.server.endpoint());
    const auto all
        = one.client.download({image_at(host.url("/files/1")), image_at(host.url("/files/2"))},
                              one.soon, one.cancel, [&](Download& download) {
                                  if (download.ok())
                                      one.cancel.cancel();
                              });
    over.set_value();
    EXPECT_TRUE(all[0].ok());
    EXPECT_EQ(all[1].failure.kind, ErrorKind::cancelled);
    host.server.stop();
}

TEST(DownloadImages, AReceiverThatThrowsEndsThemAll)
{
    ResultHost host;
    std::promise<void> over;
    auto future = over.get_future().share();
    host.answers["/files/1"] = {ResultHost::bytes(png_like(300))};
    host.answers["/files/2"] = {[&](const auto&, auto&) { future.wait(); }};
    TestClient one(host.server.endpoint());
    EXPECT_THROW(one.client.download(
                     {image_at(host.url("/files/1")), image_at(host.url("/files/2"))}, one.soon,
                     one.cancel, [&](Download&) { throw StoreError("disk full"); }),
                 StoreError);
    over.set_value();
    host.server.stop();
}

} // namespace
} // namespace klio::test
