#include "local/reference.h"

#include "base/encoding.h"
#include "base/file.h"
#include "local/picture.h"
#include "request/model.h"

#include <arpa/inet.h>
#include <httplib.h>

namespace klio::local {

namespace {

constexpr int redirects = 3;
constexpr time_t patience = 20; // seconds

bool starts_with(const std::string& text, const char* prefix)
{
    return text.rfind(prefix, 0) == 0;
}

bool decode_data_uri(const std::string& uri, std::string& bytes, std::string& problem)
{
    const size_t comma = uri.find(',');
    if (comma == std::string::npos) {
        problem = "is no whole data: URI";
        return false;
    }
    const std::string head = uri.substr(5, comma - 5);
    if (head.find(";base64") == std::string::npos) {
        bytes = base::percent_decode(uri.substr(comma + 1));
        return true;
    }
    if (base::base64_decode(std::string_view(uri).substr(comma + 1), bytes))
        return true;
    problem = "is a data: URI whose base64 is broken";
    return false;
}

bool on_loopback(const std::string& host)
{
    in_addr address {};
    return host == "localhost" || host == "[::1]"
        || (::inet_pton(AF_INET, host.c_str(), &address) == 1
            && ntohl(address.s_addr) >> 24 == IN_LOOPBACKNET);
}

} // namespace

bool fetch_reference(const std::string& url, std::string& bytes, std::string& problem)
{
    if (starts_with(url, "data:"))
        return decode_data_uri(url, bytes, problem);
    if (!base::is_url(url)) {
        problem = "is neither an http(s) URL nor a data: URI";
        return false;
    }
    std::string at = url;
    for (int hop = 0; hop <= redirects; ++hop) {
        const size_t host = at.find("://") + 3;
        const size_t path = std::min(at.find_first_of("/?#", host), at.size());
        const std::string authority = at.substr(host, path - host);
        const std::string name = authority[0] == '[' ? authority.substr(0, authority.find(']') + 1)
                                                     : authority.substr(0, authority.find(':'));
        const std::string scheme = base::lower(at.substr(0, host - 3));
        if (authority.empty() || (scheme == "http" && !on_loopback(name))) {
            problem = "could not be fetched: plain http is for loopback alone";
            return false;
        }
        httplib::Client client(scheme + "://" + authority);
        client.set_connection_timeout(patience);
        client.set_read_timeout(patience);
        std::string target = at.substr(path, at.find('#', path) - path);
        if (target.empty() || target[0] != '/')
            target.insert(0, "/");
        bool too_large = false;
        bytes.clear();
        const httplib::Result result = client.Get(target, [&](const char* data, size_t size) {
            too_large = bytes.size() + size > kling::max_reference_bytes;
            if (!too_large)
                bytes.append(data, size);
            return !too_large;
        });
        if (too_large) {
            problem = "has more than 10 MB";
            return false;
        }
        if (!result) {
            problem = "could not be fetched: " + httplib::to_string(result.error());
            return false;
        }
        const std::string location = result->get_header_value("Location");
        if (result->status / 100 == 3 && base::is_url(location)
            && (scheme == "http" || starts_with(location, "https:"))) {
            at = location;
            continue;
        }
        if (result->status != 200) {
            problem = "could not be fetched: its host answers " + std::to_string(result->status);
            return false;
        }
        return true;
    }
    problem = "could not be fetched: too many redirects";
    return false;
}

std::string check_reference(const std::string& bytes)
{
    if (bytes.size() > kling::max_reference_bytes)
        return "has " + std::to_string(bytes.size()) + " bytes, more than the 10 MB allowed";
    const bool jpeg = starts_with(bytes, "\xff\xd8\xff");
    const bool png = starts_with(bytes, "\x89PNG\r\n\x1a\n");
    if (!jpeg && !png)
        return "is neither JPEG nor PNG";
    int width = 0;
    int height = 0;
    if (!picture_size(bytes, width, height))
        return "can't be decoded";
    const std::string size = std::to_string(width) + "x" + std::to_string(height);
    if (width < kling::min_side || height < kling::min_side)
        return "is " + size + "; each side must have at least " + std::to_string(kling::min_side)
            + " pixels";
    if (width >= kling::max_aspect * height || height >= kling::max_aspect * width)
        return "is " + size + "; its aspect must lie between 1:2.5 and 2.5:1";
    Picture picture;
    return decode_picture(bytes, picture) ? std::string() : "can't be decoded";
}

} // namespace klio::local
