#include "scripted_support.h"

#include "base/encoding.h"

namespace {

using namespace klio;

using klio::test::Scripted;

TEST_F(Scripted, ACreateMayBeAnsweredWithAnIdAndTheImagesAtOnce)
{
    create = R"({"code":200,"data":{"task_id":"t1","status":"completed","images":[")" + url()
        + R"("]}})";
    Session session(settings);
    const StoredSet set = session.generate(request(), scripted());
    EXPECT_EQ(set.task_id, "t1");
    EXPECT_EQ(set.frames.size(), 1u);
    EXPECT_EQ(polls, 0); // they are there: nothing to wait for
    EXPECT_EQ(Jobs(settings).cost().spent, 6);
}

TEST_F(Scripted, ImagesThatCameWithAnIdAreFetchedAgainByItOnceTheirUrlExpired)
{
    create = R"({"data":{"task_id":"t1","status":"completed","images":[")" + endpoint
        + R"(/gone.png"]}})";
    tasks = {R"({"data":{"status":"completed","images":[")" + url() + R"("]}})"};
    const StoredSet set = Session(settings).generate(request(), scripted());
    EXPECT_EQ(set.frames.size(), 1u);
    EXPECT_EQ(polls, 1);
}

TEST_F(Scripted, AnIdWithInlineImagesNeedsNoTask)
{
    create = R"({"id":"t1","data":[{"b64_json":")" + base::base64(picture.data(), picture.size())
        + R"("}]})";
    const StoredSet set = Session(settings).generate(request(), scripted());
    EXPECT_EQ(store::read_frame_bytes(set.frames.at(0)), picture);
    EXPECT_EQ(polls, 0);
}

// A word that is in no table may mean "done": the run waits until its deadline, and a person takes
// the pictures from the answer that was kept.
TEST_F(Scripted, AnAnswerUnderAnUnknownWordIsKeptAndRecovered)
{
    create = R"({"data":{"task_id":"t1","status":"queued"}})";
    tasks
        = {R"({"data":{"task_id":"t1","status":"HAPPY","gallery":{"pics":[")" + url() + R"("]}}})"};
    settings.set("timeout", "30");
    Session session(settings);
    std::string message;
    EXPECT_EQ(kind_of([&] { session.generate(request(), scripted()); }, &message),
              ErrorKind::timeout);
    EXPECT_NE(message.find("klio jobs recover"), std::string::npos) << message;
    Jobs jobs(settings);
    const std::string job = jobs.list().at(0).set.job;
    EXPECT_NE(jobs.raw(job).task.find("HAPPY"), std::string::npos);
    const int before = polls;
    EXPECT_EQ(session.recover(job, "/data/gallery/pics", scripted()).frames.size(), 1u);
    EXPECT_EQ(polls, before); // from what was kept
    EXPECT_EQ(jobs.job(job).set.state, JobState::succeeded);
    EXPECT_EQ(jobs.cost().spent, 6);
    EXPECT_EQ(session.generate(request(), scripted()).frames.size(), 1u);
    EXPECT_EQ(creates, 1);
}

// "expired" may be said of a task that waited too long, and of results that are kept no longer.
TEST_F(Scripted, AnExpiredTaskIsNotTakenForFree)
{
    create = R"({"data":{"task_id":"t1","status":"queued"}})";
    tasks = {R"({"data":{"status":"EXPIRED"}})"};
    Session session(settings);
    EXPECT_EQ(kind_of([&] { session.generate(request(), scripted()); }), ErrorKind::unknown);
    EXPECT_EQ(kind_of([&] { session.generate(request(), scripted()); }), ErrorKind::unknown);
    EXPECT_EQ(creates, 1);
    EXPECT_EQ(Jobs(settings).cost().unknown, 6);
}

TEST_F(Scripted, ATaskThatExpiresAfterItsSuccessStaysPaidForAndKeepsItsAnswer)
{
    create = R"({"data":{"task_id":"t1","status":"queued"}})";
    tasks = {R"({"data":{"status":"completed","images":[")" + url() + R"("]}})",
             R"({"data":{"status":"expired"}})"};
    picture_status = 410;
    Session session(settings);
    std::string message;
    EXPECT_EQ(kind_of([&] { session.generate(request(), scripted()); }, &message),
              ErrorKind::damaged);
    EXPECT_NE(message.find("--as-it-is"), std::string::npos) << message;
    Jobs jobs(settings);
    const std::string job = jobs.list().at(0).set.job;
    EXPECT_EQ(jobs.job(job).set.state, JobState::submitted);
    EXPECT_EQ(jobs.cost().total(), 6);
    EXPECT_NE(jobs.raw(job).task.find("completed"), std::string::npos);
    // Another run asks again, and buys nothing; the pictures may be back.
    picture_status = 200;
    EXPECT_EQ(session.generate(request(), scripted()).frames.size(), 1u);
    EXPECT_EQ(creates, 1);
}

} // namespace
