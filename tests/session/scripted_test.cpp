#include "plate_support.h"

#include "base/encoding.h"
#include "base/file.h"

#include <httplib.h>

#include <mutex>

namespace {

using namespace klio;

/// A service on loopback whose answers a test writes: shapes that the local gateway never gives.
class Scripted : public klio::test::PlateTest {
protected:
    Scripted()
    {
        picture = base::read_file(plate("picture.png", 0.5f));
        m_server.Post("/api/v1/images/generations",
                      [this](const httplib::Request&, httplib::Response& response) {
                          ++creates;
                          response.set_content(create, "application/json");
                      });
        m_server.Get(R"(/api/v1/tasks/.*)",
                     [this](const httplib::Request&, httplib::Response& response) {
                         const size_t turn = std::min(size_t(polls++), tasks.size() - 1);
                         if (tasks.empty())
                             response.status = 404;
                         else
                             response.set_content(tasks[turn], "application/json");
                     });
        m_server.Get("/picture.png", [this](const httplib::Request&, httplib::Response& response) {
            response.status = picture_status;
            response.set_content(picture, "image/png");
        });
        const int port = m_server.bind_to_any_port("127.0.0.1");
        m_thread = std::thread([this] { m_server.listen_after_bind(); });
        while (!m_server.is_running())
            std::this_thread::yield();
        endpoint = "http://127.0.0.1:" + std::to_string(port);
    }
    ~Scripted() override
    {
        m_server.stop();
        m_thread.join();
    }

    GenerateOptions scripted() const
    {
        GenerateOptions made;
        made.endpoint = endpoint;
        made.key = "test-key-0123456789";
        return made;
    }
    std::string url() const { return endpoint + "/picture.png"; }

    ErrorKind kind_of(const std::function<void()>& call, std::string* message = nullptr)
    {
        try {
            call();
            return ErrorKind::internal;
        } catch (const Error& error) {
            if (message)
                *message = error.what();
            return error.kind();
        }
    }

    std::string endpoint, picture;
    std::string create;             ///< the answer to every create
    std::vector<std::string> tasks; ///< those to polls, the last for ever; none: 404
    int picture_status = 200;
    int creates = 0, polls = 0;

private:
    httplib::Server m_server;
    std::thread m_thread;
};

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
