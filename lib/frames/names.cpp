#include <klio/frame.h>

#include "base/encoding.h"
#include "base/file.h"

#include <klio/error.h>

#include <OpenImageIO/imageio.h>

#include <climits>
#include <cstdlib>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <memory>
#include <set>

namespace klio {

namespace {

// A run of '#' or '@', or a printf form, in a file's name.
struct Padding {
    size_t begin = 0;
    size_t end = 0;
    int digits = 0;
};

std::vector<Padding> find_paddings(const std::string& name)
{
    std::vector<Padding> paddings;
    for (size_t i = 0; i < name.size();) {
        size_t end = i;
        int digits = 0;
        while (end < name.size() && (name[end] == '#' || name[end] == '@')) {
            digits += name[end] == '#' ? 4 : 1;
            ++end;
        }
        if (end == i && name[i] == '%') {
            size_t at = i + 1;
            while (at < name.size() && std::isdigit(static_cast<unsigned char>(name[at])))
                ++at;
            if (at < name.size() && name[at] == 'd') {
                // "%4d" would pad with blanks: no file name wants those.
                digits = at > i + 1
                    ? std::atoi(name.substr(i + 1, std::min<size_t>(at - i - 1, 4)).c_str())
                    : 1;
                end = at + 1;
            }
        }
        if (end == i) {
            ++i;
            continue;
        }
        paddings.push_back({i, end, std::clamp(digits, 1, 16)});
        i = end;
    }
    return paddings;
}

std::string ending(const std::string& path)
{
    const std::string name = base::file_name(path);
    const size_t dot = name.rfind('.');
    return dot == std::string::npos || dot == 0 ? std::string() : name.substr(dot);
}

std::vector<std::string> split(const std::string& text, char separator)
{
    std::vector<std::string> parts;
    for (size_t begin = 0; begin < text.size();) {
        const size_t end = std::min(text.find(separator, begin), text.size());
        parts.push_back(text.substr(begin, end - begin));
        begin = end + 1;
    }
    return parts;
}

// Every ending that OIIO has a writer for. Its list is "openexr:exr,sxr;tiff:tif,tiff …".
std::vector<std::string> writable_endings()
{
    std::string formats, endings;
    OIIO::getattribute("output_format_list", formats);
    OIIO::getattribute("extension_list", endings);
    const std::vector<std::string> writers = split(formats, ',');
    std::vector<std::string> found;
    for (const std::string& entry : split(endings, ';')) {
        const size_t colon = std::min(entry.find(':'), entry.size() - 1);
        if (std::find(writers.begin(), writers.end(), entry.substr(0, colon)) != writers.end())
            for (const std::string& ending : split(entry.substr(colon + 1), ','))
                found.push_back(ending);
    }
    return found;
}

void check_folder(const std::string& path)
{
    // Beside a file that is written stands its temporary one for a while.
    constexpr size_t temporary = 24;
    if (base::file_name(path).size() + temporary > NAME_MAX)
        throw OutputError(path + ": its name is too long");
    std::string folder = base::parent_folder(path);
    while (!base::exists(folder)) {
        struct stat link { };
        if (::lstat(folder.c_str(), &link) == 0)
            throw OutputError(path + ": " + folder + " is a link to nowhere");
        const std::string above = base::parent_folder(folder);
        if (above == folder)
            break;
        folder = above;
    }
    // Permission bits do not tell of everything (root, /proc, a full disk): it is tried.
    std::string trial = base::join_path(folder, ".klio-XXXXXX");
    if (::access(folder.c_str(), W_OK | X_OK) != 0 || !::mkdtemp(trial.data())
        || ::rmdir(trial.c_str()) != 0)
        throw OutputError(path + ": its folder " + folder
                          + " can't be written to; choose another one");
}

} // namespace

std::vector<std::string> frame_names(const std::string& pattern, int count)
{
    const std::string name = base::file_name(pattern);
    const std::string folder = pattern.substr(0, pattern.size() - name.size());
    const std::vector<Padding> paddings = find_paddings(name);
    if (name.empty())
        throw UsageError("output '" + pattern + "' names no file");
    if (paddings.size() > 1)
        throw UsageError("output '" + pattern + "' has two paddings; one numbers the frames");
    std::vector<std::string> names;
    for (int i = 1; i <= count; ++i) {
        std::string number = std::to_string(i);
        const auto pad = [&](int digits) {
            return std::string(size_t(std::max(0, digits - int(number.size()))), '0') + number;
        };
        if (!paddings.empty()) {
            const Padding& padding = paddings[0];
            names.push_back(folder + name.substr(0, padding.begin) + pad(padding.digits)
                            + name.substr(padding.end));
        } else if (count == 1) {
            names.push_back(pattern);
        } else {
            const std::string dot = ending(name);
            names.push_back(folder + name.substr(0, name.size() - dot.size()) + "." + pad(4) + dot);
        }
    }
    return names;
}

void check_outputs(const std::vector<std::string>& paths, bool force)
{
    std::set<std::string> seen;
    for (const std::string& path : paths) {
        if (!seen.insert(base::absolute_path(path)).second)
            throw OutputError(path + ": two outputs have this name; number them with #");
        if (ending(path).empty())
            throw OutputError(path + ": its name has no ending, which says the format; try " + path
                              + ".exr");
        if (!OIIO::ImageOutput::create(path)) {
            OIIO::geterror();
            const std::string near = base::nearest(ending(path).substr(1), writable_endings());
            throw OutputError(path + ": OpenImageIO has no writer for " + ending(path)
                              + (near.empty() ? "; try .exr" : "; did you mean ." + near + "?"));
        }
        OIIO::geterror();
        check_folder(path);
        if (base::exists(path) && !force)
            throw OutputError(path + ": is there already; --force writes over it");
    }
}

} // namespace klio
