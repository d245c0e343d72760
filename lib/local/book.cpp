#include "local/book.h"

#include "base/encoding.h"
#include "base/file.h"
#include "base/sha256.h"
#include "local/fault.h"

#include <klio/error.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>

namespace klio::local {

using base::Json;
namespace fs = std::filesystem;

namespace {

// References are somebody's plates: they are not kept for longer than a service would keep results.
constexpr auto reference_age = std::chrono::hours(30 * 24);

void drop_old_files(const std::string& folder)
{
    std::error_code error;
    for (const fs::directory_entry& entry : fs::directory_iterator(folder, error))
        if (entry.last_write_time(error) < fs::file_time_type::clock::now() - reference_age
            && !error)
            fs::remove(entry.path(), error);
}

Json to_json(const Task& task)
{
    return {{"id", task.id},
            {"owner", task.owner},
            {"created", task.created},
            {"ready", task.ready},
            {"body", task.body},
            {"references", task.references},
            {"credits", task.credits},
            {"idempotency_key", task.idempotency_key},
            {"request_hash", task.request_hash},
            {"fate", task.fate},
            {"failure", task.failure}};
}

bool from_json(const std::string& text, Task& task)
{
    Json json;
    base::JsonError error;
    if (!base::parse_json(text, json, error) || !json.is_object())
        return false;
    try {
        task.id = json.at("id").get<std::string>();
        task.owner = json.at("owner").get<std::string>();
        task.created = json.at("created").get<double>();
        task.ready = json.at("ready").get<double>();
        task.body = json.at("body");
        task.references = json.at("references").get<std::vector<std::string>>();
        task.credits = json.at("credits").get<int>();
        task.idempotency_key = json.at("idempotency_key").get<std::string>();
        task.request_hash = json.at("request_hash").get<std::string>();
        task.fate = json.at("fate").get<std::vector<std::string>>();
        task.failure = json.at("failure").get<std::string>();
    } catch (const Json::exception&) {
        return false;
    }
    return true;
}

} // namespace

bool Task::ended(double now) const
{
    return now >= ready && !has_fate(fate, "stuck");
}

Book::Book(std::string folder) : m_folder(std::move(folder))
{
    const std::string random = base::random_bytes(32);
    m_secret = random;
    if (m_folder.empty())
        return;
    try {
        base::make_folders(path("tasks"), 0700);
        base::make_folders(path("references"), 0700);
        // The first gateway of a folder makes the secret: link() fails where another was faster.
        const std::string secret_path = path("secret");
        if (!base::exists(secret_path)) {
            const std::string own = secret_path + "-" + base::hex(random.data(), 8);
            base::write_file_atomic(own, random, 0600);
            const int linked = ::link(own.c_str(), secret_path.c_str());
            const int error = errno;
            ::unlink(own.c_str());
            if (linked != 0 && error != EEXIST)
                throw StoreError(secret_path + ": " + std::strerror(error));
        }
        m_secret = base::read_file(secret_path, 4096);
        drop_old_files(path("references"));
    } catch (const StoreError&) {
        throw;
    } catch (const Error& error) {
        throw StoreError(std::string("the local gateway's state folder: ") + error.what());
    }
}

std::string Book::path(const std::string& name) const
{
    return base::join_path(m_folder, name);
}

void Book::count_create()
{
    std::lock_guard<std::mutex> lock(m_mutex);
    ++m_creates;
    if (m_folder.empty())
        return;
    // One byte a create: appends of one byte can't tear or mix.
    const int fd = ::open(path("creates").c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (fd < 0)
        return;
    if (::write(fd, ".", 1) == 1)
        ::fdatasync(fd);
    ::close(fd);
}

uint64_t Book::creates() const
{
    std::lock_guard<std::mutex> lock(m_mutex);
    struct stat info { };
    if (!m_folder.empty() && ::stat(path("creates").c_str(), &info) == 0)
        return uint64_t(info.st_size);
    return m_creates;
}

void Book::add(const Task& task)
{
    if (!m_folder.empty())
        base::write_file_atomic(path("tasks/" + task.id + ".json"), base::to_text(to_json(task)),
                                0600);
    std::lock_guard<std::mutex> lock(m_mutex);
    m_tasks[task.id] = task;
}

bool Book::find(const std::string& id, Task& task) const
{
    std::lock_guard<std::mutex> lock(m_mutex);
    const auto found = m_tasks.find(id);
    if (found != m_tasks.end()) {
        task = found->second;
        return true;
    }
    // The id comes out of a URL: nothing but our own alphabet becomes a file's name.
    const bool clean = !id.empty() && std::all_of(id.begin(), id.end(), [](unsigned char c) {
        return std::isalnum(c) || c == '_';
    });
    if (m_folder.empty() || !clean)
        return false;
    try {
        if (!from_json(base::read_file(path("tasks/" + id + ".json")), task))
            return false;
    } catch (const Error&) {
        return false;
    }
    m_tasks[id] = task;
    return true;
}

// Tasks of other gateways at the same folder.
void Book::load() const
{
    if (m_folder.empty())
        return;
    std::vector<std::string> ids;
    std::error_code error;
    for (const fs::directory_entry& entry : fs::directory_iterator(path("tasks"), error))
        if (entry.path().extension() == ".json")
            ids.push_back(entry.path().stem().string());
    Task task;
    for (const std::string& id : ids)
        find(id, task);
}

std::vector<Task> Book::tasks() const
{
    load();
    std::vector<Task> list;
    {
        std::lock_guard<std::mutex> lock(m_mutex);
        for (const auto& [id, task] : m_tasks)
            list.push_back(task);
    }
    std::sort(list.begin(), list.end(), [](const Task& a, const Task& b) {
        return a.created != b.created ? a.created < b.created : a.id < b.id;
    });
    return list;
}

bool Book::find_idempotent(const std::string& owner, const std::string& key, Task& task) const
{
    for (const Task& known : tasks())
        if (known.owner == owner && known.idempotency_key == key) {
            task = known;
            return true;
        }
    return false;
}

long Book::spent(const std::string& owner) const
{
    long sum = 0;
    for (const Task& task : tasks())
        if (task.owner == owner && task.failure.empty() && !has_fate(task.fate, "stuck"))
            sum += task.credits;
    return sum;
}

std::string Book::keep_reference(const std::string& bytes)
{
    const std::string id = base::sha256_hex(bytes);
    if (m_folder.empty()) {
        std::lock_guard<std::mutex> lock(m_mutex);
        m_references.emplace(id, bytes);
    } else if (const std::string file = path("references/" + id); base::exists(file)) {
        std::error_code ignored;
        fs::last_write_time(file, fs::file_time_type::clock::now(), ignored);
    } else {
        base::write_file_atomic(file, bytes, 0600);
    }
    return id;
}

std::string Book::reference(const std::string& sha256) const
{
    if (m_folder.empty()) {
        std::lock_guard<std::mutex> lock(m_mutex);
        const auto found = m_references.find(sha256);
        return found == m_references.end() ? std::string() : found->second;
    }
    try {
        return base::read_file(path("references/" + sha256));
    } catch (const Error&) {
        return {};
    }
}

} // namespace klio::local
