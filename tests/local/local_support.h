#pragma once

#include "base/json.h"

#include <klio/local.h>

#include <httplib.h>

#include <string>
#include <vector>

namespace klio::test {

/// A picture of `width` x `height` that is recognisable: red to the right, green downwards, a blue
/// square in the middle. Format "jpeg", "png" or "gif".
std::string reference_image(int width, int height, const std::string& format = "jpeg");
std::string data_uri(const std::string& bytes, const std::string& type = "image/jpeg");
/// 8-bit RGB of a PNG or JPEG; empty where it can't be read.
struct Pixels {
    int width = 0, height = 0;
    std::vector<unsigned char> rgb;
    const unsigned char* at(int x, int y) const { return &rgb[3 * (size_t(y) * width + x)]; }
};
Pixels read_pixels(const std::string& bytes, std::string* comment = nullptr);

/// The create's body with the contract's fields, and `more` merged over it.
std::string body_text(const base::Json& more = base::Json::object());

/// A gateway with latency 0 unless said otherwise, and a client for it.
class Caller {
public:
    explicit Caller(LocalGatewayOptions options = {}, bool latency_given = false);

    httplib::Result create(const std::string& body, const std::string& key = "test-key-one",
                           const std::string& idempotency = "");
    httplib::Result poll(const std::string& id, const std::string& key = "test-key-one");
    /// Any URL that the gateway gave.
    httplib::Result get(const std::string& url);
    /// create() and its task id.
    std::string task(const base::Json& more = base::Json::object());
    /// poll(), parsed.
    base::Json look(const std::string& id);
    /// The URLs of a finished task's answer in its usual shape.
    std::vector<std::string> urls(const std::string& id);

    LocalGateway gateway;
};

base::Json parse(const std::string& text);
std::string error_message(const httplib::Result& result);

/// Sends `request` as it is and returns all that comes back until the connection ends; `reset` says
/// whether it ended with a reset. Empty and reset where it is refused.
std::string raw_exchange(int port, const std::string& request, bool& reset);

/// A folder that goes away with the object.
class Folder {
public:
    Folder();
    ~Folder();
    const std::string path;
};

} // namespace klio::test
