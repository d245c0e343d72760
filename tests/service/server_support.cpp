#include "service_server.h"

namespace klio::test {

namespace {

void give(const Reply& reply, httplib::Response& response)
{
    response.status = reply.status;
    for (const auto& [name, value] : reply.headers)
        response.set_header(name.c_str(), value.c_str());
    response.set_content(reply.body, reply.type.c_str());
}

const Reply& nth(const std::vector<Reply>& replies, size_t index)
{
    return replies[std::min(index, replies.size() - 1)];
}

} // namespace

ServiceServer::ServiceServer()
{
    server.Post("/api/v1/images/generations",
                [this](const httplib::Request& request, httplib::Response& response) {
                    const std::lock_guard<std::mutex> lock(m_mutex);
                    give(nth(creates, m_creates.size()), response);
                    m_creates.push_back(request);
                });
    server.Get(R"(/api/v1/tasks/([^/]+))",
               [this](const httplib::Request& request, httplib::Response& response) {
                   const std::lock_guard<std::mutex> lock(m_mutex);
                   give(nth(tasks, m_tasks.size()), response);
                   m_tasks.push_back(request);
               });
    m_port = server.bind_to_any_port("127.0.0.1");
    m_thread = std::thread([this] { server.listen_after_bind(); });
    while (!server.is_running())
        std::this_thread::yield();
}

ServiceServer::~ServiceServer()
{
    stop();
}

void ServiceServer::stop()
{
    server.stop();
    if (m_thread.joinable())
        m_thread.join();
}

std::vector<httplib::Request> ServiceServer::create_requests() const
{
    const std::lock_guard<std::mutex> lock(m_mutex);
    return m_creates;
}

std::vector<httplib::Request> ServiceServer::task_requests() const
{
    const std::lock_guard<std::mutex> lock(m_mutex);
    return m_tasks;
}

std::string png_like(size_t size, char fill)
{
    std::string bytes = "\x89PNG\r\n\x1a\n";
    const std::string end("\0\0\0\0IEND\xae\x42\x60\x82", 12);
    bytes.append(size - bytes.size() - end.size(), fill);
    return bytes + end;
}

service::ClientOptions TestClient::options_for(const std::string& endpoint, FakeClock& clock,
                                               FakeRandom& random)
{
    service::ClientOptions options;
    options.endpoint = endpoint;
    options.key = base::Secret(test_key);
    options.clock = &clock;
    options.random = &random;
    return options;
}

TestClient::TestClient(const std::string& endpoint)
    : client(transport, options_for(endpoint, clock, random))
{
}

} // namespace klio::test
