#include "raw_server.h"
#include "transport/http.h"

#include <gmock/gmock.h>
#include <zlib.h>

namespace klio::test {
namespace {

using namespace transport;
using testing::HasSubstr;

HttpRequest get(const RawServer& server)
{
    HttpRequest request;
    request.url = server.url();
    request.allow_private = true;
    return request;
}

std::string gzip(const std::string& text)
{
    z_stream stream {};
    deflateInit2(&stream, 9, Z_DEFLATED, 15 + 16, 9, Z_DEFAULT_STRATEGY);
    std::string out(deflateBound(&stream, text.size()), '\0');
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
    stream.avail_in = uInt(text.size());
    stream.next_out = reinterpret_cast<Bytef*>(out.data());
    stream.avail_out = uInt(out.size());
    deflate(&stream, Z_FINISH);
    out.resize(stream.total_out);
    deflateEnd(&stream);
    return out;
}

TEST(Limits, ABodyOfExactlyTheCapPassesAndOneByteMoreDoesNot)
{
    for (const size_t extra : {0, 1}) {
        for (const bool said : {true, false}) {
            RawServer server([&](Connection& connection, int) {
                connection.read_request();
                const std::string body(1000 + extra, 'x');
                if (said)
                    connection.answer(body);
                else
                    connection.send("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + body);
                connection.close_now();
            });
            Transport transport;
            HttpRequest request = get(server);
            request.max_body = 1000;
            const HttpResponse response = transport.perform(request);
            if (extra) {
                EXPECT_EQ(response.fault, Fault::too_large);
                EXPECT_EQ(response.outcome, Outcome::maybe_sent);
                EXPECT_LE(response.body.size(), 1000u);
                EXPECT_THAT(response.error, HasSubstr("1000"));
            } else {
                EXPECT_EQ(response.body.size(), 1000u);
                EXPECT_TRUE(response.ok());
            }
        }
    }
}

TEST(Limits, ASaidLengthIsRefusedBeforeTheBodyIsThere)
{
    RawServer server([](Connection& connection, int) {
        connection.read_request();
        connection.send("HTTP/1.1 200 OK\r\nContent-Length: 67108865\r\n\r\n");
        connection.wait_closed();
    });
    Transport transport;
    HttpRequest request = get(server);
    request.max_body = 64u << 20;
    EXPECT_EQ(transport.perform(request).fault, Fault::too_large);
}

TEST(Limits, AnEndlessBodyIsCountedWhileItArrives)
{
    RawServer server([](Connection& connection, int) {
        connection.read_request();
        connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
        const std::string chunk = "10000\r\n" + std::string(65536, 'x') + "\r\n";
        while (connection.send(chunk)) { }
    });
    Transport transport;
    HttpRequest request = get(server);
    request.max_body = 1u << 20;
    const HttpResponse response = transport.perform(request);
    EXPECT_EQ(response.fault, Fault::too_large);
    EXPECT_LE(response.body.size(), 1u << 20);
}

TEST(Limits, ABombIsCountedAsWhatItBecomes)
{
    const std::string bomb = gzip(std::string(64u << 20, '\0'));
    ASSERT_LT(bomb.size(), 100000u);
    RawServer server([&](Connection& connection, int) {
        connection.read_request();
        connection.answer(bomb, "Content-Encoding: gzip\r\n");
    });
    Transport transport;
    HttpRequest request = get(server);
    const HttpResponse response = transport.perform(request); // the cap is 8 MiB
    EXPECT_EQ(response.fault, Fault::too_large);
    EXPECT_LE(response.body.size(), 8u << 20);
}

TEST(Limits, CompressedAnswersAreRead)
{
    RawServer server([](Connection& connection, int) {
        const std::string request = connection.read_request();
        EXPECT_THAT(request, HasSubstr("gzip"));
        EXPECT_THAT(request, HasSubstr("br"));
        connection.answer(gzip("{\"id\":1}"), "Content-Encoding: gzip\r\n");
    });
    Transport transport;
    EXPECT_EQ(transport.perform(get(server)).body, "{\"id\":1}");
}

TEST(Limits, BrokenCompressionIsNoAnswer)
{
    RawServer server([](Connection& connection, int) {
        connection.read_request();
        connection.answer("this is no gzip at all", "Content-Encoding: gzip\r\n");
    });
    Transport transport;
    const HttpResponse response = transport.perform(get(server));
    EXPECT_EQ(response.outcome, Outcome::maybe_sent);
    EXPECT_EQ(response.fault, Fault::broken);
}

TEST(Limits, AFloodOfHeadersEnds)
{
    RawServer server([](Connection& connection, int) {
        connection.read_request();
        connection.send("HTTP/1.1 200 OK\r\n");
        while (connection.send("X-Flood: " + std::string(1000, 'x') + "\r\n")) { }
    });
    Transport transport;
    EXPECT_EQ(transport.perform(get(server)).fault, Fault::too_large);
}

TEST(Limits, ADripIsGivenUp)
{
    RawServer server([](Connection& connection, int) {
        connection.read_request();
        connection.send("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\nx");
        connection.wait_closed();
    });
    Transport transport;
    HttpRequest request = get(server);
    request.low_speed_seconds = 0.3;
    const HttpResponse response = transport.perform(request);
    EXPECT_EQ(response.fault, Fault::too_slow);
    EXPECT_EQ(response.body, "x");
}

TEST(Limits, AnUploadThatStallsIsGivenUp)
{
    std::promise<void> done;
    RawServer server([&](Connection& connection, int) {
        connection.read_head();
        done.get_future().wait(); // and reads no more
    });
    Transport transport;
    HttpRequest request = get(server);
    request.method = "PUT";
    request.body = std::string(64u << 20, 'x');
    request.low_speed_seconds = 0.4;
    const HttpResponse response = transport.perform(request);
    done.set_value();
    EXPECT_EQ(response.fault, Fault::too_slow);
    EXPECT_EQ(response.outcome, Outcome::maybe_sent);
}

TEST(Limits, AnAnswerMayBeGivenMoreTimeThanTheUpload)
{
    RawServer server([](Connection& connection, int) {
        connection.read_request();
        connection.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{");
        std::this_thread::sleep_for(std::chrono::milliseconds(600));
        connection.send("}");
    });
    Transport transport;
    HttpRequest request = get(server);
    request.low_speed_seconds = 0.2;
    EXPECT_EQ(transport.perform(request).fault, Fault::too_slow);
    request.slow_answer_seconds = 30;
    EXPECT_EQ(transport.perform(request).body, "{}");
}

TEST(Limits, AnInterimAnswerIsNone)
{
    RawServer server([](Connection& connection, int) {
        connection.read_request();
        connection.send("HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n");
        std::this_thread::sleep_for(std::chrono::milliseconds(500));
        connection.answer("thought");
    });
    Transport transport;
    HttpRequest request = get(server);
    request.low_speed_seconds = 0.2;
    EXPECT_EQ(transport.perform(request).body, "thought");
    request.first_byte_timeout = 0.2;
    EXPECT_EQ(transport.perform(request).fault, Fault::timeout);
}

TEST(Limits, AServerThatThinksIsNotSlow)
{
    RawServer server([](Connection& connection, int) {
        connection.read_request();
        std::this_thread::sleep_for(std::chrono::milliseconds(500));
        connection.answer("thought");
    });
    Transport transport;
    HttpRequest request = get(server);
    request.method = "POST";
    request.body = "{}";
    request.low_speed_seconds = 0.2; // speaks of bytes on their way, not of thinking
    EXPECT_EQ(transport.perform(request).body, "thought");
}

} // namespace
} // namespace klio::test
