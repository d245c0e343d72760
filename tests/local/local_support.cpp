#include "local/local_support.h"

#include "base/encoding.h"

#include <arpa/inet.h>
#include <OpenImageIO/filesystem.h>
#include <OpenImageIO/imageio.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>

namespace klio::test {

using base::Json;

std::string reference_image(int width, int height, const std::string& format)
{
    std::vector<unsigned char> rgb;
    for (int y = 0; y < height; ++y)
        for (int x = 0; x < width; ++x) {
            const bool square
                = std::abs(x - width / 2) < height / 8 && std::abs(y - height / 2) < height / 8;
            rgb.push_back(square ? 0 : static_cast<unsigned char>(255 * x / width));
            rgb.push_back(square ? 0 : static_cast<unsigned char>(255 * y / height));
            rgb.push_back(square ? 255 : 40);
        }
    std::vector<unsigned char> bytes;
    OIIO::Filesystem::IOVecOutput sink(bytes);
    const auto output = OIIO::ImageOutput::create(format);
    output->set_ioproxy(&sink);
    output->open("reference", OIIO::ImageSpec(width, height, 3, OIIO::TypeDesc::UINT8));
    output->write_image(OIIO::TypeDesc::UINT8, rgb.data());
    output->close();
    return {bytes.begin(), bytes.end()};
}

std::string data_uri(const std::string& bytes, const std::string& type)
{
    return "data:" + type + ";base64," + base::base64(bytes.data(), bytes.size());
}

Pixels read_pixels(const std::string& bytes, std::string* comment)
{
    Pixels pixels;
    OIIO::Filesystem::IOMemReader reader(bytes.data(), bytes.size());
    const auto input = OIIO::ImageInput::create(bytes.compare(1, 3, "PNG") == 0 ? "png" : "jpeg");
    OIIO::ImageSpec spec;
    if (!input->set_ioproxy(&reader) || !input->open("frame", spec) || spec.nchannels != 3)
        return pixels;
    if (comment)
        *comment = spec.get_string_attribute("Comment");
    pixels.rgb.resize(size_t(spec.width) * size_t(spec.height) * 3);
    if (!input->read_image(0, 0, 0, 3, OIIO::TypeDesc::UINT8, pixels.rgb.data()))
        return {};
    pixels.width = spec.width;
    pixels.height = spec.height;
    return pixels;
}

std::string body_text(const Json& more)
{
    Json body = {{"model", "kling-image-o1"}, {"prompt", "A lighthouse in a storm"}};
    body.update(more);
    return base::to_text(body);
}

namespace {

LocalGatewayOptions at_once(LocalGatewayOptions options, bool latency_given)
{
    if (!latency_given)
        options.latency = 0;
    return options;
}

} // namespace

Caller::Caller(LocalGatewayOptions options, bool latency_given)
    : gateway(at_once(std::move(options), latency_given))
{
}

// With patience: a sanitizer makes big bodies slow.
static httplib::Client client_of(int port)
{
    httplib::Client client("127.0.0.1", port);
    client.set_read_timeout(60);
    client.set_write_timeout(60);
    return client;
}

httplib::Result Caller::create(const std::string& body, const std::string& key,
                               const std::string& idempotency)
{
    httplib::Headers headers;
    if (!key.empty())
        headers.emplace("Authorization", "Bearer " + key);
    if (!idempotency.empty())
        headers.emplace("Idempotency-Key", idempotency);
    return client_of(gateway.port())
        .Post("/api/v1/images/generations", headers, body, "application/json");
}

httplib::Result Caller::poll(const std::string& id, const std::string& key)
{
    return client_of(gateway.port())
        .Get("/api/v1/tasks/" + id, {{"Authorization", "Bearer " + key}});
}

httplib::Result Caller::get(const std::string& url)
{
    return client_of(gateway.port())
        .Get(url.compare(0, 4, "http") == 0 ? url.substr(url.find('/', 8)) : url);
}

std::string Caller::task(const Json& more)
{
    const httplib::Result result = create(body_text(more));
    return result ? parse(result->body).value(Json::json_pointer("/data/task_id"), std::string())
                  : std::string();
}

Json Caller::look(const std::string& id)
{
    const httplib::Result result = poll(id);
    return result ? parse(result->body) : Json();
}

std::vector<std::string> Caller::urls(const std::string& id)
{
    std::vector<std::string> list;
    const Json answer = look(id);
    for (const Json& image : answer["data"]["output"]["images"])
        list.push_back(image["url"]);
    return list;
}

Json parse(const std::string& text)
{
    Json json;
    base::JsonError error;
    base::parse_json(text, json, error);
    return json;
}

std::string error_message(const httplib::Result& result)
{
    if (!result)
        return "no answer";
    const Json body = parse(result->body);
    const Json* error = body.is_object() && body.contains("error") ? &body["error"] : nullptr;
    // The service's shape, all of it, or nothing.
    if (!error || error->size() != 3 || (*error)["code"] != result->status
        || !(*error)["type"].is_string())
        return "not the service's error shape: " + result->body;
    return (*error)["message"];
}

std::string raw_exchange(int port, const std::string& request, bool& reset)
{
    const int socket = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address {};
    address.sin_family = AF_INET;
    address.sin_port = htons(uint16_t(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    std::string answer;
    reset = ::connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0;
    if (!reset) {
        ::send(socket, request.data(), request.size(), MSG_NOSIGNAL);
        char buffer[4096];
        ssize_t got = 0;
        while ((got = ::recv(socket, buffer, sizeof buffer, 0)) > 0)
            answer.append(buffer, size_t(got));
        reset = got < 0 && errno == ECONNRESET;
    }
    ::close(socket);
    return answer;
}

namespace {

std::string make_folder()
{
    std::string name = (std::filesystem::temp_directory_path() / "klio-local-XXXXXX").string();
    return ::mkdtemp(name.data());
}

} // namespace

Folder::Folder() : path(make_folder())
{
}

Folder::~Folder()
{
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
}

} // namespace klio::test
