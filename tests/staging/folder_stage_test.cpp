#include "staging/server_support.h"

#include "base/file.h"

#include <klio/error.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sys/resource.h>
#include <sys/stat.h>

#include <csignal>
#include <filesystem>

using namespace klio;
using staging::make_stage;
using staging::Object;
using staging::StagedUrl;
using ::testing::HasSubstr;

namespace {

class FolderStage : public ::testing::Test {
protected:
    FolderStage()
    {
        // A web server that publishes the folder below /plates/.
        m_server.set_hook([this](const httplib::Request& request, httplib::Response& response) {
            const std::string path = m_folder.path() + request.path.substr(7);
            if (!base::exists(path))
                return false;
            response.set_content(base::read_file(path), "image/jpeg");
            return true;
        });
    }
    std::unique_ptr<staging::Stage> stage(const std::string& folder)
    {
        staging::StageOptions options;
        options.secret = "a secret of the test's own";
        options.clock = &m_clock;
        return make_stage("file://" + folder + "?public=" + m_server.url("/plates"), m_transport,
                          options);
    }
    std::vector<std::string> files() const
    {
        std::vector<std::string> names;
        for (const auto& entry : std::filesystem::directory_iterator(m_folder.path()))
            names.push_back(entry.path().filename().string());
        return names;
    }
    std::string put_error()
    {
        try {
            stage(m_folder.path())->put(test_object(), 0, m_cancel);
        } catch (const StagingError& error) {
            return error.what();
        }
        return "no error";
    }

    Folder m_folder;
    FakeServer m_server;
    FakeClock m_clock;
    transport::Transport m_transport;
    CancelToken m_cancel;
};

} // namespace

TEST_F(FolderStage, CopiesOnceWhatTheWebServerThenGives)
{
    const Object object = test_object();
    const mode_t before = ::umask(077);
    const StagedUrl staged = stage(m_folder.path())->put(object, 0, m_cancel);
    ::umask(before);
    EXPECT_EQ(staged.url, m_server.url("/plates/" + staged.name));
    EXPECT_EQ(base::read_file(m_folder.path() + "/" + staged.name), object.bytes);
    struct stat info { };
    ASSERT_EQ(::stat((m_folder.path() + "/" + staged.name).c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777, 0644u) << "the web server is another user";
    EXPECT_FALSE(stage(m_folder.path())->put(object, 0, m_cancel).uploaded);
    EXPECT_EQ(files().size(), 1u);
}

TEST_F(FolderStage, WritesAgainWhatWasSpoiled)
{
    const Object object = test_object();
    const std::string name = stage(m_folder.path())->name_of(object);
    base::write_file_atomic(m_folder.path() + "/" + name, std::string(object.bytes.size(), 'x'));
    EXPECT_TRUE(stage(m_folder.path())->put(object, 0, m_cancel).uploaded);
    EXPECT_EQ(base::read_file(m_folder.path() + "/" + name), object.bytes);
}

TEST_F(FolderStage, RemovesItAndWhatAKilledCopyLeft)
{
    const auto stage_here = stage(m_folder.path());
    const StagedUrl staged = stage_here->put(test_object(), 0, m_cancel);
    base::write_file_atomic(m_folder.path() + "/" + staged.name + ".tmp-0123", "half");
    base::write_file_atomic(m_folder.path() + "/of-somebody-else.jpg", "whole");
    stage_here->remove(staged.name, m_cancel);
    EXPECT_THAT(files(), ::testing::ElementsAre("of-somebody-else.jpg"));
    stage_here->remove(staged.name, m_cancel);
}

TEST_F(FolderStage, AFolderThatIsNotThereIsNotMade)
{
    const std::string missing = m_folder.path() + "/mount/klio";
    EXPECT_THROW(stage(missing), StagingError);
    EXPECT_FALSE(base::exists(missing));
}

TEST_F(FolderStage, AFolderThatNobodyPublishesIsNoticed)
{
    m_server.set_hook({});
    EXPECT_THAT(put_error(), HasSubstr("does not give it back: 404 Not Found; check public="));
}

TEST_F(FolderStage, AFullDiskLeavesNothing)
{
    // A limit on the file's size stands for the disk: the write fails half-way.
    std::signal(SIGXFSZ, SIG_IGN);
    rlimit before {};
    ::getrlimit(RLIMIT_FSIZE, &before);
    rlimit limit = before;
    limit.rlim_cur = 4096;
    ::setrlimit(RLIMIT_FSIZE, &limit);
    const std::string error = put_error();
    ::setrlimit(RLIMIT_FSIZE, &before);
    EXPECT_THAT(error, HasSubstr("can't be written (File too large)"));
    EXPECT_TRUE(files().empty());
}

TEST_F(FolderStage, FolderAndUrlMayHaveSpacesAndUmlauts)
{
    const std::string folder = m_folder.path() + "/Größe 1";
    std::filesystem::create_directory(folder);
    staging::StageOptions options;
    options.secret = "s";
    const auto made = make_stage("file://" + folder + "?public=" + m_server.url("/a%20b%20cde"),
                                 m_transport, options);
    m_server.set_hook([&](const httplib::Request& request, httplib::Response& response) {
        response.set_content(base::read_file(folder + request.path.substr(8)), "image/jpeg");
        return true;
    });
    EXPECT_THAT(made->put(test_object(), 0, m_cancel).url, HasSubstr("/a%20b%20cde/"));
}
