#include "service/answer.h"

#include "base/encoding.h"
#include "base/secret.h"

#include <gmock/gmock.h>

namespace klio::test {
namespace {

using namespace service;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

Answer good(const std::string& body, int status = 200)
{
    Answer answer;
    Failure failure;
    EXPECT_TRUE(read_answer(status, body, "", 0, answer, failure)) << body.substr(0, 300) << "\n"
                                                                   << failure.message;
    return answer;
}

Failure bad(const std::string& body, int status = 200, const std::string& retry_after = "")
{
    Answer answer;
    Failure failure;
    EXPECT_FALSE(read_answer(status, body, retry_after, 0, answer, failure)) << body.substr(0, 300);
    return failure;
}

std::vector<std::string> urls(const Answer& answer)
{
    std::vector<std::string> all;
    for (const ResultImage& image : answer.images)
        all.push_back(image.url);
    return all;
}

std::vector<std::string> places(const Answer& answer)
{
    std::vector<std::string> all;
    for (const ResultImage& image : answer.images)
        all.push_back(image.place);
    return all;
}

std::string png_bytes()
{
    return std::string("\x89PNG\r\n\x1a\n") + std::string(80, 'p') + "IEND";
}

// --- creates ---

TEST(Answer, CreateInEachDocumentedShape)
{
    Answer answer = good(
        R"({"code": 200, "message": "success", "data": {"task_id": "n49xxxx_kio1", "status": "IN_PROGRESS"}})");
    EXPECT_EQ(answer.task_id, "n49xxxx_kio1");
    EXPECT_EQ(answer.state, TaskState::waiting);
    EXPECT_FALSE(answer.unknown_word);

    answer = good(R"({"id": "task_1", "status": "pending", "model": "m", "created_at": 0})");
    EXPECT_EQ(answer.task_id, "task_1");
    EXPECT_EQ(answer.state, TaskState::waiting);

    answer = good(
        R"({"data": [{"url": "https://r.example/1.png"}, {"url": "https://r.example/2.png"}]})");
    EXPECT_EQ(answer.state, TaskState::done);
    EXPECT_THAT(urls(answer), ElementsAre("https://r.example/1.png", "https://r.example/2.png"));
    EXPECT_THAT(places(answer), ElementsAre("/data/0/url", "/data/1/url"));

    const std::string b64 = base::base64(png_bytes().data(), png_bytes().size());
    answer = good(R"({"created": 1, "data": [{"b64_json": ")" + b64 + R"("}]})");
    ASSERT_EQ(answer.images.size(), 1u);
    EXPECT_EQ(answer.images[0].bytes, png_bytes());
    EXPECT_EQ(answer.images[0].place, "/data/0/b64_json");
}

TEST(Answer, TaskIdsInFurtherPlaces)
{
    for (const char* body :
         {R"({"task_id": "t1"})", R"({"data": {"id": "t1"}})", R"({"data": {"taskId": "t1"}})",
          R"({"data": [{"task_id": "t1", "status": "submitted"}]})",
          R"({"code": "200", "data": "t1"})", R"({"code": "success", "taskId": "t1"})"})
        EXPECT_EQ(good(body).task_id, "t1") << body;
    EXPECT_EQ(good(R"({"data": {"task_id": 123456789012345}})").task_id, "123456789012345");
    EXPECT_EQ(good(R"({"id": 7.0})").task_id, "7");
    for (const char* body :
         {R"({})", R"({"data": null})", R"({"data": "in a few minutes"})", R"({"id": null})",
          R"({"id": {"a": 1}})", R"({"id": ""})", R"([])", R"("t1")", R"(17)", R"(null)"})
        EXPECT_EQ(good(body).task_id, "") << body;
}

// --- states ---

TEST(Answer, EveryStateWordInEveryPlace)
{
    const std::vector<std::pair<TaskState, std::vector<std::string>>> words = {
        {TaskState::waiting,
         {"created", "pending", "queued", "submitted", "starting", "in_progress", "processing",
          "running", "IN_PROGRESS", "In Progress", "in-progress", " Queued "}},
        {TaskState::done,
         {"completed", "complete", "success", "succeed", "succeeded", "finished", "done", "DONE",
          "Succeed"}},
        {TaskState::failed,
         {"failed", "failure", "error", "cancelled", "canceled", "expired", "rejected", "FAILED"}}};
    for (const auto& [state, list] : words)
        for (const std::string& word : list)
            for (const char* before :
                 {R"({"id":"t","data":{"status":)", R"({"id":"t","data":{"task_status":)",
                  R"({"id":"t","data":{"state":)"}) {
                const Answer answer = good(before + ("\"" + word + "\"}}"));
                EXPECT_EQ(answer.state, state) << before << word;
                EXPECT_FALSE(answer.unknown_word);
                EXPECT_EQ(good(R"({"id":"t","status":")" + word + "\"}").state, state);
            }
}

TEST(Answer, TheTasksOwnStateComesBeforeTheEnvelopes)
{
    EXPECT_EQ(good(R"({"status":"success","data":{"task_status":"processing"}})").state,
              TaskState::waiting);
    EXPECT_EQ(good(R"({"code":200,"message":"success","data":{"status":"queued"}})").state,
              TaskState::waiting);
}

TEST(Answer, AnUnknownWordIsWaiting)
{
    const Answer answer
        = good(R"({"data":{"status":"marinating","images":["https://r.example/1"]}})");
    EXPECT_EQ(answer.state, TaskState::waiting);
    EXPECT_TRUE(answer.unknown_word);
    EXPECT_EQ(answer.status_word, "marinating");
    EXPECT_THAT(answer.images, IsEmpty());
}

TEST(Answer, NumbersAreNoStates)
{
    EXPECT_EQ(good(R"({"status":200,"data":{"status":"succeed"}})").state, TaskState::done);
    EXPECT_EQ(good(R"({"status":"200","data":{"state":3,"status":"processing"}})").status_word,
              "processing");
    EXPECT_EQ(good(R"({"status":null,"data":{"status":null}})").state, TaskState::waiting);
}

// --- images ---

TEST(Answer, ImagesInEveryDocumentedPlace)
{
    const std::string one = "https://r.example/1.png";
    const std::string two = "https://r.example/2.png";
    for (const char* container :
         {"/data/output", "/data/result", "/data/task_result", "/data/response", "/data", ""}) {
        for (const char* list :
             {"images", "image_urls", "outputs", "output", "result_urls", "urls"})
            for (const std::string& items :
                 {"[\"" + one + "\",\"" + two + "\"]",
                  R"([{"url":")" + one + R"("},{"url":")" + two + "\"}]",
                  R"([{"image_url":")" + one + R"("},{"image_url":{"url":")" + two + "\"}}]",
                  R"([{"index":0,"url":[")" + one + R"("]},null,{"url":")" + two + "\"}]"}) {
                std::string body = "{\"" + std::string(list) + "\":" + items + "}";
                const std::string path(container);
                if (path == "")
                    body = R"({"status":"done",)" + body.substr(1);
                else if (path == "/data")
                    body = R"({"data":{"status":"done",)" + body.substr(1) + "}";
                else
                    body = R"({"data":{"status":"done",")" + path.substr(6) + "\":" + body + "}}";
                const Answer answer = good(body);
                EXPECT_THAT(urls(answer), ElementsAre(one, two)) << body;
                for (const std::string& place : places(answer))
                    EXPECT_EQ(place.find(path + "/" + list), 0u) << place;
            }
        for (const char* single : {"image_url", "url"}) {
            std::string body = "{\"" + std::string(single) + "\":\"" + one + "\"}";
            const std::string path(container);
            if (path == "")
                body = R"({"status":"done",)" + body.substr(1);
            else if (path == "/data")
                body = R"({"data":{"status":"done",)" + body.substr(1) + "}";
            else
                body = R"({"data":{"status":"done",")" + path.substr(6) + "\":" + body + "}}";
            EXPECT_THAT(urls(good(body)), ElementsAre(one)) << body;
        }
    }
}

TEST(Answer, ContainersThatAreTheImagesThemselves)
{
    for (const char* body :
         {R"({"data":{"status":"done","output":["https://r.example/1"]}})",
          R"({"data":{"status":"done","output":"https://r.example/1"}})",
          R"({"data":{"status":"done","result":[{"url":"https://r.example/1"}]}})",
          R"({"status":"succeeded","output":["https://r.example/1"]})",
          R"({"data":{"status":"done","images":"https://r.example/1"}})",
          R"({"data":{"status":"done","images":{"url":"https://r.example/1"}}})"})
        EXPECT_THAT(urls(good(body)), ElementsAre("https://r.example/1")) << body;
}

TEST(Answer, WhatOtherGatewaysWrapATaskIn)
{
    for (const char* body :
         {R"({"data":{"status":"SUCCESS","data":{"images":["https://r.example/1"]}}})",
          R"({"data":{"status":"SUCCESS","results":[{"url":"https://r.example/1"}]}})",
          R"({"status":"done","output":{"images":["https://r.example/1"]}})",
          R"({"status":"done","result":{"urls":["https://r.example/1"]}})",
          R"({"status":"done","task_result":{"images":[{"url":"https://r.example/1"}]}})"})
        EXPECT_THAT(urls(good(body)), ElementsAre("https://r.example/1")) << body;
}

TEST(Answer, TheFirstPlaceWins)
{
    EXPECT_THAT(urls(good(R"({"data":{"status":"done","url":"https://r.example/thumb",
        "output":{"images":["https://r.example/a"]},"result":{"images":["https://r.example/b"]}}})")),
                ElementsAre("https://r.example/a"));
}

TEST(Answer, NothingIsTakenFromAnEchoOfTheRequest)
{
    for (const char* body :
         {R"({"data":{"status":"done","input":{"images":["https://plate.example/1"]}}})",
          R"({"data":{"status":"done","request":{"url":"https://plate.example/1"}}})",
          R"({"data":{"status":"done","params":{"images":["https://plate.example/1"]}}})",
          R"({"status":"done","prompt":"x","images":["https://plate.example/1"]})",
          R"({"data":{"status":"done","prompt":"x","image_urls":["https://plate.example/1"]}})",
          R"({"data":{"status":"done","Prompt":"x","image_urls":["https://plate.example/1"]}})",
          R"({"status":"done","data":[{"prompt":"x","image_url":"https://plate.example/1"}]})"})
        EXPECT_THAT(good(body).images, IsEmpty()) << body;
    EXPECT_THAT(
        urls(good(R"({"data":{"status":"done","prompt":"x","images":["https://plate.example/1"],
        "output":["https://r.example/1"]}})")),
        ElementsAre("https://r.example/1"));
    EXPECT_THAT(urls(good(R"({"status":"done","prompt":"x","images":["https://plate.example/1"],
        "data":{"result":{"images":["https://r.example/1"]}}})")),
                ElementsAre("https://r.example/1"));
}

TEST(Answer, ALinkToTheTaskIsNoImage)
{
    EXPECT_THAT(
        good(R"({"data":{"status":"done","url":"https://apiin.one/api/v1/tasks/n49"}})").images,
        IsEmpty());
    EXPECT_THAT(
        good(R"({"status":"done","url":"https://apiin.one/api/v1/tasks/n49?x=1","data":{}})")
            .images,
        IsEmpty());
    EXPECT_THAT(
        urls(
            good(R"({"data":{"status":"done","url":"https://apiin.one/api/v1/tasks/n49/0.png"}})")),
        ElementsAre("https://apiin.one/api/v1/tasks/n49/0.png"));
}

TEST(Answer, OnlyHttpIsAnImagesUrl)
{
    for (const char* url : {"file:///etc/passwd", "ftp://r.example/1", "javascript:alert(1)",
                            "/relative.png", "r.example/1.png", "", "https://"})
        EXPECT_THAT(
            good(std::string(R"({"data":{"status":"done","images":[")") + url + "\"]}}").images,
            IsEmpty())
            << url;
}

TEST(Answer, ImagesInsideTheAnswer)
{
    const std::string b64 = base::base64(png_bytes().data(), png_bytes().size());
    for (const std::string& item :
         {"\"data:image/png;base64," + b64 + "\"", "\"" + b64 + "\"",
          R"({"url":"data:image/png;base64,)" + b64 + "\"}", R"({"b64_json":")" + b64 + "\"}"}) {
        const Answer answer = good(R"({"data":{"status":"done","images":[)" + item + "]}}");
        ASSERT_EQ(answer.images.size(), 1u) << item;
        EXPECT_EQ(answer.images[0].bytes, png_bytes());
        EXPECT_EQ(answer.images[0].url, "");
    }
    for (const char* item :
         {R"("data:image/png;base64,***")", R"("data:image/png,abc")", R"({"b64_json":""})",
          R"({"b64_json":"!"})", R"({"b64_json":null})", R"("justaword")"})
        EXPECT_THAT(
            good(std::string(R"({"data":{"status":"done","images":[)") + item + "]}}").images,
            IsEmpty())
            << item;
}

TEST(Answer, TheSameUrlTwiceIsOneImage)
{
    EXPECT_THAT(urls(good(R"({"data":{"status":"done","images":["https://r.example/1",
        {"url":"https://r.example/1"},"https://r.example/2"]}})")),
                ElementsAre("https://r.example/1", "https://r.example/2"));
}

TEST(Answer, FewerAndMoreImagesAreWhatTheyAre)
{
    std::string many;
    for (int i = 0; i < 200; ++i)
        many += (i ? ",\"https://r.example/" : "\"https://r.example/") + std::to_string(i) + "\"";
    EXPECT_EQ(good(R"({"data":{"status":"done","images":[)" + many + "]}}").images.size(), 200u);
}

TEST(Answer, AWaitingTaskHasNoImagesYet)
{
    EXPECT_THAT(
        good(R"({"data":{"status":"processing","images":["https://r.example/preview"]}})").images,
        IsEmpty());
}

TEST(Answer, AnEmptyResultSaysWhatWasSeen)
{
    for (const char* body :
         {R"({"data":{"status":"success","output":{"images":[]}}})",
          R"({"data":{"status":"success","output":null}})", R"({"status":"done"})",
          R"({"data":{"status":"success","picture_links":["https://r.example/1"]}})"}) {
        const Answer answer = good(body);
        EXPECT_EQ(answer.state, TaskState::done);
        EXPECT_THAT(answer.images, IsEmpty());
        EXPECT_THAT(answer.keys, Not(IsEmpty()));
    }
    const Answer answer
        = good(R"({"data":{"status":"success","picture_links":["https://r.example/1"]}})");
    EXPECT_THAT(answer.keys, testing::Contains("/data/picture_links/0"));
    EXPECT_THAT(no_images_message(answer), HasSubstr("/data/picture_links"));
}

// --- what comes in other clothes ---

TEST(Answer, AByteOrderMarkIsPassedOver)
{
    EXPECT_EQ(good("\xEF\xBB\xBF{\"id\":\"t\"}").task_id, "t");
    EXPECT_EQ(good("\r\n {\"id\":\"t\"}\n").task_id, "t");
}

TEST(Answer, NestingIsLimited)
{
    const std::string deep(5u << 20, '[');
    Failure failure = bad(deep + std::string(5u << 20, ']'));
    EXPECT_FALSE(failure.rejected);
    EXPECT_TRUE(failure.transient);
    EXPECT_THAT(failure.message, HasSubstr("nested deeper"));
    std::string objects;
    for (int i = 0; i < 100000; ++i)
        objects += "{\"data\":";
    bad(objects);
    EXPECT_LT(failure.message.size(), 500u);
}

TEST(Answer, WhatIsNoJson)
{
    for (const std::string& body :
         {std::string(), std::string("   "), std::string("<html><title>Hi</title></html>"),
          std::string(R"({"data":{"task_id":"n49)"), std::string("OK"), std::string("\0\0\0", 3),
          std::string("\xFF\xFE{\0", 4), std::string("{'id':'t'}"), std::string("NaN")}) {
        const Failure failure = bad(body);
        EXPECT_EQ(failure.kind, ErrorKind::network) << body;
        EXPECT_FALSE(failure.rejected) << body; // a create may have been accepted
        EXPECT_TRUE(failure.transient) << body; // a poll asks again
        EXPECT_FALSE(failure.message.empty());
    }
    EXPECT_THAT(bad("<html><head><title>502 Bad\n Gateway</title>").message,
                HasSubstr("'502 Bad Gateway'"));
}

TEST(Answer, WordsAreOneSafeLine)
{
    const base::Secret key("aio_secret_in_an_answer_1");
    const Failure failure = bad(
        R"({"error":{"message":"no\n\u001b[31mred\u001b[0m \u0085 key aio_secret_in_an_answer_1)"
            + std::string(5000, 'x') + "\"}}",
        400);
    EXPECT_THAT(failure.message, Not(HasSubstr("\n")));
    EXPECT_THAT(failure.message, Not(HasSubstr("\x1b")));
    EXPECT_THAT(failure.message, Not(HasSubstr("\xc2\x85")));
    EXPECT_THAT(failure.message, Not(HasSubstr("aio_secret")));
    EXPECT_LT(failure.message.size(), 500u);
}

// --- a task that failed ---

TEST(Answer, AFailedTaskIsAnAnswerWithItsOwnWords)
{
    Answer answer
        = good(R"({"id":"t","status":"failed","error":{"code":"x","message":"GPU on fire"}})");
    EXPECT_EQ(answer.state, TaskState::failed);
    EXPECT_EQ(failure_of(answer).kind, ErrorKind::failed);
    EXPECT_THAT(failure_of(answer).message, HasSubstr("GPU on fire"));

    answer = good(R"({"code":500,"message":"task failed",
        "data":{"task_id":"t","status":"FAILED","fail_reason":"blocked by content policy"}})");
    EXPECT_EQ(answer.state, TaskState::failed);
    EXPECT_EQ(failure_of(answer).kind, ErrorKind::refusal);
    EXPECT_THAT(failure_of(answer).message, HasSubstr("content policy"));

    answer = good(R"({"data":{"task_status":"failed","task_status_msg":"insufficient balance"}})");
    EXPECT_EQ(failure_of(answer).kind, ErrorKind::credits);
}

TEST(Answers, AFileBelowTheNameOfTheCallIsAPicture)
{
    const char* const url = "https://cdn.example/files/images/generations/2025/a.png";
    EXPECT_EQ(good(std::string(R"({"data":{"status":"done","images":[")") + url + R"("]}})")
                  .images.at(0)
                  .url,
              url);
    EXPECT_TRUE(good(R"({"data":{"status":"done",
        "url":"https://apiin.example/api/v1/images/generations?x=1"}})")
                    .images.empty());
}

TEST(Answers, ANumberBeyondAllIntegersIsItsText)
{
    EXPECT_EQ(good(R"({"data":{"task_id":12345.0}})").task_id, "12345");
    EXPECT_EQ(good(R"({"data":{"task_id":1e99}})").task_id, "1e+99");
}

TEST(Answers, TextThatBeginsAsAPictureAndEndsIsNone)
{
    const std::string riff = "UklGRg==" + std::string(80, ' ');
    EXPECT_TRUE(good(R"({"data":{"task_id":"t","images":[")" + riff + R"("]}})").images.empty());
}

// Without a task there is nothing to ask later.
TEST(Answers, PicturesUnderAnEnvelopesOwnWordAreTaken)
{
    const Answer ok = good(R"({"status":"ok","data":[{"url":"https://r.example/1"}]})");
    EXPECT_EQ(ok.state, TaskState::done);
    EXPECT_EQ(ok.images.size(), 1u);
    const Answer task
        = good(R"({"status":"ok","data":{"task_id":"t","url":"https://r.example/preview"}})");
    EXPECT_EQ(task.state, TaskState::waiting);
    const Answer own = good(R"({"data":{"status":"pondering","url":"https://r.example/preview"}})");
    EXPECT_EQ(own.state, TaskState::waiting);
}

// --- images at a place that a person names ---

TEST(ImagesAt, TakesWhatStandsThere)
{
    const std::string body = R"({"data":{"status":"weird","pics":[{"link":"https://r.example/1"},
        {"link":"https://r.example/2"}],"one":"https://r.example/3","deep":{"x":{"url":
        "https://r.example/4"}},"a/b":{"~":["https://r.example/5"]}}})";
    const auto at = [&](const char* pointer) {
        std::vector<std::string> all;
        for (const ResultImage& image : images_at(body, pointer))
            all.push_back(image.url);
        return all;
    };
    EXPECT_THAT(at("/data/one"), ElementsAre("https://r.example/3"));
    EXPECT_THAT(at("/data/pics/1/link"), ElementsAre("https://r.example/2"));
    EXPECT_THAT(at("/data/pics/0"), ElementsAre("https://r.example/1"));
    EXPECT_THAT(at("/data/pics"), ElementsAre("https://r.example/1", "https://r.example/2"));
    EXPECT_THAT(at("/data/deep/x"), ElementsAre("https://r.example/4"));
    EXPECT_THAT(at("/data/a~1b/~0"), ElementsAre("https://r.example/5"));
}

TEST(ImagesAt, TakesAPersonsWordForALink)
{
    const std::string link = "https://apiin.example/api/v1/images/generations";
    EXPECT_EQ(images_at(R"({"data":{"x":")" + link + R"("}})", "/data/x").at(0).url, link);
}

TEST(ImagesAt, SaysWhatIsThereInstead)
{
    const std::string body = R"({"data":{"status":"done","n":3}})";
    for (const char* pointer : {"/data/nothing", "/data/n", "data", "/data/status", "/0", "/~9"}) {
        try {
            images_at(body, pointer);
            ADD_FAILURE() << pointer;
        } catch (const UsageError& error) {
            EXPECT_THAT(error.what(), HasSubstr("/data/status")) << pointer;
        }
    }
    EXPECT_THROW(images_at("<html>", "/data"), UsageError);
    EXPECT_THROW(images_at("", ""), UsageError);
}

} // namespace
} // namespace klio::test
