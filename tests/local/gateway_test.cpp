#include "base/sha256.h"
#include "local/local_support.h"

#include <klio/error.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <sstream>

using namespace klio;
using namespace klio::test;
using base::Json;
using testing::HasSubstr;

namespace {

constexpr double for_ever = 1e6;

LocalGatewayOptions with_key(const std::string& key, long credits)
{
    LocalGatewayOptions options;
    options.keys[key] = credits;
    return options;
}

} // namespace

TEST(Gateway, TheWholeWay)
{
    Caller caller;
    const std::string body = body_text({{"images", {data_uri(reference_image(640, 360))}},
                                        {"num_images", 2},
                                        {"aspect_ratio", "16:9"}});
    const httplib::Result created = caller.create(body, "any-key", "the-job");
    ASSERT_TRUE(created);
    EXPECT_EQ(created->status, 200);
    EXPECT_EQ(parse(created->body)["code"], 200);
    const std::string id = parse(created->body)["data"]["task_id"];
    const httplib::Result looked = caller.poll(id, "any-key");
    const Json answer = parse(looked->body);
    EXPECT_EQ(answer["data"]["status"], "SUCCEEDED");
    ASSERT_EQ(answer["data"]["output"]["images"].size(), 2u);
    for (const Json& image : answer["data"]["output"]["images"]) {
        const httplib::Result got = caller.get(image["url"]);
        ASSERT_TRUE(got);
        EXPECT_EQ(got->get_header_value("Content-Type"), "image/png");
        const Pixels pixels = read_pixels(got->body);
        EXPECT_EQ(pixels.width, 1360);
        EXPECT_EQ(pixels.height, 768);
    }
    const std::vector<LocalCharge> charges = caller.gateway.charges();
    ASSERT_EQ(charges.size(), 1u);
    EXPECT_EQ(charges[0].task_id, id);
    EXPECT_EQ(charges[0].idempotency_key, "the-job");
    EXPECT_EQ(charges[0].request_hash, base::sha256_hex(body));
    EXPECT_EQ(charges[0].credits, 6);
    EXPECT_EQ(caller.gateway.creates(), 1u);
}

TEST(Gateway, HealthAndLedger)
{
    Caller caller;
    EXPECT_EQ(parse(caller.get("/healthz")->body)["status"], "ok");
    caller.task();
    caller.task({{"type", "ai-multi-shot"}, {"images", {data_uri(reference_image(300, 300))}}});
    caller.create("{}");
    const Json ledger = parse(caller.get("/ledger")->body);
    EXPECT_EQ(ledger["creates"], 3);
    ASSERT_EQ(ledger["charges"].size(), 2u);
    EXPECT_EQ(ledger["credits"], 6 + 16);
    EXPECT_TRUE(ledger["charges"][0].contains("idempotency_key"));
    EXPECT_EQ(ledger["charges"][1]["credits"], 16);
}

TEST(Gateway, TakesItsTimeAndChargesAtTheEnd)
{
    LocalGatewayOptions options;
    options.latency = for_ever;
    Caller caller(options, true);
    const std::string id = caller.task();
    const Json answer = caller.look(id);
    EXPECT_EQ(answer["data"]["status"], "IN_PROGRESS");
    EXPECT_FALSE(answer["data"].contains("output"));
    EXPECT_TRUE(caller.gateway.charges().empty());
}

TEST(Gateway, KnowsItsKeys)
{
    LocalGatewayOptions options;
    options.keys = {{"test-key-one", 100}, {"test-key-two", 100}};
    Caller caller(options);
    const httplib::Result none = caller.create(body_text(), "");
    EXPECT_EQ(none->status, 401);
    EXPECT_THAT(error_message(none), HasSubstr("no API key"));
    const httplib::Result wrong = caller.create(body_text(), "test-key-three");
    EXPECT_EQ(wrong->status, 401);
    EXPECT_THAT(error_message(wrong), HasSubstr("invalid API key"));
    const std::string id = caller.task();
    EXPECT_EQ(caller.poll(id, "test-key-one")->status, 200);
    EXPECT_EQ(caller.poll(id, "test-key-two")->status, 404);
    EXPECT_EQ(caller.poll(id, "test-key-three")->status, 401);
    for (const char* other : {"local_000000000000000000000000", "n49xxxx_kio1", "..%2f..%2fsecret"})
        EXPECT_EQ(caller.poll(other)->status, 404) << other;
}

TEST(Gateway, CreditsRunOut)
{
    Caller caller(with_key("test-key-one", 13));
    EXPECT_FALSE(caller.task().empty());
    EXPECT_FALSE(caller.task().empty());
    const httplib::Result third = caller.create(body_text());
    EXPECT_EQ(third->status, 402);
    EXPECT_EQ(error_message(third), "insufficient credits: 6 needed, 1 left");
    EXPECT_EQ(caller.gateway.charges().size(), 2u);
}

TEST(Gateway, ReservesCreditsOfRunningTasks)
{
    LocalGatewayOptions options = with_key("test-key-one", 11);
    options.latency = for_ever;
    Caller caller(options, true);
    EXPECT_FALSE(caller.task().empty());
    EXPECT_EQ(caller.create(body_text())->status, 402);
}

TEST(Gateway, FailedTasksCostNothing)
{
    LocalGatewayOptions options = with_key("test-key-one", 6);
    options.faults = {"task-failed:1", "refusal-task:2", "refusal:3"};
    Caller caller(options);
    EXPECT_EQ(caller.look(caller.task())["data"]["status"], "FAILED");
    EXPECT_EQ(caller.look(caller.task())["data"]["error"]["type"], "content_policy_violation");
    EXPECT_EQ(caller.create(body_text())->status, 400);
    EXPECT_TRUE(caller.gateway.charges().empty());
    EXPECT_EQ(caller.look(caller.task())["data"]["status"], "SUCCEEDED");
    EXPECT_EQ(caller.gateway.charges().size(), 1u);
}

TEST(Gateway, ChecksEveryField)
{
    Caller caller;
    const std::string image = data_uri(reference_image(300, 300));
    const std::pair<Json, const char*> wrong[] = {
        {{{"model", ""}}, "model is required"},
        {{{"model", 7}}, "model is required"},
        {{{"prompt", ""}}, "prompt is required"},
        {{{"prompt", 7}}, "prompt is required"},
        {{{"prompt", std::string(2501, 'x')}}, "prompt has 2501 characters"},
        {{{"type", "text-to-image"}}, "type must be one of image-to-image, ai-multi-shot"},
        {{{"type", "ai-multi-shot"}}, "images is required for ai-multi-shot"},
        {{{"images", "x"}}, "images must be an array"},
        {{{"images", {7}}}, "images[0] must be a URL"},
        {{{"images", {""}}}, "images[0] must be a URL"},
        {{{"images", std::vector<std::string>(11, image)}}, "images has 11 entries"},
        {{{"aspect_ratio", "17:9"}}, "aspect_ratio must be one of 1:1, 16:9"},
        {{{"resolution", "4k"}}, "resolution must be one of 1k, 2k"},
        {{{"num_images", 0}}, "num_images must be a whole number from 1 to 9"},
        {{{"num_images", 10}}, "num_images must be"},
        {{{"num_images", "3"}}, "num_images must be"},
        {{{"num_images", 1.5}}, "num_images must be"},
        {{{"n", 4}}, "n is no known field"},
    };
    for (const auto& [more, message] : wrong) {
        const httplib::Result result = caller.create(body_text(more));
        EXPECT_EQ(result->status, 400) << more;
        EXPECT_THAT(error_message(result), HasSubstr(message)) << more;
    }
    EXPECT_THAT(error_message(caller.create("{\"model\": ")), HasSubstr("the body is no JSON"));
    EXPECT_THAT(error_message(caller.create("[]")), HasSubstr("must be a JSON object"));
    EXPECT_THAT(error_message(caller.create(body_text({{"resolution", "4k"}, {"n", 1}}))),
                HasSubstr("resolution must be one of 1k, 2k; n is no known field"));
    EXPECT_TRUE(caller.gateway.charges().empty());
    // Characters, not bytes.
    std::string umlauts;
    for (int i = 0; i < 2500; ++i)
        umlauts += "ü";
    EXPECT_FALSE(caller.task({{"prompt", umlauts}}).empty());
    // Another model's fields are its own business.
    EXPECT_FALSE(caller.task({{"model", "other"}, {"seed", 7}, {"resolution", "4k"}}).empty());
}

TEST(Gateway, FetchesReferences)
{
    httplib::Server host;
    int fetched = 0;
    const std::string image = reference_image(400, 300, "png");
    host.Get("/plate", [&](const httplib::Request& request, httplib::Response& response) {
        ++fetched;
        EXPECT_EQ(request.get_param_value("sig"), "1");
        EXPECT_FALSE(request.has_header("Authorization"));
        response.set_content(image, "application/octet-stream");
    });
    const int port = host.bind_to_any_port("127.0.0.1");
    std::thread thread([&] { host.listen_after_bind(); });
    const std::string base = "http://127.0.0.1:" + std::to_string(port);
    Caller caller;
    EXPECT_FALSE(caller.task({{"images", {base + "/plate?sig=1"}}}).empty());
    EXPECT_EQ(fetched, 1);
    EXPECT_EQ(error_message(caller.create(body_text({{"images", {base + "/other"}}}))),
              "images[0] could not be fetched: its host answers 404");
    host.stop();
    thread.join();
    EXPECT_THAT(error_message(caller.create(body_text({{"images", {base + "/plate"}}}))),
                HasSubstr("images[0] could not be fetched"));
}

TEST(Gateway, LooksAtReferences)
{
    Caller caller;
    const auto message = [&](const std::string& image) {
        return error_message(caller.create(body_text({{"images", {image}}})));
    };
    const std::string jpeg = reference_image(640, 480);
    EXPECT_THAT(message(data_uri(reference_image(320, 320, "bmp"))),
                HasSubstr("images[0] is neither JPEG nor PNG"));
    EXPECT_THAT(message(data_uri("\xff\xd8\xff nonsense")), HasSubstr("can't be decoded"));
    const std::string png = reference_image(640, 480, "png");
    EXPECT_THAT(message(data_uri(png.substr(0, png.size() / 2))), HasSubstr("can't be decoded"));
    EXPECT_THAT(message(data_uri(reference_image(299, 400))), HasSubstr("is 299x400; each side"));
    EXPECT_THAT(message(data_uri(reference_image(750, 300))), HasSubstr("its aspect must lie"));
    EXPECT_THAT(message(data_uri(reference_image(300, 750, "png"), "image/png")),
                HasSubstr("its aspect must lie"));
    EXPECT_THAT(message(data_uri(jpeg + std::string(10'000'001 - jpeg.size(), '\0'))),
                HasSubstr("more than the 10 MB allowed"));
    EXPECT_THAT(message("data:image/jpeg;base64,%%%"), HasSubstr("base64 is broken"));
    EXPECT_THAT(message("data:image/jpeg"), HasSubstr("no whole data: URI"));
    EXPECT_THAT(message("file:///etc/passwd"), HasSubstr("neither an http(s) URL nor"));
    EXPECT_THAT(message("http://example.invalid/x.jpg"), HasSubstr("loopback alone"));
    EXPECT_THAT(message("http://127.0.0.1.example.invalid/x.jpg"), HasSubstr("loopback alone"));
    EXPECT_FALSE(caller.task({{"images", {data_uri(reference_image(749, 300))}}}).empty());
    // The content counts, not what the URI calls it.
    EXPECT_FALSE(
        caller.task({{"images", {data_uri(reference_image(300, 300, "png"), "image/gif")}}})
            .empty());
}

TEST(Gateway, NobodyGuessesAResult)
{
    Caller caller;
    std::string url = caller.urls(caller.task()).at(0);
    EXPECT_EQ(caller.get(url)->status, 200);
    EXPECT_EQ(caller.get(url.substr(0, url.find('?')))->status, 403);
    const size_t expires = url.find("expires=") + 8;
    EXPECT_EQ(caller.get(std::string(url).replace(expires, 1, "9"))->status, 403);
    EXPECT_EQ(caller.get(std::string(url).replace(url.find("/1.png"), 6, "/2.png"))->status, 403);
}

TEST(Gateway, ResultsComeByRange)
{
    Caller caller;
    const std::string url = caller.urls(caller.task()).at(0);
    const std::string whole = caller.get(url)->body;
    httplib::Client client("127.0.0.1", caller.gateway.port());
    const httplib::Result rest
        = client.Get(url.substr(url.find('/', 8)), {{"Range", "bytes=1000-"}});
    EXPECT_EQ(rest->status, 206);
    EXPECT_EQ(rest->body, whole.substr(1000));
}

TEST(Gateway, PacksWithGzipAlone)
{
    Caller caller;
    const std::string id = caller.task();
    httplib::Client client("127.0.0.1", caller.gateway.port());
    client.set_decompress(false);
    const auto encoding = [&](const char* accepted) {
        return client
            .Get("/api/v1/tasks/" + id,
                 {{"Authorization", "Bearer test-key-one"}, {"Accept-Encoding", accepted}})
            ->get_header_value("Content-Encoding");
    };
    EXPECT_EQ(encoding("gzip, br"), "gzip");
    EXPECT_EQ(encoding("br"), "");
}

TEST(Gateway, StartedAgainItKnowsItsTasks)
{
    Folder folder;
    LocalGatewayOptions options = with_key("test-key-one", 20);
    options.state_folder = folder.path + "/state";
    std::string id;
    std::string bytes;
    {
        Caller caller(options);
        id = caller.task({{"images", {data_uri(reference_image(640, 480))}}});
        bytes = caller.get(caller.urls(id).at(0))->body;
        caller.create("{}");
    }
    Caller again(options);
    EXPECT_EQ(again.gateway.creates(), 2u);
    EXPECT_EQ(again.gateway.charges().size(), 1u);
    EXPECT_EQ(again.get(again.urls(id).at(0))->body, bytes);
    EXPECT_FALSE(again.task().empty());
    EXPECT_FALSE(again.task().empty());
    EXPECT_EQ(again.create(body_text())->status, 402);
}

TEST(Gateway, ForgetsOldReferences)
{
    namespace fs = std::filesystem;
    Folder folder;
    LocalGatewayOptions options;
    options.state_folder = folder.path;
    std::string id;
    {
        Caller caller(options);
        id = caller.task({{"images", {data_uri(reference_image(640, 480))}}});
    }
    for (const auto& entry : fs::directory_iterator(folder.path + "/references"))
        fs::last_write_time(entry.path(),
                            fs::file_time_type::clock::now() - std::chrono::hours(31 * 24));
    Caller again(options);
    EXPECT_TRUE(fs::is_empty(folder.path + "/references"));
    const httplib::Result result = again.poll(id);
    EXPECT_EQ(result->status, 404);
    EXPECT_THAT(error_message(result), HasSubstr("no longer kept"));
    EXPECT_EQ(again.gateway.charges().size(), 1u);
}

TEST(Gateway, TwoShareAFolder)
{
    Folder folder;
    LocalGatewayOptions options;
    options.state_folder = folder.path;
    Caller one(options);
    Caller two(options);
    const std::string id = one.task();
    EXPECT_EQ(two.look(id)["data"]["status"], "SUCCEEDED");
    EXPECT_EQ(two.get(one.urls(id).at(0))->status, 200);
    EXPECT_EQ(two.gateway.charges().size(), 1u);
    EXPECT_EQ(two.gateway.creates(), 1u);
}

TEST(Gateway, KeepsNoKey)
{
    Folder folder;
    LocalGatewayOptions options = with_key("sk-very-secret-key", 20);
    options.state_folder = folder.path;
    std::string log;
    std::mutex mutex;
    options.on_log = [&](const std::string& line) {
        std::lock_guard<std::mutex> lock(mutex);
        log += line + "\n";
    };
    {
        Caller caller(options);
        caller.create(body_text(), "sk-very-secret-key");
    }
    EXPECT_THAT(log, HasSubstr("create"));
    EXPECT_THAT(log, testing::Not(HasSubstr("very-secret")));
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder.path)) {
        std::ostringstream text;
        if (entry.is_regular_file())
            text << std::ifstream(entry.path(), std::ios::binary).rdbuf();
        EXPECT_THAT(text.str(), testing::Not(HasSubstr("very-secret"))) << entry.path();
    }
}

TEST(Gateway, RepeatedIdempotencyKeys)
{
    LocalGatewayOptions options;
    Caller plain(options);
    plain.create(body_text(), "test-key-one", "job");
    plain.create(body_text(), "test-key-one", "job");
    EXPECT_EQ(plain.gateway.charges().size(), 2u);
    options.honour_idempotency = true;
    Caller honest(options);
    const Json first = parse(honest.create(body_text(), "test-key-one", "job")->body);
    const Json second = parse(honest.create(body_text(), "test-key-one", "job")->body);
    EXPECT_EQ(first["data"]["task_id"], second["data"]["task_id"]);
    honest.create(body_text(), "test-key-one", "other");
    EXPECT_EQ(honest.gateway.charges().size(), 2u);
    EXPECT_EQ(honest.gateway.creates(), 3u);
}

TEST(Gateway, AnswersNoForeignName)
{
    Caller caller;
    httplib::Client client("127.0.0.1", caller.gateway.port());
    const httplib::Result result = client.Get("/ledger", {{"Host", "evil.example"}});
    EXPECT_EQ(result->status, 403);
    EXPECT_THAT(error_message(result), HasSubstr("loopback"));
}

TEST(Gateway, UnknownRoutesAreErrorsInItsShape)
{
    Caller caller;
    const httplib::Result result = caller.get("/api/v2/anything");
    EXPECT_EQ(result->status, 404);
    EXPECT_THAT(error_message(result), HasSubstr("no such route"));
}

TEST(Gateway, SaysThatAPortIsTaken)
{
    Caller caller;
    LocalGatewayOptions options;
    options.port = caller.gateway.port();
    try {
        LocalGateway second(options);
        FAIL() << "two on one port";
    } catch (const NetworkError& error) {
        EXPECT_THAT(error.what(), HasSubstr(std::to_string(options.port)));
        EXPECT_THAT(error.what(), HasSubstr("choose another port"));
    }
}

TEST(Gateway, StopsWithConnectionsOpen)
{
    Caller caller;
    httplib::Client idle("127.0.0.1", caller.gateway.port());
    idle.set_keep_alive(true);
    EXPECT_TRUE(idle.Get("/healthz"));
    caller.gateway.stop();
    EXPECT_FALSE(caller.get("/healthz"));
    caller.gateway.stop();
}

TEST(Gateway, StopsWhileItRenders)
{
    const auto start = std::chrono::steady_clock::now();
    {
        Caller caller;
        // Some minutes of rendering; it is not waited for.
        for (int i = 0; i < 40; ++i)
            caller.task({{"prompt", std::to_string(i)}, {"num_images", 9}, {"resolution", "2k"}});
    }
    EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(20));
}

TEST(Gateway, ServesManyAtOnce)
{
    Caller caller(with_key("test-key-one", 6 * 10));
    std::vector<std::thread> threads;
    std::atomic<int> accepted {0};
    for (int i = 0; i < 16; ++i)
        threads.emplace_back([&] {
            const httplib::Result result = caller.create(body_text());
            accepted += result && result->status == 200;
        });
    for (std::thread& thread : threads)
        thread.join();
    EXPECT_EQ(accepted, 10);
    EXPECT_EQ(caller.gateway.charges().size(), 10u);
}
