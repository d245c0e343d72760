#include "service/places.h"

#include "base/encoding.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdlib>
#include <set>

namespace klio::service {

namespace {

using base::Json;

constexpr std::array task_id_places
    = {"/data/task_id", "/data/taskId", "/task_id",        "/taskId",
       "/data/id",      "/id",          "/data/0/task_id", "/data/0/id"};

constexpr std::array state_places
    = {"/data/status", "/data/task_status", "/data/state", "/data/0/status",
       "/status",      "/task_status",      "/state"};

constexpr std::array waiting_words = {"created",  "pending",     "queued",     "submitted",
                                      "starting", "in_progress", "processing", "running"};
constexpr std::array done_words
    = {"completed", "complete", "success", "succeed", "succeeded", "finished", "done"};
constexpr std::array failed_words
    = {"failed", "failure", "error", "cancelled", "canceled", "expired", "rejected"};

// The last ones are what gateways of other makers wrap a task in.
constexpr std::array image_containers = {"/data/output",   "/data/result",  "/data/task_result",
                                         "/data/response", "/data",         "",
                                         "/data/data",     "/data/results", "/output",
                                         "/result",        "/task_result",  "/response",
                                         "/results"};
constexpr std::array image_keys
    = {"images", "image_urls", "outputs", "output", "result_urls", "urls", "image_url", "url"};

constexpr std::array message_places = {"/error/message",
                                       "/error",
                                       "/data/error/message",
                                       "/data/error",
                                       "/data/fail_reason",
                                       "/data/failure_reason",
                                       "/data/task_status_msg",
                                       "/data/message",
                                       "/message",
                                       "/msg",
                                       "/detail",
                                       "/detail/0/msg",
                                       "/errors/0/message"};

constexpr std::array field_places
    = {"/error/param", "/error/field", "/param", "/field", "/errors/0/field"};

constexpr std::array code_places = {"/error/code", "/code", "/error_code", "/errcode"};

// What services call a task's id, without case, hyphens and underscores.
constexpr std::array task_names
    = {"taskid", "task",  "taskno",       "taskuuid",     "tasknumber", "tasks",
       "jobid",  "jobno", "generationid", "predictionid", "workid",     "taskids"};

template <size_t N> bool contains(const std::array<const char*, N>& words, const std::string& word)
{
    return std::find(words.begin(), words.end(), word) != words.end();
}

bool is_http(const std::string& text)
{
    const auto starts = [&](const char* scheme) {
        const std::string_view wanted(scheme);
        return text.size() > wanted.size()
            && std::equal(wanted.begin(), wanted.end(), text.begin(), [](char a, char b) {
                   return a == std::tolower(static_cast<unsigned char>(b));
               });
    };
    return starts("http://") || starts("https://");
}

// Links to the task or to the call itself, which some answers carry beside or instead of images. A
// file below the task ("…/tasks/ID/0.png") is none.
bool is_api_link(const std::string& url)
{
    const std::string plain = url.substr(0, url.find_first_of("?#"));
    const std::string route = "/api/v1/tasks/";
    const size_t task = plain.find(route);
    if (task != std::string::npos) {
        const size_t next = plain.find('/', task + route.size());
        return next == std::string::npos || next + 1 == plain.size();
    }
    const std::string create = "/images/generations";
    return plain.size() >= create.size()
        && plain.compare(plain.size() - create.size(), create.size(), create) == 0;
}

// What has a prompt beside it may show the request's own pictures.
bool has_prompt(const Json& object)
{
    for (const auto& [key, child] : object.items())
        if (base::lower(key) == "prompt")
            return true;
    return false;
}

bool looks_like_image(const std::string& bytes)
{
    return bytes.compare(0, 8, "\x89PNG\r\n\x1a\n") == 0 || bytes.compare(0, 3, "\xff\xd8\xff") == 0
        || (bytes.size() >= 12 && bytes.compare(0, 4, "RIFF") == 0
            && bytes.compare(8, 4, "WEBP") == 0);
}

// Shorter than any picture is some other word.
bool image_of_base64(const std::string& text, ResultImage& image)
{
    return text.size() > 64 && base::base64_decode(text, image.bytes);
}

// A string as an image: base64 without any label must begin as a picture does.
bool image_of_text(const std::string& text, ResultImage& image)
{
    if (is_http(text)) {
        image.url = text;
        return !is_api_link(text);
    }
    if (text.compare(0, 5, "data:") == 0) {
        const size_t comma = text.find(',');
        if (comma == std::string::npos
            || text.substr(0, comma).find(";base64") == std::string::npos)
            return false;
        return base::base64_decode(std::string_view(text).substr(comma + 1), image.bytes)
            && !image.bytes.empty();
    }
    return image_of_base64(text, image) && looks_like_image(image.bytes);
}

void collect(const Json& value, const std::string& place, int depth,
             std::vector<ResultImage>& images)
{
    if (value.is_string()) {
        ResultImage image;
        image.place = place;
        if (image_of_text(value.get_ref<const std::string&>(), image))
            images.push_back(std::move(image));
        return;
    }
    if (depth == 0)
        return;
    if (value.is_array()) {
        for (size_t i = 0; i < value.size(); ++i)
            collect(value[i], place + "/" + std::to_string(i), depth - 1, images);
        return;
    }
    if (!value.is_object())
        return;
    const bool echo = has_prompt(value);
    for (const char* key : {"url", "image_url", "b64_json"}) {
        const auto found = value.find(key);
        if (found == value.end() || (echo && std::string_view(key) == "image_url"))
            continue;
        const size_t before = images.size();
        if (std::string_view(key) == "b64_json" && found->is_string()) {
            ResultImage image;
            image.place = place + "/" + key;
            const auto& text = found->get_ref<const std::string&>();
            if (image_of_text(text, image) || image_of_base64(text, image))
                images.push_back(std::move(image));
        } else {
            collect(*found, place + "/" + key, depth - 1, images);
        }
        if (images.size() > before)
            return;
    }
}

std::vector<ResultImage> without_doubles(std::vector<ResultImage> images)
{
    std::set<std::string> seen;
    std::vector<ResultImage> kept;
    for (ResultImage& image : images)
        if (image.url.empty() || seen.insert(image.url).second)
            kept.push_back(std::move(image));
    return kept;
}

std::vector<ResultImage> images_of_container(const Json& container, const std::string& place,
                                             bool is_root)
{
    if (container.is_array() || (container.is_string() && !is_root && place != "/data"))
        return images_in(container, place);
    if (!container.is_object())
        return {};
    // The request's own references come back in the same fields.
    const bool echo = has_prompt(container);
    for (const char* key : image_keys) {
        const std::string_view name(key);
        if (echo && (name == "images" || name == "image_urls" || name == "image_url"))
            continue;
        const auto found = container.find(key);
        if (found == container.end())
            continue;
        auto images = images_in(*found, place + "/" + key);
        if (!images.empty())
            return images;
    }
    return {};
}

void list_places(const Json& value, const std::string& place, int depth,
                 std::vector<std::string>& out)
{
    constexpr size_t most = 60;
    if (out.size() >= most || depth == 0)
        return;
    const auto visit = [&](const std::string& name, const Json& child) {
        if (out.size() >= most)
            return;
        const std::string here = place + "/" + name;
        out.push_back(here);
        list_places(child, here, depth - 1, out);
    };
    if (value.is_object())
        for (const auto& [key, child] : value.items()) {
            std::string escaped;
            for (char c : key.substr(0, 64))
                escaped += c == '~' ? "~0" : c == '/' ? "~1" : std::string(1, c);
            visit(escaped, child);
        }
    else if (value.is_array())
        for (size_t i = 0; i < std::min<size_t>(value.size(), 3); ++i)
            visit(std::to_string(i), value[i]);
}

void gather_words(const Json& value, int depth, std::string& words)
{
    constexpr size_t most = 64u << 10;
    if (words.size() >= most || depth == 0)
        return;
    if (value.is_string())
        words += " " + value.get_ref<const std::string&>().substr(0, 4096);
    else if (value.is_structured())
        for (const Json& child : value)
            gather_words(child, depth - 1, words);
}

// A member with a task's name that holds something, however deep.
bool has_task_name(const Json& value, int depth)
{
    if (depth == 0 || !value.is_structured())
        return false;
    for (const auto& [key, child] : value.items()) {
        std::string name;
        for (unsigned char c : key)
            if (c != '_' && c != '-')
                name += static_cast<char>(std::tolower(c));
        const std::string text = scalar_text(child);
        if (value.is_object() && contains(task_names, name)
            && ((!text.empty() && text != "0") || (child.is_structured() && !child.empty())))
            return true;
        if (has_task_name(child, depth - 1))
            return true;
    }
    return false;
}

} // namespace

const Json& at(const Json& root, const char* pointer)
{
    static const Json* null = new Json;
    const Json* value = &root;
    const std::string text(pointer);
    for (size_t start = 1; start <= text.size();) {
        const size_t end = std::min(text.find('/', start), text.size());
        const std::string name = text.substr(start, end - start);
        if (value->is_object()) {
            const auto found = value->find(name);
            if (found == value->end())
                return *null;
            value = &*found;
        } else if (value->is_array() && name.size() == 1 && std::isdigit(name[0])
                   && size_t(name[0] - '0') < value->size()) {
            value = &(*value)[size_t(name[0] - '0')];
        } else {
            return *null;
        }
        start = end + 1;
    }
    return *value;
}

std::string scalar_text(const Json& value)
{
    if (value.is_string())
        return value.get<std::string>();
    if (value.is_number_integer())
        return value.dump();
    if (value.is_number_float()) {
        // 12345.0 is how some serializers write an integer.
        const double number = value.get<double>();
        if (std::abs(number) < 1e15 && number == double(int64_t(number)))
            return std::to_string(int64_t(number));
        return value.dump();
    }
    return {};
}

std::string find_task_id(const Json& root)
{
    for (const char* place : task_id_places) {
        const std::string id = scalar_text(at(root, place));
        if (!id.empty() && id.size() <= 512)
            return id;
    }
    const Json& data = at(root, "/data");
    if (data.is_string()) {
        const auto& text = data.get_ref<const std::string&>();
        const bool word = !text.empty() && text.size() <= 128
            && std::all_of(text.begin(), text.end(), [](unsigned char c) {
                   return std::isalnum(c) || c == '_' || c == '-' || c == '.';
               });
        if (word)
            return text;
    }
    return {};
}

std::string find_status_word(const Json& root)
{
    for (const char* place : state_places) {
        const Json& value = at(root, place);
        if (!value.is_string())
            continue;
        const auto& word = value.get_ref<const std::string&>();
        if (word.find_first_not_of("0123456789.- \t") != std::string::npos)
            return word.substr(0, 64);
    }
    return {};
}

bool state_of(const std::string& word, TaskState& state)
{
    std::string plain;
    for (unsigned char c : word)
        plain += c == ' ' || c == '-' ? '_' : static_cast<char>(std::tolower(c));
    while (!plain.empty() && plain.front() == '_')
        plain.erase(0, 1);
    while (!plain.empty() && plain.back() == '_')
        plain.pop_back();
    if (contains(waiting_words, plain))
        state = TaskState::waiting;
    else if (contains(done_words, plain))
        state = TaskState::done;
    else if (contains(failed_words, plain))
        state = TaskState::failed;
    else
        return false;
    return true;
}

std::vector<ResultImage> images_in(const Json& value, const std::string& place)
{
    std::vector<ResultImage> images;
    collect(value, place, 4, images);
    return without_doubles(std::move(images));
}

bool base64_image(const Json& value, ResultImage& image)
{
    return value.is_string() && image_of_base64(value.get_ref<const std::string&>(), image);
}

std::vector<ResultImage> find_images(const Json& root)
{
    for (const char* place : image_containers) {
        const bool is_root = *place == '\0';
        auto images = images_of_container(at(root, place), place, is_root);
        if (!images.empty())
            return images;
    }
    return {};
}

std::string find_message(const Json& root)
{
    for (const char* place : message_places) {
        const Json& value = at(root, place);
        if (value.is_string() && !value.get_ref<const std::string&>().empty())
            return value.get<std::string>();
    }
    return {};
}

int find_code(const Json& root)
{
    for (const char* place : code_places) {
        const std::string text = scalar_text(at(root, place));
        if (!text.empty() && text.size() < 7
            && text.find_first_not_of("0123456789") == std::string::npos)
            return std::atoi(text.c_str());
    }
    return 0;
}

bool mentions_task(const Json& root)
{
    for (const char* place : {"/result/id", "/output/id", "/response/id", "/task_result/id"})
        if (!scalar_text(at(root, place)).empty())
            return true;
    return !find_task_id(root).empty() || has_task_name(root, 5);
}

bool surely_names_task(const Json& root)
{
    for (const char* place : {"/id", "/data/id"})
        if (base::lower(scalar_text(at(root, place))).compare(0, 4, "task") == 0)
            return true;
    return has_task_name(root, 5);
}

std::string all_words(const Json& root)
{
    std::string words;
    gather_words(root, 8, words);
    return words;
}

std::string find_field(const Json& root)
{
    for (const char* place : field_places) {
        const Json& value = at(root, place);
        if (value.is_string() && !value.get_ref<const std::string&>().empty())
            return value.get<std::string>();
    }
    // {"errors": {"aspect_ratio": ["…"]}}
    const Json& errors = at(root, "/errors");
    if (errors.is_object() && !errors.empty())
        return errors.begin().key();
    const Json& location = at(root, "/detail/0/loc");
    return location.is_array() && !location.empty() ? scalar_text(location.back()) : "";
}

std::vector<std::string> all_places(const Json& root)
{
    std::vector<std::string> places;
    list_places(root, "", 5, places);
    return places;
}

} // namespace klio::service
