#include "base/encoding.h"
#include "local/local_support.h"

#include <klio/error.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>

using namespace klio;
using namespace klio::test;
using base::Json;
using testing::HasSubstr;

namespace {

LocalGatewayOptions with_faults(std::vector<std::string> faults, uint64_t seed = 1)
{
    LocalGatewayOptions options;
    options.faults = std::move(faults);
    options.seed = seed;
    options.fault_seconds = 0.05;
    return options;
}

std::string raw_create(const std::string& body)
{
    return "POST /api/v1/images/generations HTTP/1.1\r\nHost: 127.0.0.1\r\n"
           "Authorization: Bearer test-key\r\nContent-Type: application/json\r\n"
           "Content-Length: "
        + std::to_string(body.size()) + "\r\nConnection: close\r\n\r\n" + body;
}

} // namespace

TEST(Faults, AreAllDocumented)
{
    EXPECT_GT(local_faults().size(), 60u);
    for (const auto& [kind, meaning] : local_faults()) {
        EXPECT_FALSE(meaning.empty()) << kind;
        const std::string value = kind == "word" ? "=DONE"
            : kind == "state"                    ? "=data.state"
            : kind == "shape"                    ? "=data.urls"
            : kind == "code-200"                 ? "=500"
                                                 : "";
        // At a turn that never comes, so that each kind is only parsed.
        EXPECT_NO_THROW(LocalGateway(with_faults({kind + value + ":999999"}))) << kind;
    }
}

TEST(Faults, AreListedFromTheWireUpToThePixels)
{
    const auto place = [](const std::string& kind) {
        const auto& all = local_faults();
        return std::find_if(all.begin(), all.end(),
                            [&](const auto& fault) { return fault.first == kind; })
            - all.begin();
    };
    EXPECT_EQ(place("refuse"), 0);
    EXPECT_LT(place("drop"), place("500"));
    EXPECT_LT(place("500"), place("finished"));
    EXPECT_LT(place("finished"), place("task-failed"));
    EXPECT_LT(place("task-failed"), place("corrupt-image"));
}

TEST(Faults, RefuseNonsense)
{
    const std::pair<const char*, const char*> wrong[] = {
        {"dorp", "did you mean drop?"},
        {"zzzzzzz", "klio serve --list-faults"},
        {"drop:0", "turns count from 1"},
        {"drop:4-2", "turns count from 1"},
        {"drop:1.5", "a probability is 0.0 to 1.0"},
        {"drop:x", "after the colon"},
        {"drop:", "after the colon"},
        {"drop@nowhere", "create, poll and download"},
        {"stuck@poll", "only faults of the exchange"},
        {"stuck=1", "takes no value"},
        {"word", "needs a value"},
        {"code-200", "needs a value"},
        {"code-200=200", "says that the call failed"},
        {"code-200=gone", "says that the call failed"},
        {"shape=data.nowhere", "no place of the contract's table"},
        {"state=data.nowhere", "the places are"},
    };
    for (const auto& [fault, message] : wrong)
        try {
            LocalGateway gateway(with_faults({fault}));
            ADD_FAILURE() << fault << " was taken";
        } catch (const UsageError& error) {
            EXPECT_THAT(error.what(), HasSubstr(message));
            EXPECT_THAT(error.what(), HasSubstr(fault));
        }
}

TEST(Faults, HitTheirTurns)
{
    Caller caller(with_faults({"429:2-3", "500:5-"}));
    std::vector<int> statuses;
    for (int i = 0; i < 6; ++i)
        statuses.push_back(caller.create(body_text())->status);
    EXPECT_THAT(statuses, testing::ElementsAre(200, 429, 429, 200, 500, 500));
    EXPECT_EQ(caller.gateway.charges().size(), 2u);
    EXPECT_EQ(caller.gateway.creates(), 6u);
}

TEST(Faults, AreDecidedBySeed)
{
    const auto run = [](uint64_t seed) {
        Caller caller(with_faults({"429:0.5"}, seed));
        std::string pattern;
        for (int i = 0; i < 24; ++i)
            pattern += caller.create("{}")->status == 429 ? 'x' : '.';
        return pattern;
    };
    const std::string first = run(7);
    EXPECT_EQ(first, run(7));
    EXPECT_NE(first, run(8));
    EXPECT_THAT(first, HasSubstr("x"));
    EXPECT_THAT(first, HasSubstr("."));
}

TEST(Faults, HitTheKindOfRequestNamed)
{
    Caller caller(with_faults({"503@poll:1", "404@download:1"}));
    const std::string id = caller.task();
    EXPECT_EQ(caller.poll(id)->status, 503);
    const std::string url = caller.urls(id).at(0);
    EXPECT_EQ(caller.get(url)->status, 404);
    EXPECT_EQ(caller.get(url)->status, 200);
}

TEST(Faults, OnTheWireBeforeAnythingIsDone)
{
    for (const char* fault : {"reset-before-body", "reset-after-body"}) {
        Caller caller(with_faults({std::string(fault) + ":1"}));
        bool reset = false;
        EXPECT_EQ(raw_exchange(caller.gateway.port(), raw_create(body_text()), reset), "") << fault;
        EXPECT_TRUE(reset) << fault;
        EXPECT_TRUE(caller.gateway.charges().empty()) << fault;
        EXPECT_EQ(caller.gateway.creates(), 1u) << fault;
        EXPECT_FALSE(caller.task().empty()) << fault;
    }
}

TEST(Faults, ResetBeforeTheBodyWaitsForNoBody)
{
    Caller caller(with_faults({"reset-before-body"}));
    bool reset = false;
    const std::string request = raw_create(std::string(1000, 'x'));
    raw_exchange(caller.gateway.port(), request.substr(0, request.size() - 900), reset);
    EXPECT_TRUE(reset);
}

TEST(Faults, OnTheWireWithTheTaskMade)
{
    for (const char* fault : {"drop", "hang"}) {
        Caller caller(with_faults({fault}));
        bool reset = false;
        EXPECT_EQ(raw_exchange(caller.gateway.port(), raw_create(body_text()), reset), "") << fault;
        EXPECT_FALSE(reset) << fault;
        EXPECT_EQ(caller.gateway.charges().size(), 1u) << fault;
    }
}

TEST(Faults, SlowAnswersAreWhole)
{
    for (const char* fault : {"slow-headers", "drip"}) {
        Caller caller(with_faults({fault, std::string(fault) + "@download"}));
        const auto start = std::chrono::steady_clock::now();
        const std::string id = caller.task();
        EXPECT_GE(std::chrono::steady_clock::now() - start, std::chrono::milliseconds(45)) << fault;
        const std::string image = caller.get(caller.urls(id).at(0))->body;
        EXPECT_EQ(read_pixels(image).width, 1024) << fault;
    }
}

TEST(Faults, CutAnswers)
{
    bool reset = false;
    const auto parts = [&](const char* fault) {
        Caller caller(with_faults({fault}));
        const std::string answer
            = raw_exchange(caller.gateway.port(), raw_create(body_text()), reset);
        EXPECT_EQ(caller.gateway.charges().size(), 1u) << fault;
        const size_t head = answer.find("\r\n\r\n") + 4;
        const size_t length = answer.find("Content-Length: ") + 16;
        return std::make_pair(std::stoul(answer.substr(length)), answer.size() - head);
    };
    const auto [truncated_length, truncated_size] = parts("truncate");
    EXPECT_LT(truncated_size, truncated_length);
    const auto [wrong_length, whole_size] = parts("wrong-length");
    EXPECT_GT(whole_size, wrong_length);
    EXPECT_EQ(parts("empty").second, 0u);
}

TEST(Faults, RefusedConnections)
{
    Caller shut(with_faults({"refuse"}));
    bool reset = false;
    raw_exchange(shut.gateway.port(), "", reset);
    EXPECT_TRUE(reset);
    EXPECT_EQ(shut.gateway.creates(), 0u);
    // From its second connection on, for a while; then it is back on the same port.
    Caller caller(with_faults({"refuse:2"}));
    EXPECT_TRUE(caller.get("/healthz"));
    bool refused = false;
    bool back = false;
    const auto start = std::chrono::steady_clock::now();
    while (!back && std::chrono::steady_clock::now() - start < std::chrono::seconds(20)) {
        const bool answered = bool(caller.get("/healthz"));
        refused = refused || !answered;
        back = refused && answered;
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    EXPECT_TRUE(refused);
    EXPECT_TRUE(back);
}

TEST(Faults, Statuses)
{
    struct Expected {
        const char* fault;
        int status;
        const char* retry_after;
        bool json;
        size_t charges;
    };
    const Expected all[] = {
        {"400", 400, "", true, 0},
        {"401", 401, "", true, 0},
        {"408", 408, "", true, 0},
        {"422", 422, "", true, 0},
        {"425", 425, "", true, 0},
        {"429", 429, "", true, 0},
        {"429-seconds", 429, "1", true, 0},
        {"429-absurd", 429, "99999999999", true, 0},
        {"429-nonsense", 429, "soon", true, 0},
        {"500", 500, "", true, 0},
        {"500-html", 500, "", false, 0},
        {"502", 502, "", false, 0},
        {"502-accepted", 502, "", false, 1},
        {"503", 503, "1", true, 0},
        {"503-bare", 503, "", false, 0},
        {"504", 504, "", false, 0},
        {"504-accepted", 504, "", false, 1},
        {"520", 520, "", false, 0},
        {"html-200", 200, "", false, 0},
        {"code-200=500", 200, "", true, 0},
        {"broken-json", 200, "", false, 1},
        {"empty", 200, "", false, 1},
        {"credits-gone", 402, "", true, 0},
        {"credits-200", 200, "", true, 0},
        {"refusal", 400, "", true, 0},
        {"429-balance", 429, "", true, 0},
    };
    for (const Expected& expected : all) {
        Caller caller(with_faults({expected.fault}));
        const httplib::Result result = caller.create(body_text());
        ASSERT_TRUE(result) << expected.fault;
        EXPECT_EQ(result->status, expected.status) << expected.fault;
        EXPECT_EQ(result->get_header_value("Retry-After"), expected.retry_after) << expected.fault;
        EXPECT_EQ(parse(result->body).is_object(), expected.json) << expected.fault;
        EXPECT_EQ(caller.gateway.charges().size(), expected.charges) << expected.fault;
        EXPECT_EQ(caller.gateway.creates(), 1u) << expected.fault;
    }
    Caller dated(with_faults({"429-date"}));
    EXPECT_THAT(dated.create(body_text())->get_header_value("Retry-After"),
                testing::MatchesRegex("[A-Z][a-z]+, .* GMT"));
    Caller empty(with_faults({"429-balance"}));
    EXPECT_THAT(error_message(empty.create(body_text())), HasSubstr("balance"));
    Caller field(with_faults({"422"}));
    EXPECT_EQ(parse(field.create(body_text())->body)["error"]["param"], "aspect_ratio");
    Caller coded(with_faults({"code-200=1201", "code-200=404@poll"}));
    EXPECT_EQ(parse(coded.create(body_text())->body)["code"], 1201);
    EXPECT_EQ(parse(coded.poll("any")->body)["message"], "not found");
    Caller refused(with_faults({"refusal"}));
    EXPECT_THAT(error_message(refused.create(body_text())), HasSubstr("content policy"));
}

TEST(Faults, ShapesOfACreatesAnswer)
{
    Caller id(with_faults({"create-id"}));
    const Json plain = parse(id.create(body_text())->body);
    EXPECT_EQ(plain["status"], "pending");
    EXPECT_TRUE(plain["id"].is_string());
    Caller finished(with_faults({"finished"}));
    EXPECT_EQ(parse(finished.create(body_text())->body)["data"]["status"], "SUCCEEDED");
    Caller urls(with_faults({"finished-urls"}));
    const Json list = parse(urls.create(body_text({{"num_images", 2}}))->body)["data"];
    ASSERT_EQ(list.size(), 2u);
    EXPECT_EQ(urls.get(list[1]["url"])->status, 200);
    Caller inline_images(with_faults({"finished-b64"}));
    EXPECT_GT(parse(inline_images.create(body_text())->body)["data"][0]["b64_json"]
                  .get<std::string>()
                  .size(),
              10000u);
}

TEST(Faults, ShapesOfATask)
{
    // One gateway, so that it renders once: each task has a turn of its own.
    const std::vector<std::vector<std::string>> turns = {{"shape=data.result.image_urls"},
                                                         {"shape=images"},
                                                         {"shape=data.images.image_url"},
                                                         {"shape=data.task_result.url"},
                                                         {"shape=data.response.output"},
                                                         {"b64"},
                                                         {"word=finished"},
                                                         {"state=status", "word=done"},
                                                         {"state=data.task_status"},
                                                         {"echo"},
                                                         {"numbers-as-strings"},
                                                         {"empty-result"},
                                                         {"elsewhere"},
                                                         {"null-image"},
                                                         {"same-url"},
                                                         {"stuck"},
                                                         {"stuck", "unknown-word"},
                                                         {"too-few"},
                                                         {"too-many"}};
    std::vector<std::string> faults;
    for (size_t i = 0; i < turns.size(); ++i)
        for (const std::string& fault : turns[i])
            faults.push_back(fault + ":" + std::to_string(i + 1));
    Caller caller(with_faults(faults));
    std::vector<Json> looks;
    for (size_t i = 0; i < turns.size(); ++i)
        looks.push_back(caller.look(caller.task({{"num_images", 2}})));
    const auto data = [&](size_t turn) { return looks[turn]["data"]; };
    EXPECT_EQ(data(0)["result"]["image_urls"].size(), 2u);
    EXPECT_TRUE(looks[1]["images"][0].is_string());
    EXPECT_TRUE(data(2)["images"][1]["image_url"].is_string());
    EXPECT_TRUE(data(3)["task_result"]["url"].is_string());
    EXPECT_TRUE(data(4)["response"]["output"].is_array());
    EXPECT_TRUE(data(5)["output"]["images"][0]["b64_json"].is_string());
    EXPECT_EQ(data(6)["status"], "finished");
    EXPECT_EQ(looks[7]["status"], "done");
    EXPECT_EQ(data(8)["task_status"], "SUCCEEDED");
    EXPECT_TRUE(data(9)["input"].contains("prompt"));
    EXPECT_TRUE(looks[10]["code"].is_string());
    EXPECT_EQ(data(11)["output"]["images"].size(), 0u);
    EXPECT_EQ(data(12)["artifacts"]["pictures"].size(), 2u);
    EXPECT_TRUE(data(13)["output"]["images"][1].is_null());
    EXPECT_EQ(data(14)["output"]["images"][0], data(14)["output"]["images"][1]);
    EXPECT_EQ(data(15)["status"], "IN_PROGRESS");
    EXPECT_EQ(data(16)["status"], "PONDERING");
    EXPECT_EQ(data(17)["output"]["images"].size(), 1u);
    EXPECT_EQ(data(18)["output"]["images"].size(), 3u);
}

TEST(Faults, EveryPlaceOfTheTable)
{
    struct Place {
        std::string parent;
        std::string key;
        std::string member;
    };
    std::vector<Place> places;
    for (const char* parent :
         {"data.output.", "data.result.", "data.task_result.", "data.response.", "data.", ""}) {
        for (const char* key : {"images", "image_urls", "outputs", "output", "result_urls", "urls",
                                "image_url", "url"})
            places.push_back({parent, key, ""});
        for (const char* key : {"images", "outputs", "output"})
            for (const char* member : {"url", "image_url", "b64_json"})
                // data.output.url is data.output's own.
                if (parent != std::string("data.") || key != std::string("output")
                    || member == std::string("b64_json"))
                    places.push_back({parent, key, member});
    }
    std::vector<std::string> faults;
    for (size_t i = 0; i < places.size(); ++i)
        faults.push_back("shape=" + places[i].parent + places[i].key
                         + (places[i].member.empty() ? "" : "." + places[i].member) + ":"
                         + std::to_string(i + 1));
    Caller caller(with_faults(faults));
    for (size_t i = 0; i < places.size(); ++i) {
        std::string pointer = "/" + places[i].parent + places[i].key;
        std::replace(pointer.begin(), pointer.end(), '.', '/');
        const bool single = places[i].key == "url" || places[i].key == "image_url";
        pointer += (single ? "" : "/0") + (places[i].member.empty() ? "" : "/" + places[i].member);
        const Json answer = caller.look(caller.task());
        const Json image = answer.value(Json::json_pointer(pointer), Json());
        ASSERT_TRUE(image.is_string()) << faults[i];
        EXPECT_EQ(image.get<std::string>().compare(0, 7, "http://") == 0,
                  places[i].member != "b64_json")
            << faults[i];
    }
}

TEST(Faults, WordsOfATaskThatRuns)
{
    const std::vector<std::string> words = {"created",  "PENDING",     "queued",     "Submitted",
                                            "starting", "in_progress", "processing", "running"};
    std::vector<std::string> faults;
    for (size_t i = 0; i < words.size(); ++i)
        faults.push_back("word=" + words[i] + ":" + std::to_string(i + 1));
    LocalGatewayOptions options = with_faults(faults);
    options.latency = 1e6;
    Caller caller(options, true);
    for (const std::string& word : words) {
        const Json created = parse(caller.create(body_text())->body);
        EXPECT_EQ(created["data"]["status"], word);
        EXPECT_EQ(caller.look(created["data"]["task_id"])["data"]["status"], word);
    }
    Caller done(with_faults({"word=queued"}));
    EXPECT_EQ(done.look(done.task())["data"]["status"], "SUCCEEDED");
}

TEST(Faults, WordsOfATaskThatIsOver)
{
    for (const char* word :
         {"failed", "FAILURE", "error", "cancelled", "canceled", "rejected", "expired"}) {
        const std::string fault = std::string("word=") + word;
        Caller caller(with_faults({fault, "finished:2"}));
        const Json answer = caller.look(caller.task());
        EXPECT_EQ(answer["data"]["status"], word);
        EXPECT_FALSE(answer["data"].contains("output")) << word;
        // It may be said of a task that had its images before.
        const bool charged = word == std::string("expired");
        EXPECT_EQ(caller.gateway.charges().size(), charged ? 1u : 0u) << word;
        EXPECT_EQ(parse(caller.create(body_text())->body)["data"]["status"], word);
    }
}

TEST(Faults, MessagesInNoUtf8)
{
    Caller caller(with_faults({"bad-utf8", "task-failed:2"}));
    for (int i = 0; i < 2; ++i) {
        const httplib::Result created = caller.create(body_text());
        EXPECT_FALSE(base::utf8_valid(created->body));
        const Json mended = parse(base::utf8_mended(created->body));
        ASSERT_TRUE(mended["data"]["task_id"].is_string());
        const std::string looked = caller.poll(mended["data"]["task_id"])->body;
        EXPECT_FALSE(base::utf8_valid(looked));
        EXPECT_EQ(parse(base::utf8_mended(looked))["data"]["status"],
                  i == 0 ? "SUCCEEDED" : "FAILED");
    }
}

TEST(Faults, TasksThatHide)
{
    Caller late(with_faults({"task-late"}));
    const std::string id = late.task();
    EXPECT_EQ(late.poll(id)->status, 404);
    EXPECT_EQ(late.poll(id)->status, 404);
    EXPECT_EQ(late.poll(id)->status, 200);
    Caller lost(with_faults({"task-lost"}));
    const std::string gone = lost.task();
    for (int i = 0; i < 4; ++i)
        EXPECT_EQ(lost.poll(gone)->status, 404);
    EXPECT_EQ(lost.gateway.charges().size(), 1u);
}

TEST(Faults, ExpiredUrls)
{
    Caller once(with_faults({"expired-url"}));
    const std::string id = once.task();
    EXPECT_EQ(once.get(once.urls(id).at(0))->status, 403);
    EXPECT_EQ(once.get(once.urls(id).at(0))->status, 200);
    Caller other_status(with_faults({"expired-400"}));
    const std::string odd = other_status.task();
    EXPECT_EQ(other_status.get(other_status.urls(odd).at(0))->status, 400);
    EXPECT_EQ(other_status.get(other_status.urls(odd).at(0))->status, 200);
    Caller page(with_faults({"expired-html"}));
    const std::string shown = page.task();
    const httplib::Result html = page.get(page.urls(shown).at(0));
    EXPECT_EQ(html->status, 200);
    EXPECT_THAT(html->body, HasSubstr("expired"));
    EXPECT_EQ(page.get(page.urls(shown).at(0))->body.substr(1, 3), "PNG");
    Caller always(with_faults({"expired-for-good"}));
    const std::string other = always.task();
    EXPECT_EQ(always.get(always.urls(other).at(0))->status, 403);
    EXPECT_EQ(always.get(always.urls(other).at(0))->status, 403);
}

TEST(Faults, FreshAnswersInAnotherOrder)
{
    Caller caller(with_faults({"reordered"}));
    const std::string id = caller.task({{"num_images", 3}});
    const auto path = [](const std::string& url) { return url.substr(0, url.find('?')); };
    const std::vector<std::string> first = caller.urls(id);
    EXPECT_EQ(caller.get(first.at(1))->status, 200);
    EXPECT_EQ(caller.get(first.at(2))->status, 403);
    const std::vector<std::string> next = caller.urls(id);
    for (size_t i = 0; i < 3; ++i) {
        EXPECT_EQ(path(next.at(i)), path(first.at(2 - i)));
        EXPECT_EQ(caller.get(next[i])->status, 200);
    }
}

TEST(Faults, ARangeOfAnotherFile)
{
    Caller caller(with_faults({"changed-file"}));
    const std::string url = caller.urls(caller.task()).at(0);
    EXPECT_FALSE(caller.get(url)); // breaks off
    const httplib::Result whole = caller.get(url);
    ASSERT_EQ(read_pixels(whole->body).width, 1024);
    const std::string tag = whole->get_header_value("ETag");
    httplib::Client client("127.0.0.1", caller.gateway.port());
    const httplib::Result rest
        = client.Get(url.substr(url.find('/', 8)), {{"Range", "bytes=1000-"}, {"If-Range", tag}});
    EXPECT_EQ(rest->status, 206);
    EXPECT_NE(rest->get_header_value("ETag"), tag);
    EXPECT_EQ(rest->body.size(), whole->body.size() - 1000);
    EXPECT_NE(rest->body, whole->body.substr(1000));
}

TEST(Faults, PixelsThatAreBrokenOnce)
{
    Caller caller(with_faults({"corrupt-once"}));
    const std::string url = caller.urls(caller.task()).at(0);
    const std::string broken = caller.get(url)->body;
    const std::string good = caller.get(url)->body;
    EXPECT_EQ(read_pixels(good).width, 1024);
    EXPECT_EQ(read_pixels(broken).width, 0);
    EXPECT_EQ(broken.size(), good.size());
    // Up to the first chunk of pixels, and the last one, which ends the file.
    const size_t pixels = good.find("IDAT") + 4;
    EXPECT_EQ(broken.substr(0, pixels), good.substr(0, pixels));
    EXPECT_EQ(broken.substr(broken.size() - 12), good.substr(good.size() - 12));

    Caller jpeg(with_faults({"corrupt-once", "jpeg"}));
    const std::string jpeg_url = jpeg.urls(jpeg.task()).at(0);
    const std::string broken_jpeg = jpeg.get(jpeg_url)->body;
    const std::string good_jpeg = jpeg.get(jpeg_url)->body;
    ASSERT_EQ(read_pixels(good_jpeg).width, 1024);
    EXPECT_NE(read_pixels(broken_jpeg).rgb, read_pixels(good_jpeg).rgb);
    EXPECT_EQ(broken_jpeg.size(), good_jpeg.size());
    EXPECT_EQ(broken_jpeg.substr(0, good_jpeg.size() / 4),
              good_jpeg.substr(0, good_jpeg.size() / 4));
    EXPECT_EQ(broken_jpeg.substr(broken_jpeg.size() - 2), "\xff\xd9");
}

TEST(Faults, SpoiltImages)
{
    const auto image = [](const char* fault) {
        Caller caller(with_faults({fault}));
        return caller.get(caller.urls(caller.task()).at(0))->body;
    };
    EXPECT_EQ(read_pixels(image("cut-image")).width, 0);
    EXPECT_EQ(read_pixels(image("corrupt-image")).width, 0);
    EXPECT_EQ(image("wrong-format").substr(0, 6), "GIF89a");
    EXPECT_THAT(image("not-an-image"), HasSubstr("<html>"));
    EXPECT_EQ(image("jpeg").substr(0, 3), "\xff\xd8\xff");
    EXPECT_EQ(read_pixels(image("jpeg")).width, 1024);
    // 50000, big-endian, twice.
    EXPECT_EQ(image("huge-image").substr(16, 8), std::string("\0\0\xc3\x50\0\0\xc3\x50", 8));
}
