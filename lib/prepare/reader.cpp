#include "prepare/reader.h"

#include "base/recipe_name.h"
#include "prepare/header.h"

#include <klio/error.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <sys/stat.h>

namespace klio::prep {

namespace {

// The file's size. Messages name what is wrong with the file itself, before any reader guesses.
uint64_t check_file(const std::string& path)
{
    struct stat info { };
    if (::stat(path.c_str(), &info) != 0)
        throw ReferenceError(path + ": can't be opened (" + std::strerror(errno) + ")");
    if (S_ISDIR(info.st_mode))
        throw ReferenceError(path + ": is a folder, not an image");
    if (!S_ISREG(info.st_mode))
        throw ReferenceError(path + ": is no regular file");
    if (info.st_size == 0)
        throw ReferenceError(path + ": is empty");
    return uint64_t(info.st_size);
}

} // namespace

void check_size(const std::string& name, double width, double height)
{
    char size[64];
    std::snprintf(size, sizeof size, "%.0fx%.0f", width, height);
    if (!(width >= 1 && height >= 1))
        throw ReferenceError(name + ": has no pixels (its header says " + size + ")");
    if (width > max_side || height > max_side || width * height > max_pixels)
        throw ReferenceError(name + ": its header says " + size
                             + " pixels; klio reads at most 65535 a side and 2^30 in all");
}

std::unique_ptr<Reader> open_reader(const Source& source, const Options& options)
{
    constexpr size_t head_size = 2048;
    std::string head;
    uint64_t size = 0;
    if (source.bytes) {
        if (source.bytes->empty())
            throw ReferenceError(source.name + ": is empty");
        head = source.bytes->substr(0, head_size);
        size = source.bytes->size();
    } else {
        size = check_file(source.name);
        if (base::names_recipe(source.name))
            throw ReferenceError(source.name
                                 + ": is a recipe; a reference must be an image (generate the "
                                   "recipe first, then use a frame of it)");
        std::FILE* file = std::fopen(source.name.c_str(), "rbe");
        if (!file)
            throw ReferenceError(source.name + ": can't be opened (" + std::strerror(errno) + ")");
        head.resize(head_size);
        head.resize(std::fread(&head[0], 1, head_size, file));
        std::fclose(file);
    }
    check_header(source.name, head, size);
    if (head.compare(0, 3, "\xFF\xD8\xFF") == 0)
        return open_jpeg_reader(source);
    return open_oiio_reader(source, options);
}

} // namespace klio::prep
