#include "plate_support.h"

#include "store/flight.h"
#include "store/store.h"

namespace {

using namespace klio;

class References : public klio::test::PlateTest { };

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

TEST_F(References, WhatIsWrongWithTheRequestAndWithPreparingIsSaidAtOnce)
{
    serve();
    Request asked = with(plate("plate.png", 0.5f));
    asked.num_images = 12;
    GenerateOptions wrong = options();
    wrong.prepare.policy = "textur";
    wrong.prepare.quality = 0;
    Session session(settings);
    for (int call = 0; call < 3; ++call)
        try {
            if (call == 0)
                session.generate(asked, wrong);
            else if (call == 1)
                session.find(asked, wrong);
            else
                session.plan(asked, wrong);
            FAIL() << call;
        } catch (const RequestError& error) {
            ASSERT_EQ(error.problems().size(), 3u) << call;
            EXPECT_EQ(error.problems()[0].field, "num_images");
            EXPECT_EQ(error.problems()[1].field, "policy");
            EXPECT_EQ(error.problems()[2].field, "quality");
        }
    EXPECT_EQ(gateway->creates(), 0u);
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

// The key was made from what the plate held when it was named; another picture must not be bought
// under it.
TEST_F(References, APlateThatChangesBeforeItIsSentIsNotSent)
{
    serve();
    const std::string path = plate("a.png", 0.2f);
    Session session(settings);
    const std::string first = session.generate(with(path), options()).references.at(0).id;
    Request take = with(path);
    take.take = 2;
    GenerateOptions meanwhile = options();
    int changes = 0;
    // Known by its memo, so it is prepared only now that it is to be sent.
    meanwhile.progress = [&](const Progress& progress) {
        if (progress.step == "prepare" && ++changes == 1)
            plate("a.png", 0.9f);
        return true;
    };
    try {
        session.generate(take, meanwhile);
        ADD_FAILURE() << "it was bought";
    } catch (const ReferenceError& error) {
        EXPECT_NE(std::string(error.what()).find("nothing was sent"), std::string::npos);
    }
    EXPECT_EQ(changes, 1);
    EXPECT_EQ(gateway->creates(), 1u);
    EXPECT_EQ(Jobs(settings).list().size(), 1u);
    // The next run names what is there now.
    EXPECT_NE(session.generate(take, options()).references.at(0).id, first);
    EXPECT_EQ(gateway->creates(), 2u);
}

TEST_F(References, APlateThatChangesWhileItsJobIsWaitedForIsNotSent)
{
    serve();
    const std::string path = plate("a.png", 0.2f);
    Session session(settings);
    session.generate(with(path), options());
    Request take = with(path);
    take.take = 2;
    std::string key;
    {
        const Plan plan = session.plan(take, options());
        key = plan.job;
    }
    store::Store store(settings.data_folder());
    auto other = std::make_unique<store::Flight>();
    ASSERT_TRUE(other->try_take(store.lock_path(key)));
    GenerateOptions waiting = options();
    waiting.progress = [&](const Progress& progress) {
        if (progress.step == "wait" && other) {
            plate("a.png", 0.9f);
            other.reset(); // the other process ends without having bought it
        }
        return true;
    };
    EXPECT_THROW(session.generate(take, waiting), ReferenceError);
    EXPECT_EQ(gateway->creates(), 1u);
}

// A filesystem whose times are too coarse: the memo takes the file for what it was.
TEST_F(References, AChangeThatAFilesTimesDoNotShowIsFoundBeforeItIsSent)
{
    serve();
    const std::string path = plate("a.png", 0.2f);
    Session session(settings);
    session.generate(with(path), options());
    plate("b.png", 0.9f);
    session.find(with(folder + "/b.png"), options());
    {
        store::Store store(settings.data_folder());
        store.database().execute(
            ("UPDATE memo_source SET sha256 = (SELECT sha256 FROM memo_source WHERE path = '" + path
             + "') WHERE path = '" + folder + "/b.png'")
                .c_str());
    }
    Request take = with(folder + "/b.png");
    take.take = 2;
    EXPECT_THROW(session.generate(take, options()), ReferenceError);
    EXPECT_EQ(gateway->creates(), 1u);
    EXPECT_EQ(session.generate(take, options()).frames.size(), 1u);
}

TEST_F(References, MissingReferenceIsFoundBeforeAnythingIsSent)
{
    serve();
    Session session(settings);
    EXPECT_EQ(generate_kind(session, with(folder + "/none.exr")), ErrorKind::reference);
    EXPECT_EQ(gateway->creates(), 0u);
}

TEST_F(References, FramesAreFoundThoughTheirPlateIsGone)
{
    serve();
    const std::string path = plate("plate.png", 0.5f);
    // Just written, as by the script that then calls klio.
    ASSERT_EQ(::utimensat(AT_FDCWD, path.c_str(), nullptr, 0), 0);
    const StoredSet set = Session(settings).generate(with(path), options());
    EXPECT_TRUE(set.missing_references.empty());
    std::filesystem::remove(path);

    Session session(settings);
    const auto found = session.find(with(path), options());
    ASSERT_TRUE(found);
    EXPECT_EQ(found->job, set.job);
    EXPECT_EQ(found->missing_references, std::vector<int> {1});
    ASSERT_FALSE(found->warnings.empty());
    EXPECT_NE(found->warnings.back().find("plate.png"), std::string::npos);
    EXPECT_EQ(session.generate(with(path), options()).job, set.job);

    // What was not bought can't be, nor is anything else taken for it.
    Request other = with(path);
    other.take = 2;
    EXPECT_EQ(generate_kind(session, other), ErrorKind::reference);
    EXPECT_THROW(session.find(other, options()), ReferenceError);
    EXPECT_THROW(session.plan(with(path), options()), ReferenceError);
    GenerateOptions cropped = options();
    cropped.prepare.fit = "none";
    EXPECT_THROW(session.find(with(path), cropped), ReferenceError);
    EXPECT_EQ(gateway->creates(), 1u);

    // Another picture in its place is another picture.
    plate("plate.png", 0.25f);
    EXPECT_FALSE(session.find(with(path), options()));
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
