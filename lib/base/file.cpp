#include "base/file.h"

#include "base/sha256.h"

#include <klio/error.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cctype>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>

namespace klio::base {

namespace fs = std::filesystem;

namespace {

std::string reason(int error)
{
    return std::strerror(error);
}

} // namespace

std::string read_file(const std::string& path, uint64_t max_bytes, FileKind kind)
{
    // The open of a pipe waits for its writer, before anybody can see that it is one.
    const int fd
        = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | (kind == FileKind::regular ? O_NONBLOCK : 0));
    if (fd < 0)
        throw ReferenceError(path + ": can't be opened (" + reason(errno) + ")");
    struct stat info { };
    ::fstat(fd, &info);
    if (S_ISDIR(info.st_mode)) {
        ::close(fd);
        throw ReferenceError(path + ": is a folder, not a file");
    }
    if (kind == FileKind::regular && !S_ISREG(info.st_mode)) {
        ::close(fd);
        throw ReferenceError(path + ": is no regular file");
    }
    std::string bytes;
    if (S_ISREG(info.st_mode) && uint64_t(info.st_size) <= max_bytes)
        bytes.reserve(size_t(info.st_size) + 1);
    char buffer[1 << 16];
    ssize_t got = 0;
    while ((got = ::read(fd, buffer, sizeof buffer)) != 0) {
        if (got < 0) {
            if (errno == EINTR)
                continue;
            const int error = errno;
            ::close(fd);
            throw ReferenceError(path + ": can't be read (" + reason(error) + ")");
        }
        if (bytes.size() + size_t(got) > max_bytes) {
            ::close(fd);
            throw ReferenceError(path + ": is larger than the " + std::to_string(max_bytes)
                                 + " bytes allowed");
        }
        bytes.append(buffer, size_t(got));
    }
    ::close(fd);
    return bytes;
}

void write_file_atomic(const std::string& path, std::string_view bytes, unsigned mode)
{
    const std::string temporary = path + ".tmp-" + random_hex(6);
    const auto fail = [&](const char* what, int error) {
        ::unlink(temporary.c_str());
        throw OutputError(path + ": " + what + " (" + reason(error) + ")");
    };
    const int fd = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode_t(mode));
    if (fd < 0)
        fail("can't be created", errno);
    while (!bytes.empty()) {
        const ssize_t put = ::write(fd, bytes.data(), bytes.size());
        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0) {
            const int error = put < 0 ? errno : ENOSPC;
            ::close(fd);
            fail("can't be written", error);
        }
        bytes.remove_prefix(size_t(put));
    }
    if (::fsync(fd) != 0 && errno != EINVAL && errno != EROFS) {
        const int error = errno;
        ::close(fd);
        fail("can't be synced", error);
    }
    if (::close(fd) != 0)
        fail("can't be closed", errno);
    if (::rename(temporary.c_str(), path.c_str()) != 0)
        fail("can't be put in its place", errno);
    sync_folder(parent_folder(path));
}

void make_folders(const std::string& path, unsigned mode)
{
    if (path.empty() || exists(path)) {
        std::error_code ignored;
        if (!path.empty() && !fs::is_directory(path, ignored))
            throw OutputError(path + ": is a file where a folder is needed");
        return;
    }
    const std::string parent = parent_folder(path);
    if (parent != path)
        make_folders(parent, mode);
    if (::mkdir(path.c_str(), mode_t(mode)) != 0 && errno != EEXIST)
        throw OutputError(path + ": the folder can't be made (" + reason(errno) + ")");
}

void sync_folder(const std::string& path)
{
    const int fd = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return;
    ::fsync(fd);
    ::close(fd);
}

bool exists(const std::string& path) noexcept
{
    struct stat info { };
    return ::stat(path.c_str(), &info) == 0;
}

bool is_url(std::string_view text) noexcept
{
    const auto starts = [&](std::string_view prefix) {
        if (text.size() < prefix.size())
            return false;
        for (size_t i = 0; i < prefix.size(); ++i)
            if (std::tolower(static_cast<unsigned char>(text[i])) != prefix[i])
                return false;
        return true;
    };
    return starts("http://") || starts("https://");
}

std::string absolute_path(const std::string& path)
{
    std::error_code error;
    const fs::path absolute = fs::absolute(path, error);
    return error ? path : absolute.lexically_normal().string();
}

std::string parent_folder(const std::string& path)
{
    const std::string parent = fs::path(path).parent_path().string();
    return parent.empty() ? "." : parent;
}

std::string file_name(const std::string& path)
{
    return fs::path(path).filename().string();
}

std::string join_path(const std::string& folder, const std::string& name)
{
    return (fs::path(folder) / name).string();
}

} // namespace klio::base
