#include "supply.h"

#include "fake_clock.h"
#include "reader.h"
#include "store/database.h"
#include "store/flight.h"
#include "store/store.h"

#include "base/encoding.h"
#include "base/sha256.h"

#include <klio/local.h>

#include <gmock/gmock.h>

#include <atomic>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>

namespace fs = std::filesystem;

using namespace klio;
using klio::oiio::Asked;
using klio::oiio::OnMiss;
using klio::oiio::Supply;
using testing::HasSubstr;

namespace {

class SupplyTest : public testing::Test {
protected:
    void SetUp() override
    {
        char name[] = "/tmp/klio-supply-XXXXXX";
        ASSERT_NE(::mkdtemp(name), nullptr);
        m_folder = name;
        m_settings.set("home", path("home"));
        m_settings.set("endpoint", "https://service.invalid");
    }
    void TearDown() override
    {
        std::error_code ignored;
        fs::remove_all(m_folder, ignored);
    }

    std::string path(const std::string& name) const { return m_folder + "/" + name; }

    std::string write(const std::string& name, const std::string& text) const
    {
        std::ofstream(path(name)) << text;
        return path(name);
    }

    Asked asked(const std::string& name,
                const std::vector<std::pair<std::string, std::string>>& hints = {}) const
    {
        OIIO::ImageSpec config;
        for (const auto& [key, value] : hints)
            config.attribute(key, value);
        return oiio::understand(name, config, m_settings);
    }

    /// A gateway that tells its tasks at once, and the settings pointed at it.
    std::unique_ptr<LocalGateway> gateway(const std::vector<std::string>& faults = {})
    {
        LocalGatewayOptions options;
        options.latency = 0;
        options.faults = faults;
        auto made = std::make_unique<LocalGateway>(options);
        m_settings.set("endpoint", made->endpoint());
        return made;
    }

    /// What came of `threads` times `opens` calls: the messages of those that failed.
    std::vector<std::string> ask(Supply& supply, const Asked& what, int threads, int opens)
    {
        std::mutex mutex;
        std::vector<std::string> failures;
        std::vector<std::thread> pool;
        for (int i = 0; i < threads; ++i)
            pool.emplace_back([&] {
                for (int n = 0; n < opens; ++n) {
                    try {
                        supply.frames(what, m_settings);
                    } catch (const Error& error) {
                        const std::lock_guard<std::mutex> lock(mutex);
                        failures.emplace_back(error.what());
                    }
                }
            });
        for (std::thread& thread : pool)
            thread.join();
        return failures;
    }

    /// Time goes on, for this process and for the jobs in the data folder.
    void pass(double seconds)
    {
        m_clock.sleep(base::Seconds(seconds), {});
        store::Database database(path("home/klio.db"));
        store::Statement(database, "UPDATE jobs SET updated_at = updated_at - ?", seconds).run();
    }

    std::string m_folder;
    Settings m_settings;
    test::FakeClock m_clock;
};

constexpr const char* recipe = R"({"prompt": "a fox", "num_images": 2})";

} // namespace

TEST_F(SupplyTest, LaterWins)
{
    const std::string shot = write(
        "shot.kling", R"({"prompt": "a fox", "klio": {"take": 2, "to": "ACEScg", "quality": 80}})");
    EXPECT_EQ(asked(shot).recipe.request.take, 2);
    EXPECT_EQ(asked(shot).frame.to, "ACEScg");
    const Asked both = asked(shot + "?take=4&frame=3", {{"klio:take", "3"}, {"klio:to", "srgb"}});
    EXPECT_EQ(both.recipe.request.take, 4) << "the query wins over the hint";
    EXPECT_EQ(both.frame.to, "srgb") << "the hint wins over the recipe";
    EXPECT_EQ(both.generate.prepare.quality, 80);
    EXPECT_EQ(both.only_frame, 3);
    EXPECT_EQ(asked(shot).on_miss, OnMiss::error);
    m_settings.set("on_miss", "preview");
    EXPECT_EQ(asked(shot).on_miss, OnMiss::preview);
    EXPECT_EQ(asked(shot + "?on_miss=error").on_miss, OnMiss::error);
}

TEST_F(SupplyTest, HintsOfAnyTypeCountAndOthersDoNot)
{
    const std::string shot = write("shot.kling", recipe);
    OIIO::ImageSpec config;
    config.attribute("klio:take", 5);
    config.attribute("oiio:UnassociatedAlpha", 1);
    EXPECT_EQ(oiio::understand(shot, config, m_settings).recipe.request.take, 5);
}

TEST_F(SupplyTest, AQueryNameNeedsNoFile)
{
    const Asked bare
        = asked(path("x.kling") + "?prompt=a fox&image=plate.exr&image=/b.png&num_images=3");
    EXPECT_TRUE(bare.bare);
    EXPECT_EQ(bare.recipe.request.prompt, "a fox");
    EXPECT_EQ(bare.recipe.request.num_images, 3);
    EXPECT_EQ(bare.recipe.request.images, (std::vector<std::string> {path("plate.exr"), "/b.png"}));
    EXPECT_THROW(asked(path("x.kling")), ReferenceError);
    EXPECT_THROW(asked(path("x.kling") + "?take=2"), ReferenceError);
}

TEST_F(SupplyTest, WhatCantBeIsNamed)
{
    const std::string shot = write("shot.kling", recipe);
    const auto message = [&](const std::string& query) -> std::string {
        try {
            asked(shot + query);
        } catch (const UsageError& error) {
            return error.what();
        }
        return {};
    };
    EXPECT_THAT(message("?tkae=2"), HasSubstr("did you mean 'take'?"));
    EXPECT_THAT(message("?take=0"), HasSubstr("1 or more"));
    EXPECT_THAT(message("?frame=x"), HasSubstr("frame 'x'"));
    EXPECT_THAT(message("?sheet=maybe"), HasSubstr("sheet 'maybe'"));
    EXPECT_THAT(message("?on_miss=buy"), HasSubstr("error, generate or preview"));
}

TEST_F(SupplyTest, TheCommandAsksForTheSame)
{
    const std::string shot = write("shot.kling", recipe);
    EXPECT_EQ(asked(shot).command, "klio generate " + shot);
    EXPECT_EQ(asked(shot + "?take=2&frame=1&sheet=0").command,
              "klio generate " + shot + " --take 2")
        << "what only chooses among the frames is not the command's";
    EXPECT_EQ(asked("x.kling?prompt=it's&aspect_ratio=16:9").command,
              "klio generate --aspect-ratio 16:9 --prompt 'it'\\''s'");
}

TEST_F(SupplyTest, TheCommandHasPlainNumbersAndOnlyFlagsThatSaySomething)
{
    const std::string start = "klio generate " + path("shot.kling");
    const std::string shot = write("shot.kling", recipe);
    EXPECT_EQ(asked(shot + "?take=0010&num_images=02").command, start + " --num-images 2 --take 10")
        << "oiiotool pads what it puts in place of '#'";
    EXPECT_EQ(asked(shot + "?prepare_urls=true").command, start + " --prepare-urls");
    EXPECT_EQ(asked(shot + "?prepare_urls=false").command, start);
    write("shot.kling", R"({"prompt": "a fox", "klio": {"prepare_urls": true}})");
    EXPECT_EQ(asked(shot).command, start);
    EXPECT_EQ(asked(shot + "?prepare_urls=0").command, start + " --prepare-urls=false");
    EXPECT_FALSE(asked(shot + "?prepare_urls=0").generate.prepare_urls);
}

TEST_F(SupplyTest, TheCommandIsOneLineWhateverThePromptHas)
{
    const std::string prompt = "it's\nred\x1b[31m";
    EXPECT_EQ(asked("x.kling?prompt64=" + base::base64url(prompt.data(), prompt.size())).command,
              R"(klio generate --prompt $'it\'s\012red\033[31m')");
}

TEST_F(SupplyTest, AFitOfReferencesAndOneOfFramesStandSideBySide)
{
    const std::string shot = write("shot.kling", R"({"prompt": "a fox", "klio": {"fit": "pad"}})");
    const Asked both = asked(shot + "?fit=640x360:letterbox");
    EXPECT_EQ(both.generate.prepare.fit, "pad") << "else it would be another job";
    EXPECT_EQ(both.frame.fit, "640x360:letterbox");
    EXPECT_EQ(both.command, "klio generate " + shot + " --fit 640x360:letterbox");
    EXPECT_EQ(asked(shot + "?fit=640x360&fit=none").command,
              "klio generate " + shot + " --fit none --fit 640x360");
    EXPECT_EQ(parse_recipe(write_recipe(both.recipe)).options, both.recipe.options);
    write("shot.kling", R"({"prompt": "a fox", "klio": {"fit": "64x36"}})");
    EXPECT_EQ(asked(shot + "?fit=640x360").frame.fit, "640x360");
}

TEST_F(SupplyTest, APipeIsNotWaitedFor)
{
    ASSERT_EQ(::mkfifo(path("pipe.kling").c_str(), 0600), 0);
    EXPECT_THROW(asked(path("pipe.kling")), ReferenceError);
}

TEST_F(SupplyTest, WhatCouldNeverOpenIsNotBought)
{
    const auto server = gateway();
    Supply supply(m_clock);
    const std::string shot = write("shot.kling", recipe);
    for (const char* query : {"&to=ACEScgg", "&frame=7", "&conform=nosuch.exr",
                              "&conform=shot.kling", "&match=foo", "&match=color", "&fit=64", "&fit=99999x99999"}) {
        const auto failures = ask(supply, asked(shot + "?take=2&on_miss=generate" + query), 1, 1);
        ASSERT_EQ(failures.size(), 1U) << query;
        EXPECT_THAT(failures[0], testing::StartsWith(shot + "?take=2")) << query;
    }
    EXPECT_EQ(server->creates(), 0U);
    m_settings.set("font", "/nonexistent.ttf");
    EXPECT_THAT(ask(supply, asked(shot + "?on_miss=generate&sheet=1"), 1, 1).at(0),
                HasSubstr("nonexistent.ttf"));
    EXPECT_EQ(server->creates(), 0U);
    m_settings.set("font", "");
    EXPECT_THAT(ask(supply, asked(shot + "?on_miss=generate&sheet=1"), 1, 1), testing::IsEmpty());
}

TEST_F(SupplyTest, APlateThatTheReferenceWasNotCutFromIsNoticedBeforeBuying)
{
    const auto server = gateway();
    Supply supply(m_clock);
    const auto plate = [&](const char* name, int width, int height) {
        const OIIO::ImageBuf grey(OIIO::ImageSpec(width, height, 3, OIIO::TypeDesc::UINT8));
        EXPECT_TRUE(grey.write(path(name)));
    };
    plate("plate.png", 640, 480);
    plate("other.png", 480, 640);
    plate("twice.png", 1280, 960);
    const std::string shot = write("shot.kling", R"({"prompt": "a fox", "images": ["plate.png"]})")
        + "?on_miss=generate&conform=";
    EXPECT_THAT(ask(supply, asked(shot + "other.png"), 1, 1).at(0), HasSubstr("cut from 640x480"));
    EXPECT_EQ(server->creates(), 0U);
    EXPECT_THAT(ask(supply, asked(shot + "twice.png"), 1, 1), testing::IsEmpty());
}

TEST_F(SupplyTest, AJobThatAKilledProcessLeftIsNotWaitedFor)
{
    const auto server = gateway();
    Supply supply(m_clock);
    const std::string shot = write("shot.kling", recipe);
    const StoredSet set = supply.frames(asked(shot + "?on_miss=generate"), m_settings);
    store::Database database(path("home/klio.db"));
    const auto left = [&](const char* state) {
        store::Statement(database, "UPDATE jobs SET state = ?", state).run();
    };
    left("submitting");
    EXPECT_THROW(supply.frames(asked(shot), m_settings), UnknownCreateError);
    const auto unknown = ask(supply, asked(shot), 1, 1);
    EXPECT_THAT(unknown.at(0), HasSubstr("klio jobs resolve " + set.job.substr(0, 12)));
    left("submitted");
    EXPECT_THAT(ask(supply, asked(shot), 1, 1).at(0), HasSubstr("no process waits for it"));
    store::Flight flight;
    ASSERT_TRUE(flight.try_take(store::Store(path("home")).lock_path(set.job)));
    for (const char* state : {"submitting", "submitted"}) {
        left(state);
        EXPECT_THAT(ask(supply, asked(shot), 1, 1).at(0), HasSubstr("still under way"));
    }
}

TEST_F(SupplyTest, AMissSaysPriceAndCommandAndSendsNothing)
{
    const auto server = gateway();
    Supply supply(m_clock);
    const auto failures = ask(supply, asked(write("shot.kling", recipe)), 1, 1);
    ASSERT_EQ(failures.size(), 1U);
    EXPECT_THAT(failures[0], HasSubstr("shot.kling"));
    EXPECT_THAT(failures[0], HasSubstr("at least 6 credits"));
    EXPECT_THAT(failures[0], HasSubstr("klio generate " + path("shot.kling")));
    EXPECT_EQ(server->creates(), 0U);
}

TEST_F(SupplyTest, ManyOpensAreOnePurchase)
{
    const auto server = gateway();
    Supply supply(m_clock);
    const std::string shot = write("shot.kling", recipe);
    EXPECT_THAT(ask(supply, asked(shot + "?on_miss=generate"), 4, 6), testing::IsEmpty());
    EXPECT_EQ(server->creates(), 1U);
    EXPECT_EQ(supply.frames(asked(shot), m_settings).frames.size(), 2U);
}

TEST_F(SupplyTest, AFailedPurchaseIsTriedOnceAMinute)
{
    const auto server = gateway({"credits-gone"});
    Supply supply(m_clock);
    const Asked what = asked(write("shot.kling", recipe) + "?on_miss=generate");
    const auto failures = ask(supply, what, 4, 6);
    EXPECT_EQ(failures.size(), 24U);
    EXPECT_EQ(server->creates(), 1U);
    pass(55);
    ask(supply, what, 1, 1);
    Supply another(m_clock);
    const auto held_back = ask(another, what, 1, 1);
    ASSERT_EQ(held_back.size(), 1U);
    EXPECT_THAT(held_back[0], HasSubstr("at the earliest")) << "as in another process";
    EXPECT_EQ(server->creates(), 1U);
    pass(6);
    ask(supply, what, 4, 6);
    EXPECT_EQ(server->creates(), 2U);
}

TEST_F(SupplyTest, AStageThatFailsIsTriedOnceAMinuteInAllProcesses)
{
    const auto server = gateway();
    m_settings.set("stage", "https://127.0.0.1:1/");
    OIIO::ImageBuf grey(OIIO::ImageSpec(64, 64, 3, OIIO::TypeDesc::UINT8));
    ASSERT_TRUE(grey.write(path("plate.png")));
    const Asked what = asked(write("shot.kling", R"({"prompt": "a fox", "images": ["plate.png"]})")
                             + "?on_miss=generate");
    Supply one(m_clock), another(m_clock), later(m_clock);
    const std::string first = ask(one, what, 1, 1).at(0);
    EXPECT_THAT(first, testing::Not(HasSubstr("ago")));
    m_clock.sleep(base::Seconds(20), {});
    EXPECT_THAT(ask(another, what, 1, 1).at(0),
                HasSubstr("(tried 20 s ago; it is tried again in 40 s at the earliest)"));
    EXPECT_THAT(ask(another, asked(path("shot.kling") + "?on_miss=generate&to=srgb"), 1, 1).at(0),
                HasSubstr("(tried 20 s ago"))
        << "another view of the same";
    m_clock.sleep(base::Seconds(41), {});
    EXPECT_EQ(ask(another, what, 1, 1).at(0), first) << "what was not tried is not held against it";
    m_clock.sleep(base::Seconds(61), {});
    EXPECT_EQ(ask(later, what, 1, 1).at(0), first);
    EXPECT_EQ(server->creates(), 0U);
}

TEST_F(SupplyTest, WhatCameIntoTheStoreMeanwhileEndsTheWait)
{
    const auto server = gateway({"credits-gone:1"});
    Supply supply(m_clock);
    const Asked what = asked(write("shot.kling", recipe) + "?on_miss=generate");
    EXPECT_EQ(ask(supply, what, 1, 1).size(), 1U);
    EXPECT_EQ(ask(supply, what, 1, 1).size(), 1U) << "remembered";
    EXPECT_EQ(Session(m_settings).generate(what.recipe.request, what.generate).frames.size(), 2U)
        << "as klio generate, which a person runs, buys it at once";
    EXPECT_EQ(ask(supply, what, 1, 1).size(), 0U);
    EXPECT_EQ(server->creates(), 2U);
}

TEST_F(SupplyTest, ABudgetHolds)
{
    const auto server = gateway();
    m_settings.set("budget", "5");
    Supply supply(m_clock);
    const auto failures
        = ask(supply, asked(write("shot.kling", recipe) + "?on_miss=generate"), 2, 3);
    EXPECT_EQ(failures.size(), 6U);
    EXPECT_THAT(failures[0], HasSubstr("budget"));
    EXPECT_EQ(server->creates(), 0U);
}

TEST_F(SupplyTest, PreviewsAreMarkedAndSendNothing)
{
    const auto server = gateway();
    Supply supply(m_clock);
    const Asked what = asked(write("shot.kling", recipe) + "?on_miss=preview");
    const StoredSet set = supply.frames(what, m_settings);
    ASSERT_EQ(set.frames.size(), 2U);
    EXPECT_EQ(set.frames[0].width, 1024);
    const OIIO::ImageSpec spec = frame_spec(set, 1, what.frame);
    EXPECT_EQ(spec.get_int_attribute("klio:preview"), 1);
    EXPECT_EQ(load_frame(set, 2, what.frame).image.spec().width, 1024);
    EXPECT_EQ(server->creates(), 0U);
    EXPECT_THROW(supply.frames(asked(path("shot.kling")), m_settings), NotStoredError)
        << "a preview never passes for the frames";
    fs::remove(set.frames[1].path);
    const StoredSet again = supply.frames(what, m_settings);
    EXPECT_EQ(load_frame(again, 2, what.frame).image.spec().width, 1024) << "made anew";
}

TEST_F(SupplyTest, ADamagedFailureFileHoldsNothingBack)
{
    const auto server = gateway();
    Supply supply(m_clock);
    const std::string shot = write("shot.kling", recipe) + "?on_miss=generate&take=";
    const std::string memory = path("home/views/failures");
    fs::create_directories(memory);
    int take = 1;
    for (const char* text : {"[1]", "{}", R"({"time": "now", "kind": "network", "message": ""})"}) {
        const Asked what = asked(shot + std::to_string(++take));
        const std::string key = what.key + "\n" + m_settings.get("stage");
        std::ofstream(memory + "/" + base::sha256_hex(key).substr(0, 32) + ".json") << text;
        EXPECT_NO_THROW(supply.frames(what, m_settings)) << text;
    }
}

TEST_F(SupplyTest, ADamagedFileIsNamed)
{
    const auto server = gateway();
    Supply supply(m_clock);
    const std::string shot = write("shot.kling", recipe);
    const StoredSet set = supply.frames(asked(shot + "?on_miss=generate"), m_settings);
    fs::resize_file(set.frames[1].path, 100);
    try {
        supply.frames(asked(shot), m_settings);
        FAIL();
    } catch (const DamagedError& error) {
        EXPECT_THAT(error.what(), HasSubstr(set.frames[1].path));
    }
    EXPECT_EQ(supply.frames(asked(shot + "?on_miss=generate"), m_settings).frames.size(), 2U)
        << "fetched again";
    EXPECT_EQ(server->creates(), 1U) << "without paying again";
}

TEST_F(SupplyTest, PicturesAreTheFramesInOrder)
{
    const auto server = gateway();
    Supply supply(m_clock);
    const std::string shot = write("shot.kling", recipe);
    const StoredSet set = supply.frames(asked(shot + "?on_miss=generate"), m_settings);
    const auto pictures = oiio::frame_pictures(set, {}, 0);
    EXPECT_EQ(pictures->count(), 2);
    EXPECT_EQ(pictures->spec(1).get_string_attribute("oiio:subimagename"), "frame.2");
    EXPECT_EQ(pictures->spec(1).format, OIIO::TypeDesc(OIIO::TypeDesc::HALF));
    const auto shows_frame = [&](int index, const FrameOptions& options) {
        const auto shown = oiio::frame_pictures(set, options, index);
        OIIO::ImageBuf image(shown->spec(0));
        shown->rows(0)->read(0, image.spec().height, image.localpixels());
        FrameOptions half = options;
        half.format = "half";
        const OIIO::ImageBuf expected = load_frame(set, index, half).image;
        return expected.spec().format == image.spec().format
            && std::memcmp(expected.localpixels(), image.localpixels(), image.spec().image_bytes())
            == 0;
    };
    EXPECT_TRUE(shows_frame(2, {}));
    FrameOptions codes;
    codes.to = "srgb";
    EXPECT_TRUE(shows_frame(1, codes));
    EXPECT_EQ(oiio::frame_pictures(set, {}, 2)->spec(0).get_int_attribute("klio:frame"), 2);
    EXPECT_THROW(oiio::frame_pictures(set, {}, 3), UsageError);
}

TEST_F(SupplyTest, ASheetShowsTheFramesThatAreThereNow)
{
    const auto server = gateway();
    Supply supply(m_clock);
    StoredSet set
        = supply.frames(asked(write("shot.kling", recipe) + "?on_miss=generate"), m_settings);
    const std::string first = supply.sheet(set, m_settings);
    EXPECT_EQ(supply.sheet(set, m_settings), first);
    set.frames.pop_back(); // as of a job that was deleted and bought again
    EXPECT_NE(supply.sheet(set, m_settings), first);
}

TEST_F(SupplyTest, ASheetThatLacksAPlateIsMadeAgainWithIt)
{
    const auto server = gateway();
    Supply supply(m_clock);
    StoredSet set
        = supply.frames(asked(write("shot.kling", recipe) + "?on_miss=generate"), m_settings);
    set.missing_references = {1};
    const std::string without = supply.sheet(set, m_settings);
    set.missing_references.clear();
    EXPECT_NE(supply.sheet(set, m_settings), without);
}

TEST_F(SupplyTest, ASheetOfPreviewsIsMarkedAsSuch)
{
    Supply supply(m_clock);
    const StoredSet set
        = supply.frames(asked(write("shot.kling", recipe) + "?on_miss=preview"), m_settings);
    const OIIO::ImageSpec spec = oiio::sheet_pictures(set, supply.sheet(set, m_settings))->spec(0);
    const OIIO::ImageSpec frame = frame_spec(set, 1, {});
    EXPECT_EQ(spec.get_int_attribute("klio:preview"), 1);
    for (const char* name : {"klio:job", "klio:model", "Iptc4xmpExt:DigitalSourceType"}) {
        EXPECT_NE(frame.get_string_attribute(name), "") << name;
        EXPECT_EQ(spec.get_string_attribute(name), frame.get_string_attribute(name));
    }
    EXPECT_FALSE(spec.find_attribute("klio:frame")) << "it shows all of them";
}

TEST_F(SupplyTest, ASheetGoesWithoutWhatIsOfOneFrame)
{
    const std::string shot = write("shot.kling", R"({"prompt": "x", "klio": {"to": "ACEScg"}})");
    EXPECT_TRUE(asked(shot + "?sheet=1&take=2&fit=none").sheet) << "what the recipe says is let be";
    for (const char* query : {"frame=2", "to=srgb", "conform=a.exr", "match=color", "fit=64x36"})
        EXPECT_THROW(asked(shot + "?sheet=1&" + query), UsageError) << query;
    EXPECT_THROW(asked(shot + "?frame=2", {{"klio:sheet", "1"}}), UsageError);
    EXPECT_FALSE(asked(shot + "?frame=2&sheet=0").sheet);
}

TEST_F(SupplyTest, FramesWhosePlateIsGoneSaySo)
{
    const auto server = gateway();
    Supply supply(m_clock);
    const std::string plate = path("plate.png");
    const OIIO::ImageSpec spec(64, 64, 3, OIIO::TypeDesc::UINT8);
    OIIO::ImageBuf grey(spec);
    ASSERT_TRUE(grey.write(plate));
    const std::string shot
        = write("shot.kling", R"({"prompt": "a fox", "images": ["plate.png"], "num_images": 1})");
    const auto names = [&](const StoredSet& set) {
        return oiio::frame_pictures(set, {}, 0)
            ->spec(0)
            .get_string_attribute("klio:missing_references");
    };
    EXPECT_EQ(names(supply.frames(asked(shot + "?on_miss=generate"), m_settings)), "");
    fs::remove(plate);
    EXPECT_EQ(names(supply.frames(asked(shot), m_settings)), "1");
    EXPECT_THROW(supply.frames(asked(shot + "?take=2"), m_settings), ReferenceError);
}
