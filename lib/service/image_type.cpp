#include "service/client.h"

#include <cstdint>

namespace klio::service {

namespace {

bool has(const std::string& bytes, size_t at, const std::string& what)
{
    return bytes.size() >= at + what.size() && bytes.compare(at, what.size(), what) == 0;
}

bool is_text(const std::string& bytes)
{
    const size_t start = bytes.find_first_not_of(" \t\r\n\xEF\xBB\xBF");
    return start == std::string::npos || bytes[start] == '<' || bytes[start] == '{'
        || bytes[start] == '[';
}

} // namespace

std::string image_type(const std::string& bytes)
{
    if (has(bytes, 0, "\x89PNG\r\n\x1a\n"))
        return "image/png";
    if (has(bytes, 0, "\xff\xd8\xff"))
        return "image/jpeg";
    if (has(bytes, 0, "RIFF") && has(bytes, 8, "WEBP"))
        return "image/webp";
    return {};
}

bool looks_whole(const std::string& bytes)
{
    const std::string type = image_type(bytes);
    // What may follow the end mark (padding, a second picture) does no harm.
    if (type == "image/png")
        return bytes.rfind("IEND") != std::string::npos;
    if (type == "image/jpeg")
        return bytes.rfind("\xff\xd9") != std::string::npos;
    if (type == "image/webp") {
        uint64_t size = 0;
        for (int i = 3; i >= 0; --i)
            size = size << 8 | static_cast<unsigned char>(bytes[size_t(4 + i)]);
        return bytes.size() >= size + 8;
    }
    return !bytes.empty() && !is_text(bytes);
}

} // namespace klio::service
