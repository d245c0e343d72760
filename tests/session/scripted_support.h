#pragma once

#include "plate_support.h"

#include "base/file.h"

#include <httplib.h>

#include <functional>
#include <map>
#include <mutex>

namespace klio::test {

/// A service on loopback whose answers a test writes: shapes that the local gateway never gives.
class Scripted : public PlateTest {
protected:
    Scripted()
    {
        picture = base::read_file(plate("picture.png", 0.5f));
        m_server.Post("/api/v1/images/generations",
                      [this](const httplib::Request& request, httplib::Response& response) {
                          ++creates;
                          authorization = request.get_header_value("Authorization");
                          std::this_thread::sleep_for(create_after);
                          response.set_content(create, "application/json");
                      });
        m_server.Get(R"(/api/v1/tasks/.*)",
                     [this](const httplib::Request&, httplib::Response& response) {
                         while (hang)
                             std::this_thread::sleep_for(std::chrono::milliseconds(5));
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
        m_server.Get(R"(/pictures/.*)",
                     [this](const httplib::Request& request, httplib::Response& response) {
                         const std::lock_guard<std::mutex> lock(m_mutex);
                         auto& answers = pictures[request.path];
                         if (answers.empty()) {
                             response.status = 404;
                             return;
                         }
                         response.status = answers.front().first;
                         response.set_content(answers.front().second, "image/png");
                         if (answers.size() > 1)
                             answers.erase(answers.begin());
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
    /// A finished task that names these paths, in order.
    std::string done(const std::vector<std::string>& paths) const
    {
        std::string list;
        for (const std::string& path : paths)
            list += (list.empty() ? "\"" : ",\"") + endpoint + "/pictures/" + path + "\"";
        return R"({"data":{"task_id":"t1","status":"completed","images":[)" + list + "]}}";
    }

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
    std::string create;                         ///< the answer to every create
    std::chrono::milliseconds create_after {0}; ///< when it comes
    std::vector<std::string> tasks;             ///< those to polls, the last for ever; none: 404
    int picture_status = 200;
    /// Status and body of what stands at "/pictures/…", one after the other, the last for ever.
    std::map<std::string, std::vector<std::pair<int, std::string>>> pictures;
    std::string authorization; ///< of the last create
    int creates = 0, polls = 0;
    std::atomic<bool> hang {false}; ///< polls are not answered

private:
    std::mutex m_mutex;
    httplib::Server m_server;
    std::thread m_thread;
};

} // namespace klio::test
