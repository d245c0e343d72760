#include "store/flight.h"

#include <klio/error.h>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace klio::store {

bool Flight::try_take(const std::string& path)
{
    if (held())
        return true;
    for (;;) {
        const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        if (fd < 0)
            throw StoreError(path + ": the lock can't be made (" + std::strerror(errno)
                             + "); the data folder must be writable");
        int result = 0;
        while ((result = ::flock(fd, LOCK_EX | LOCK_NB)) != 0 && errno == EINTR) { }
        if (result != 0) {
            const int error = errno;
            ::close(fd);
            if (error == EWOULDBLOCK)
                return false;
            throw StoreError(path + ": can't be locked (" + std::strerror(error)
                             + "); the data folder must be on a filesystem with locks");
        }
        // The last holder takes the file away; a lock on what is no longer there guards nothing.
        struct stat mine {
        }, there {};
        if (::fstat(fd, &mine) == 0 && ::stat(path.c_str(), &there) == 0
            && mine.st_ino == there.st_ino && mine.st_dev == there.st_dev) {
            m_fd = fd;
            m_path = path;
            return true;
        }
        ::close(fd);
    }
}

bool Flight::taken(const std::string& path) noexcept
{
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    const bool taken = ::flock(fd, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
    ::close(fd);
    return taken;
}

void Flight::release() noexcept
{
    if (m_fd < 0)
        return;
    ::unlink(m_path.c_str());
    ::close(m_fd);
    m_fd = -1;
}

} // namespace klio::store
