#pragma once

#include "base/clock.h"
#include "base/sha256.h"
#include "staging/stage.h"

#include <klio/progress.h>

#include <httplib.h>

#include <atomic>
#include <cstdlib>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

/// A server on loopback that stores what is PUT, and can be made to misbehave.
class FakeServer {
public:
    struct Seen {
        std::string method, path, query, authorization, body;
        httplib::Headers headers;
    };
    /// May answer in place of the server: return true.
    using Hook = std::function<bool(const httplib::Request&, httplib::Response&)>;

    explicit FakeServer(std::string media_type = "image/jpeg"); ///< of all that is fetched
    ~FakeServer();
    std::string url(const std::string& path = "/") const
    {
        return "http://127.0.0.1:" + std::to_string(m_port) + path;
    }
    int port() const { return m_port; }
    void set_hook(Hook hook)
    {
        const std::lock_guard<std::mutex> lock(m_mutex);
        m_hook = std::move(hook);
    }
    std::vector<Seen> seen(const std::string& method = {}) const;
    std::map<std::string, std::string> files() const
    {
        const std::lock_guard<std::mutex> lock(m_mutex);
        return m_files;
    }
    void set_file(const std::string& path, const std::string& bytes)
    {
        const std::lock_guard<std::mutex> lock(m_mutex);
        m_files[path] = bytes;
    }
    void drop_file(const std::string& path)
    {
        const std::lock_guard<std::mutex> lock(m_mutex);
        m_files.erase(path);
    }

private:
    void serve(const httplib::Request& request, httplib::Response& response);

    std::string m_media_type;
    httplib::Server m_server;
    std::thread m_thread;
    int m_port = 0;
    mutable std::mutex m_mutex;
    Hook m_hook;
    std::map<std::string, std::string> m_files;
    std::vector<Seen> m_seen;
};

/// Time that passes only by waiting.
class FakeClock final : public klio::base::Clock {
public:
    double unix_time() const override { return m_now; }
    double monotonic() const override { return m_now; }
    bool sleep(klio::base::Seconds duration, const klio::CancelToken& cancel) override
    {
        {
            const std::lock_guard<std::mutex> lock(m_mutex);
            m_sleeps.push_back(duration.count());
        }
        m_now = m_now + duration.count();
        std::this_thread::yield();
        return !cancel.cancelled();
    }
    void set(double unix_time) { m_now = unix_time; }
    std::vector<double> sleeps() const
    {
        const std::lock_guard<std::mutex> lock(m_mutex);
        return m_sleeps;
    }

private:
    std::atomic<double> m_now {1800000000};
    mutable std::mutex m_mutex;
    std::vector<double> m_sleeps;
};

class FakeRandom final : public klio::base::Random {
public:
    double uniform() override { return 0.5; }
};

/// An environment variable for as long as the object lives.
class Variable {
public:
    Variable(const char* name, const std::string& value) : m_name(name)
    {
        ::setenv(name, value.c_str(), 1);
    }
    ~Variable() { ::unsetenv(m_name); }
    Variable(const Variable&) = delete;
    Variable& operator=(const Variable&) = delete;

private:
    const char* m_name;
};

/// `size` bytes that differ with `seed`.
klio::staging::Object test_object(size_t size = 10000, unsigned seed = 1);

/// An empty folder of the test's own, removed at the end.
class Folder {
public:
    Folder();
    ~Folder();
    const std::string& path() const { return m_path; }

private:
    std::string m_path;
};
