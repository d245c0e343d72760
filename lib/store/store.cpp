#include "store/store.h"

#include "base/encoding.h"
#include "base/file.h"
#include "base/json.h"
#include "base/sha256.h"

#include <klio/error.h>

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

namespace klio::store {

namespace fs = std::filesystem;

namespace {

// Enough for a task's id and a usual answer in the database's log, with room.
constexpr off_t spare_bytes = 256 << 10;

std::string prepared_folder(const std::string& folder)
{
    // What is in it is the user's alone: prompts, and plates made into frames.
    for (const std::string& path :
         {folder, folder + "/results", folder + "/locks", folder + "/answers"}) {
        try {
            base::make_folders(path, 0700);
        } catch (const OutputError& error) {
            if (!base::exists(folder + "/klio.db"))
                throw StoreError(std::string("data folder ") + error.what()
                                 + "; set KLIO_HOME to one that can be written");
            break; // one that can only be read is still worth reading
        }
    }
    return folder;
}

// Result files, or answers that are still to be taken up.
bool holds_purchases(const std::string& folder)
{
    for (const char* name : {"/results", "/answers"}) {
        std::error_code error;
        for (fs::recursive_directory_iterator it(folder + name, error), end; !error && it != end;
             it.increment(error))
            if (it->is_regular_file(error))
                return true;
    }
    return false;
}

void write_answer(const std::string& path, const std::string& task_id, const std::string& raw)
{
    try {
        base::write_file_atomic(
            path, base::to_text(base::Json {{"task_id", task_id}, {"raw", raw}}), 0600);
    } catch (const OutputError& error) {
        throw StoreError(error.what());
    }
}

} // namespace

Store::Store(const std::string& folder)
    : m_folder(prepared_folder(folder)),
      m_database(folder + "/klio.db", [&] { return !holds_purchases(folder); }),
      m_jobs(m_database, m_folder), m_memo(m_database), m_staged(m_database)
{
}

std::string Store::lock_path(const std::string& job) const
{
    return m_folder + "/locks/" + job + ".lock";
}

std::string Store::answer_path(const std::string& job) const
{
    return m_folder + "/answers/" + job + ".json";
}

std::string Store::space_path(const std::string& job) const
{
    return m_folder + "/locks/" + job + ".space";
}

std::string Store::secret() const
{
    const std::string path = m_folder + "/secret";
    try {
        if (!base::exists(path)) {
            // link() makes it whole or not at all, and lets one of two makers win; they may be
            // threads of one process.
            const std::string random = base::random_bytes(40);
            const std::string mine = path + "." + base::hex(random.data() + 32, 8);
            base::write_file_atomic(mine, random.substr(0, 32), 0600);
            if (::link(mine.c_str(), path.c_str()) != 0 && errno != EEXIST)
                throw OutputError(path + ": can't be made (" + std::strerror(errno) + ")");
            ::unlink(mine.c_str());
            base::sync_folder(m_folder);
        }
        return base::read_file(path, 4096);
    } catch (const Error& error) {
        throw StoreError(std::string("the data folder's secret ") + error.what());
    }
}

void Store::keep_answer(const std::string& job, const std::string& task_id, const std::string& raw)
{
    write_answer(answer_path(job), task_id, raw);
}

std::string Store::keep_answer_elsewhere(const std::string& job, const std::string& task_id,
                                         const std::string& raw) const
{
    std::error_code error;
    const fs::path folder = fs::temp_directory_path(error);
    if (error)
        throw StoreError("the folder for temporary files: " + error.message());
    const std::string path
        = (folder / ("klio-answer-" + job.substr(0, 12) + "-" + base::random_hex(6) + ".json"))
              .string();
    write_answer(path, task_id, raw);
    return path;
}

bool Store::kept_answer(const std::string& job, std::string& task_id, std::string& raw) const
{
    if (!base::exists(answer_path(job)))
        return false;
    base::Json json;
    base::JsonError error;
    // What klio did not write is no answer, and no reason to show no jobs; the file stays, for a
    // person to look at. One that can't be read may be an answer, so that is an error.
    if (!base::parse_json(base::read_file(answer_path(job)), json, error) || !json.is_object())
        return false;
    std::string found[2];
    const char* names[2] = {"task_id", "raw"};
    for (int i = 0; i < 2; ++i) {
        const auto field = json.find(names[i]);
        if (field == json.end())
            continue;
        if (!field->is_string())
            return false;
        found[i] = field->get<std::string>();
    }
    if (found[0].empty() && found[1].empty())
        return false;
    task_id = found[0];
    raw = found[1];
    return true;
}

void Store::drop_answer(const std::string& job) const noexcept
{
    ::unlink(answer_path(job).c_str());
}

void Store::settle(JobRecord& job, double unix_now)
{
    const std::string key = job.set.job;
    const bool left = job.set.state == JobState::submitting;
    if (!left && job.set.state != JobState::unknown)
        return;
    std::string task, raw;
    if (kept_answer(key, task, raw)) {
        m_jobs.submitted(key, task, raw, unix_now);
        drop_answer(key);
    } else if (left) {
        m_jobs.unknown(key, ErrorKind::unknown,
                       "the process that sent it ended before an answer was written down", {},
                       unix_now);
    }
    free_space(key);
    job = m_jobs.get(key);
}

void Store::reserve_space(const std::string& job)
{
    const std::string path = space_path(job);
    const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    int error = fd < 0 ? errno : ::posix_fallocate(fd, 0, spare_bytes);
    if (fd >= 0)
        ::close(fd);
    if (error == EOPNOTSUPP || error == EINVAL)
        error = 0; // a filesystem that can't reserve
    if (error == 0)
        return;
    ::unlink(path.c_str());
    throw StoreError("data folder " + m_folder + ": no space to write down what is bought ("
                     + std::strerror(error) + "), so nothing was sent; free some and run again");
}

void Store::free_space(const std::string& job) const noexcept
{
    ::unlink(space_path(job).c_str());
}

void Store::sweep(const std::string& job) const noexcept
{
    std::error_code error;
    const fs::path folder = fs::path(m_folder) / "results" / job.substr(0, 2) / job;
    for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
        std::error_code ignored;
        if (it->path().filename().string().find(".tmp-") != std::string::npos)
            fs::remove(it->path(), ignored);
    }
}

void Store::remove_results(const std::string& job) const
{
    std::error_code error;
    fs::remove_all(fs::path(m_folder) / "results" / job.substr(0, 2) / job, error);
    if (error)
        throw StoreError("the results of job " + job + " can't be removed (" + error.message()
                         + ")");
}

} // namespace klio::store
