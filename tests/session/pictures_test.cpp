#include "scripted_support.h"

#include "base/encoding.h"

#include <gmock/gmock.h>

#include <fstream>
#include <stdexcept>

namespace {

using namespace klio;
using klio::test::Scripted;
using testing::HasSubstr;

/// What becomes of the pictures that a finished task names, where something is wrong with them.
class Pictures : public Scripted {
protected:
    Pictures()
    {
        create = R"({"data":{"task_id":"t1","status":"queued"}})";
        settings.set("timeout", "60");
        a = base::read_file(plate("a.png", 0.2f));
        b = base::read_file(plate("b.png", 0.8f));
        jpeg = base::read_file(plate("c.jpg", 0.5f));
    }
    static std::vector<std::string> stored(const StoredSet& set)
    {
        std::vector<std::string> bytes;
        for (const StoredFrame& frame : set.frames)
            bytes.push_back(store::read_frame_bytes(frame));
        return bytes;
    }
    std::string a, b, jpeg;
};

TEST_F(Pictures, AreDecodedBeforeTheyAreStored)
{
    // The markers are all there; the pixels are not.
    std::string damaged = jpeg;
    const size_t scan = damaged.find("\xFF\xDA");
    ASSERT_NE(scan, std::string::npos);
    damaged.erase(scan + 20, (damaged.size() - scan - 22) / 2);
    tasks = {done({"1"})};
    pictures["/pictures/1"] = {{200, damaged}, {200, jpeg}};
    Session session(settings);
    const StoredSet set = session.generate(request(), scripted());
    EXPECT_EQ(stored(set), std::vector<std::string> {jpeg});
    EXPECT_EQ(polls, 2);
    EXPECT_EQ(creates, 1);
}

TEST_F(Pictures, ThatNobodyCanReadAreKeptAllTheSame)
{
    const std::string gif = "GIF89a" + std::string(500, 'x');
    tasks = {done({"1"})};
    pictures["/pictures/1"] = {{200, gif}};
    Session session(settings);
    std::string message;
    EXPECT_EQ(kind_of([&] { session.generate(request(), scripted()); }, &message),
              ErrorKind::damaged);
    const size_t start = message.find("kept in ");
    ASSERT_NE(start, std::string::npos) << message;
    const std::string path
        = message.substr(start + 8, message.find(".unreadable", start) + 11 - start - 8);
    EXPECT_EQ(base::read_file(path), gif);
    // Once the service has the picture, it takes its place.
    pictures["/pictures/1"] = {{200, a}};
    EXPECT_EQ(stored(session.generate(request(), scripted())), std::vector<std::string> {a});
    EXPECT_FALSE(std::filesystem::exists(path));
    EXPECT_EQ(creates, 1);
}

// A fresh answer may have other URLs, whatever it was that the kept ones came to.
TEST_F(Pictures, OfAKeptAnswerAreAskedForAfresh)
{
    for (const auto& [status, body] : std::vector<std::pair<int, std::string>> {
             {400, "<Error>expired</Error>"}, {401, "no"}, {200, "<html>expired</html>"}}) {
        polls = creates = 0;
        tasks = {done({"old"}), done({"new"})};
        pictures["/pictures/old"] = {{status, body}};
        pictures["/pictures/new"] = {{503, ""}};
        Request asked = request("a door " + std::to_string(status) + body);
        settings.set("timeout", "5");
        Session session(settings);
        EXPECT_THROW(session.generate(asked, scripted()), Error);
        pictures["/pictures/new"] = {{200, a}};
        const StoredSet set = session.generate(asked, scripted());
        EXPECT_EQ(stored(set), std::vector<std::string> {a}) << status;
        EXPECT_EQ(creates, 1);
    }
}

TEST_F(Pictures, InAnotherOrderAreKnownByTheirBytes)
{
    tasks = {done({"a", "b"}), done({"b2", "a"})};
    pictures["/pictures/a"] = {{200, a}};
    pictures["/pictures/b"] = {{403, ""}};
    pictures["/pictures/b2"] = {{200, b}};
    const StoredSet set = Session(settings).generate(request("two", 2), scripted());
    EXPECT_EQ(stored(set), (std::vector<std::string> {a, b}));
}

TEST_F(Pictures, ThatAFreshAnswerNoLongerNamesAreMissed)
{
    tasks = {done({"a", "b"}), done({"a"})};
    pictures["/pictures/a"] = {{200, a}};
    pictures["/pictures/b"] = {{403, ""}};
    Session session(settings);
    std::string message;
    EXPECT_EQ(kind_of([&] { session.generate(request("two", 2), scripted()); }, &message),
              ErrorKind::damaged);
    EXPECT_THAT(message, HasSubstr("1 of 2 images"));
    EXPECT_EQ(Jobs(settings).list().at(0).set.state, JobState::submitted);
    // Nor does a later run forget them.
    EXPECT_EQ(kind_of([&] { session.generate(request("two", 2), scripted()); }),
              ErrorKind::damaged);
    EXPECT_EQ(Jobs(settings).list().at(0).set.state, JobState::submitted);
}

TEST_F(Pictures, InAnotherOrderAreKnownByALaterRunToo)
{
    tasks = {done({"a", "b", "c"}), done({"c2", "b2", "a2"})};
    pictures["/pictures/a"] = pictures["/pictures/a2"] = {{200, a}};
    pictures["/pictures/b"] = pictures["/pictures/c"] = {{403, ""}};
    pictures["/pictures/b2"] = {{200, b}};
    pictures["/pictures/c2"] = {{403, ""}};
    Session session(settings);
    EXPECT_THROW(session.generate(request("three", 3), scripted()), Error);
    pictures["/pictures/c2"] = {{200, jpeg}};
    EXPECT_EQ(stored(session.generate(request("three", 3), scripted())),
              (std::vector<std::string> {a, b, jpeg}));
}

TEST_F(Pictures, TheSameTwiceAreTwoFramesInALaterRunToo)
{
    tasks = {done({"a", "again"})};
    pictures["/pictures/a"] = {{200, a}};
    pictures["/pictures/again"] = {{403, ""}};
    Session session(settings);
    EXPECT_THROW(session.generate(request("two", 2), scripted()), Error);
    pictures["/pictures/again"] = {{200, a}};
    EXPECT_EQ(stored(session.generate(request("two", 2), scripted())),
              (std::vector<std::string> {a, a}));
}

TEST_F(Pictures, WhoseFilesAreDamagedAreFoundWhereverTheyStand)
{
    tasks = {done({"a", "b"})};
    pictures["/pictures/a"] = pictures["/pictures/a2"] = {{200, a}};
    pictures["/pictures/b"] = pictures["/pictures/b2"] = {{200, b}};
    Session session(settings);
    const StoredSet set = session.generate(request("two", 2), scripted());
    const auto damage = [&](size_t index) { std::ofstream(set.frames[index].path) << "damaged"; };
    // The old URLs are gone; what the service says now is in another order.
    pictures["/pictures/a"] = pictures["/pictures/b"] = {{403, ""}};
    tasks = {done({"b2", "a2"})};
    damage(0);
    EXPECT_EQ(stored(session.generate(request("two", 2), scripted())),
              (std::vector<std::string> {a, b}));
    damage(0);
    damage(1);
    EXPECT_EQ(stored(session.generate(request("two", 2), scripted())),
              (std::vector<std::string> {a, b}));
    // What is not the same any more takes the place that it stands at.
    pictures["/pictures/b2"] = {{200, jpeg}};
    damage(0);
    damage(1);
    EXPECT_EQ(stored(session.generate(request("two", 2), scripted())),
              (std::vector<std::string> {a, jpeg}));
    EXPECT_EQ(creates, 1);
}

TEST_F(Pictures, ByTheHundredAreNotAllFetched)
{
    std::vector<std::string> names;
    for (int i = 0; i < 70; ++i) {
        names.push_back(std::to_string(i));
        pictures["/pictures/" + names.back()] = {{200, a}};
    }
    tasks = {done(names)};
    EXPECT_EQ(Session(settings).generate(request(), scripted()).frames.size(), 64u);
}

TEST_F(Pictures, OfTheRequestItselfAreNoResult)
{
    Request asked = request();
    asked.images = {"https://plates.example/plate.png"};
    tasks = {R"({"data":{"status":"completed","result":["https://plates.example/plate.png",")"
             + url() + R"("]}})"};
    const StoredSet set = Session(settings).generate(asked, scripted());
    EXPECT_EQ(set.frames.size(), 1u);
    EXPECT_EQ(stored(set), std::vector<std::string> {picture});
}

TEST_F(Pictures, ATaskThatIsGoneAfterItsPicturesWereNamedStaysPaidFor)
{
    create = R"({"data":{"task_id":"t1","status":"completed","images":[")" + endpoint
        + R"(/pictures/gone"]}})";
    Session session(settings);
    std::string message;
    EXPECT_EQ(kind_of([&] { session.generate(request(), scripted()); }, &message),
              ErrorKind::damaged);
    EXPECT_THAT(message, HasSubstr("counts as spent"));
    EXPECT_EQ(Jobs(settings).list().at(0).set.state, JobState::submitted);
    pictures["/pictures/gone"] = {{200, a}}; // and may come back
    EXPECT_EQ(stored(session.generate(request(), scripted())), std::vector<std::string> {a});
    EXPECT_EQ(creates, 1);
}

// A recipe names the endpoint here, and any user of the machine may listen there.
TEST_F(Pictures, TheSettingsKeyIsNotSentToAPortThatARecipeNames)
{
    tasks = {done({"1"})};
    pictures["/pictures/1"] = {{200, a}};
    setenv("KLIO_API_KEY", " key-of-the-settings\n", 1);
    Settings with_key;
    unsetenv("KLIO_API_KEY");
    with_key.set("home", settings.data_folder());
    GenerateOptions named = scripted();
    named.key.clear();
    Session(with_key).generate(request("by a recipe"), named);
    EXPECT_EQ(authorization, "Bearer local");
    named.endpoint_by_user = true;
    Session(with_key).generate(request("by a flag"), named);
    EXPECT_EQ(authorization, "Bearer key-of-the-settings");
}

// A callback must be able to stop what hangs, not only what moves.
TEST_F(Pictures, ACallbackStopsAWaitInWhichNothingHappens)
{
    tasks = {R"({"data":{"status":"running"}})"};
    hang = true;
    GenerateOptions stopped = scripted();
    int repeated = 0;
    stopped.progress = [&](const Progress& progress) {
        repeated += progress.repeated;
        return repeated < 3;
    };
    std::string message;
    EXPECT_EQ(kind_of([&] { Session(settings).generate(request(), stopped); }, &message),
              ErrorKind::cancelled);
    EXPECT_THAT(message, HasSubstr("counts as at least 6 credits"));
    hang = false;
}

// A callback of Python's raises whatever it likes, KeyboardInterrupt among it.
TEST_F(Pictures, ACallbackThatThrowsDoesNotLoseWhatWasBought)
{
    tasks = {done({"1"})};
    pictures["/pictures/1"] = {{200, a}};
    create_after = std::chrono::milliseconds(400);
    GenerateOptions raising = scripted();
    raising.progress = [](const Progress& progress) {
        if (progress.step == "create" && progress.repeated)
            throw std::logic_error("raised");
        return true;
    };
    Session session(settings);
    EXPECT_THROW(session.generate(request(), raising), std::logic_error);
    EXPECT_EQ(Jobs(settings).list().at(0).set.state, JobState::submitted);
    EXPECT_EQ(Jobs(settings).list().at(0).set.task_id, "t1");
    EXPECT_EQ(stored(session.generate(request(), scripted())), std::vector<std::string> {a});
    EXPECT_EQ(creates, 1);
}

TEST_F(Pictures, AnEnvelopesSuccessIsNotTheTasks)
{
    create = R"({"status":"success","data":{"task_id":"t1"}})";
    tasks = {R"({"status":"success","data":{"status":"FAILED",
        "error":{"message":"content policy violation"}}})"};
    EXPECT_EQ(kind_of([&] { Session(settings).generate(request(), scripted()); }),
              ErrorKind::refusal);
    EXPECT_EQ(Jobs(settings).cost().total(), 0);
}

TEST_F(Pictures, OfACreateWhoseWordIsUnknownAreTaken)
{
    create = R"({"status":"ok","data":[{"url":")" + url() + R"("}]})";
    EXPECT_EQ(stored(Session(settings).generate(request(), scripted())),
              std::vector<std::string> {picture});
    EXPECT_EQ(creates, 1);
}

} // namespace
