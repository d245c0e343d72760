#include "plate_support.h"

#include "base/file.h"
#include "base/log.h"

#include <httplib.h>

namespace {

using namespace klio;

/// A host of plates on loopback.
class UrlReferences : public klio::test::PlateTest {
protected:
    UrlReferences()
    {
        m_server.Get("/plate.png", [this](const httplib::Request&, httplib::Response& response) {
            ++fetches;
            response.status = status;
            response.set_content(body, "image/png");
        });
        const int port = m_server.bind_to_any_port("127.0.0.1");
        m_thread = std::thread([this] { m_server.listen_after_bind(); });
        while (!m_server.is_running())
            std::this_thread::yield();
        url = "http://127.0.0.1:" + std::to_string(port) + "/plate.png";
        body = picture(0.2f);
        base::set_log_sink([this](base::LogLevel, const std::string& line) { log += line + "\n"; });
    }
    ~UrlReferences() override
    {
        base::set_log_sink({});
        m_server.stop();
        m_thread.join();
    }

    std::string picture(float value) { return base::read_file(plate("served.png", value)); }

    GenerateOptions prepared() const
    {
        GenerateOptions made = options();
        made.prepare_urls = true;
        return made;
    }

    bool logged(const std::string& words) const { return log.find(words) != std::string::npos; }

    std::string url;
    std::string body; ///< what it serves; set between requests
    std::string log;
    int status = 200;
    int fetches = 0;

private:
    httplib::Server m_server;
    std::thread m_thread;
};

TEST_F(UrlReferences, IsPassedOnUnreadAndTheServiceFetchesIt)
{
    serve();
    const StoredSet set = Session(settings).generate(with(url), options());
    EXPECT_EQ(set.references.at(0).id, "url:" + url);
    EXPECT_TRUE(set.references.at(0).record.empty());
    EXPECT_EQ(fetches, 1); // by the gateway
    EXPECT_EQ(set.frames.size(), 1u);
}

TEST_F(UrlReferences, IsNotFetchedFromAPrivateAddressUnlessThatHostIsAllowed)
{
    serve();
    Session session(settings);
    std::string message;
    try {
        session.generate(with(url), prepared());
    } catch (const ReferenceError& error) {
        message = error.what();
    }
    EXPECT_NE(message.find("can't be fetched"), std::string::npos) << message;
    EXPECT_EQ(fetches, 0);
    EXPECT_EQ(gateway->creates(), 0u);
}

TEST_F(UrlReferences, IsFetchedAndPreparedLikeAFile)
{
    serve();
    settings.set("allow_hosts", "127.0.0.1");
    Session session(settings);
    const StoredSet set = session.generate(with(url), prepared());
    EXPECT_FALSE(set.references.at(0).record.empty());
    EXPECT_EQ(fetches, 1); // the service got bytes, not the URL
    // The same picture as a file of that name is the same job.
    EXPECT_EQ(session.generate(with(plate("plate.png", 0.2f)), options()).job, set.job);
    EXPECT_EQ(session.generate(with(url), prepared()).job, set.job);
    EXPECT_EQ(gateway->creates(), 1u);
}

TEST_F(UrlReferences, AnotherPictureAtTheSameUrlIsAnotherJobAndSaidSo)
{
    serve();
    settings.set("allow_hosts", "127.0.0.1");
    Session session(settings);
    const std::string first = session.generate(with(url), prepared()).job;
    body = picture(0.9f);
    const StoredSet second = session.generate(with(url), prepared());
    EXPECT_NE(second.job, first);
    EXPECT_EQ(gateway->creates(), 2u);
    EXPECT_TRUE(logged("another picture than the last time")) << log;
    // Without the network, what it held the last time counts.
    const int before = fetches;
    const auto found = session.find(with(url), prepared());
    ASSERT_TRUE(found);
    EXPECT_EQ(found->job, second.job);
    EXPECT_EQ(fetches, before);
}

TEST_F(UrlReferences, WhatWasBoughtIsFoundWhenTheUrlIsGone)
{
    serve();
    settings.set("allow_hosts", "127.0.0.1");
    Session session(settings);
    const std::string first = session.generate(with(url), prepared()).job;
    status = 403; // a signature that expired
    EXPECT_EQ(session.generate(with(url), prepared()).job, first);
    EXPECT_TRUE(logged("what it held the last time counts")) << log;
    // And nothing new is bought with a picture that nobody has.
    Request take = with(url);
    take.take = 2;
    EXPECT_THROW(session.generate(take, prepared()), ReferenceError);
    EXPECT_EQ(gateway->creates(), 1u);
    // A page in its place does not displace what is known.
    status = 200;
    body = "<html>log in</html>";
    EXPECT_THROW(session.generate(with(url), prepared()), ReferenceError);
    status = 403;
    EXPECT_EQ(session.generate(with(url), prepared()).job, first);
}

} // namespace
