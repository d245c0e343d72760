// Fuzzes the parser of the service's answers: whatever arrives, it returns, and what it returns
// keeps its promises.

#include "base/secret.h"
#include "service/client.h"
#include "service/failure.h"

#include <cstdint>
#include <cstdlib>
#include <string>

namespace {

void require(bool truth)
{
    if (!truth)
        std::abort();
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size)
{
    using namespace klio::service;
    if (size < 3)
        return 0;
    // Two bytes choose the status, one where the Retry-After ends and the body begins.
    static constexpr int statuses[] = {200, 200, 200, 201, 204, 302, 307, 400, 401,
                                       402, 403, 404, 408, 425, 429, 500, 502, 503};
    const int status
        = data[0] < 200 ? statuses[data[0] % 18] : 100 + (data[0] << 8 | data[1]) % 500;
    const size_t header = std::min<size_t>(data[2] % 40, size - 3);
    const std::string retry_after(reinterpret_cast<const char*>(data + 3), header);
    const std::string body(reinterpret_cast<const char*>(data + 3 + header), size - 3 - header);

    Answer answer;
    Failure failure;
    if (read_answer(status, body, retry_after, 1.8e9, answer, failure)) {
        require(status >= 200 && status < 300);
        for (const ResultImage& image : answer.images) {
            require(image.url.empty() != image.bytes.empty());
            require(image.url.empty() || image.url.compare(0, 4, "http") == 0
                    || image.url.compare(0, 4, "HTTP") == 0 || image.url.size() > 7);
            image_type(image.bytes);
            looks_whole(image.bytes);
            // What was found can be found again by its place.
            if (image.place.find('~') == std::string::npos)
                require(!images_at(body, image.place).empty());
        }
        require(answer.message.find('\n') == std::string::npos);
        require(no_images_message(answer).find('\n') == std::string::npos);
        require(!failure_of(answer).message.empty());
        require(answer.images.empty() || answer.state == TaskState::done);
    } else {
        require(!failure.message.empty());
        require(failure.message.size() < 1000);
        require(failure.message.find('\n') == std::string::npos);
        require(failure.message.find('\x1b') == std::string::npos);
        require(failure.retry_after >= -1);
        // What stood between may have passed it on.
        require(!(failure.rejected && (status == 502 || status == 504)));
    }
    try {
        images_at(body, retry_after);
    } catch (const klio::UsageError&) {
    }
    klio::base::mask(body);
    return 0;
}
