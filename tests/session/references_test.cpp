#include "session_support.h"

#include "store/store.h"

#include <OpenImageIO/imageio.h>

#include <fcntl.h>
#include <sys/stat.h>

namespace {

using namespace klio;
using klio::test::SessionTest;

/// Requests with a reference of their own making.
class References : public SessionTest {
protected:
    std::string plate(const std::string& name, float value)
    {
        const std::string path = folder + "/" + name;
        OIIO::ImageSpec spec(400, 400, 3, OIIO::TypeDesc::UINT8);
        auto out = OIIO::ImageOutput::create(path);
        const std::vector<float> pixels(400 * 400 * 3, value);
        EXPECT_TRUE(out && out->open(path, spec)
                    && out->write_image(OIIO::TypeDesc::FLOAT, pixels.data()) && out->close());
        // Old enough for its time to be trusted.
        const timespec times[2] = {{1000000, 0}, {1000000, 0}};
        ::utimensat(AT_FDCWD, path.c_str(), times, 0);
        return path;
    }

    static Request with(const std::string& image)
    {
        Request made = request();
        made.images = {image};
        return made;
    }
};

TEST_F(References, ASecondOpeningNeitherPreparesNorSends)
{
    serve();
    const std::string path = plate("plate.png", 0.5f);
    const StoredSet set = Session(settings).generate(with(path), options());
    ASSERT_EQ(set.references.size(), 1u);
    EXPECT_EQ(set.references[0].source, path);
    EXPECT_FALSE(set.references[0].record.empty());

    Session session(settings);
    GenerateOptions looking = options();
    int steps = 0;
    looking.progress = [&](const Progress&) { return ++steps > 0; };
    const auto found = session.find(with(path), looking);
    ASSERT_TRUE(found);
    EXPECT_EQ(found->job, set.job);
    EXPECT_EQ(steps, 0);
}

TEST_F(References, OtherPixelsAreAnotherJob)
{
    serve();
    Session session(settings);
    const std::string one = session.generate(with(plate("a.png", 0.2f)), options()).job;
    EXPECT_NE(session.generate(with(plate("a.png", 0.9f)), options()).job, one);
    EXPECT_EQ(gateway->creates(), 2u);
}

TEST_F(References, TheSamePixelsUnderAnotherNameAreTheSameJob)
{
    serve();
    Session session(settings);
    const std::string one = session.generate(with(plate("a.png", 0.2f)), options()).job;
    EXPECT_EQ(session.generate(with(plate("b.png", 0.2f)), options()).job, one);
    EXPECT_EQ(gateway->creates(), 1u);
}

// A later build that encodes other bytes: what was paid for is found by the SHA-256 that the memo
// has, whatever preparing would give now.
TEST_F(References, AJobIsFoundAfterTheEncoderChanged)
{
    serve();
    const std::string path = plate("a.png", 0.2f);
    const std::string job = Session(settings).generate(with(path), options()).job;
    const std::string old(64, 'e');
    {
        store::Store store(settings.data_folder());
        Request asked = with(path);
        store.database().execute(("UPDATE memo_prepared SET sha256 = '" + old + "'").c_str());
        const std::string key = job_key(asked, "test", {old});
        store.database().execute(
            ("UPDATE jobs SET key = '" + key + "' WHERE key = '" + job + "'").c_str());
    }
    EXPECT_EQ(Session(settings).generate(with(path), options()).frames.size(), 1u);
    EXPECT_EQ(gateway->creates(), 1u);
    // And one that was never bought is, under that id, with the bytes of today.
    Request take = with(path);
    take.take = 2;
    const StoredSet second = Session(settings).generate(take, options());
    EXPECT_EQ(second.references.at(0).id, old);
    EXPECT_EQ(gateway->creates(), 2u);
}

TEST_F(References, MissingReferenceIsFoundBeforeAnythingIsSent)
{
    serve();
    Session session(settings);
    EXPECT_EQ(generate_kind(session, with(folder + "/none.exr")), ErrorKind::reference);
    EXPECT_EQ(gateway->creates(), 0u);
}

TEST_F(References, NoStageForAServiceElsewhereIsSaidBeforeAnythingIsSent)
{
    serve();
    Session session(settings);
    GenerateOptions away = options();
    away.endpoint = "https://service.invalid";
    EXPECT_THROW(session.generate(with(plate("a.png", 0.2f)), away), UsageError);
    EXPECT_TRUE(Jobs(settings).list().empty());
}

TEST_F(References, StagedPlateIsGoneWhenItsJobEnds)
{
    serve();
    std::filesystem::create_directories(folder + "/stage");
    GenerateOptions staged = options();
    staged.stage = "file://" + folder + "/stage?url=http://127.0.0.1:1/stage";
    Session session(settings);
    try {
        session.generate(with(plate("a.png", 0.2f)), staged);
    } catch (const Error&) {
        // Whether a stage without a server passes its own check is not this test's business.
    }
    EXPECT_TRUE(std::filesystem::is_empty(folder + "/stage"));
    EXPECT_TRUE(store::Store(settings.data_folder()).staged().list().empty());
}

TEST_F(References, PassedOnUrlIsSentAsItIs)
{
    serve();
    const Plan plan = Session(settings).plan(with("https://example.com/plate.png"), options());
    EXPECT_NE(plan.body.find("\"https://example.com/plate.png\""), std::string::npos);
    EXPECT_EQ(plan.references.at(0).id, "url:https://example.com/plate.png");
    EXPECT_TRUE(plan.prepared.at(0).bytes.empty());
}

TEST_F(References, PlanCutsInlineDataAndCountsItWhole)
{
    serve();
    const Plan plan = Session(settings).plan(with(plate("a.png", 0.2f)), options());
    EXPECT_LT(plan.body.size(), 1000u);
    EXPECT_GT(plan.body_bytes, plan.prepared.at(0).bytes.size());
}

} // namespace
