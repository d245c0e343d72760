#include "staging/server_support.h"

#include <filesystem>
#include <random>

FakeServer::FakeServer(std::string media_type) : m_media_type(std::move(media_type))
{
    const auto handler = [this](const httplib::Request& request, httplib::Response& response) {
        serve(request, response);
    };
    m_server.new_task_queue = [] { return new httplib::ThreadPool(16); };
    m_server.Get(".*", handler);
    m_server.Put(".*", handler);
    m_server.Delete(".*", handler);
    m_port = m_server.bind_to_any_port("127.0.0.1");
    m_thread = std::thread([this] { m_server.listen_after_bind(); });
    while (!m_server.is_running())
        std::this_thread::yield();
}

FakeServer::~FakeServer()
{
    m_server.stop();
    m_thread.join();
}

std::vector<FakeServer::Seen> FakeServer::seen(const std::string& method) const
{
    const std::lock_guard<std::mutex> lock(m_mutex);
    std::vector<Seen> found;
    for (const Seen& one : m_seen)
        if (method.empty() || one.method == method)
            found.push_back(one);
    return found;
}

void FakeServer::serve(const httplib::Request& request, httplib::Response& response)
{
    Hook hook;
    {
        const std::lock_guard<std::mutex> lock(m_mutex);
        const size_t question = request.target.find('?');
        m_seen.push_back({request.method, request.target.substr(0, question),
                          question == std::string::npos ? "" : request.target.substr(question + 1),
                          request.get_header_value("Authorization"), request.body,
                          request.headers});
        hook = m_hook;
    }
    if (hook && hook(request, response))
        return;
    const std::lock_guard<std::mutex> lock(m_mutex);
    const auto file = m_files.find(request.path);
    if (request.method == "PUT") {
        response.status = file == m_files.end() ? 201 : 204;
        m_files[request.path] = request.body;
    } else if (file == m_files.end()) {
        response.status = 404;
    } else if (request.method == "DELETE") {
        response.status = 204;
        m_files.erase(file);
    } else {
        response.set_content(file->second, m_media_type.c_str());
    }
}

klio::staging::Object test_object(size_t size, unsigned seed)
{
    std::mt19937 random(seed);
    std::string bytes(size, '\0');
    for (char& byte : bytes)
        byte = static_cast<char>(random());
    return {bytes, "image/jpeg", klio::base::sha256_hex(bytes)};
}

Folder::Folder()
{
    std::string name = (std::filesystem::temp_directory_path() / "klio-staging-XXXXXX").string();
    m_path = ::mkdtemp(name.data());
}

Folder::~Folder()
{
    std::error_code error;
    std::filesystem::remove_all(m_path, error);
}
