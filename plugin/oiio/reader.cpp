#include "reader.h"

#include "one_line.h"

#include "base/file.h"

#include <klio/version.h>

#include <unistd.h>

#include <cerrno> // program_invocation_short_name
#include <cstdio>
#include <cstring>
#include <system_error>

namespace klio::oiio {

namespace {

// A host may read frames in turns, so each is decoded once and kept, as long as all of them
// together stay below this.
constexpr uint64_t max_kept_bytes = uint64_t(512) << 20;

// Where the host keeps a reader's words to itself, stderr has to have them: oiiotool says no more
// than "File does not exist" of a name without a file, and iv "Could not display image" of any.
bool host_is_silent(const std::string& name)
{
    return (name.find('?') != std::string::npos && !base::exists(name))
        || std::strcmp(program_invocation_short_name, "iv") == 0;
}

// Hosts open a name more than once, hence once for each text.
void say_once(const std::string& text)
{
    const std::string message = one_line(text);
    static std::mutex mutex;
    static std::string last;
    const std::lock_guard<std::mutex> lock(mutex);
    if (message != last)
        std::fprintf(stderr, "klio: %s\n", message.c_str());
    last = message;
}

// `message` as OpenImageIO has it, that is with "klio:" before it.
void say_for_host(const std::string& name, const std::string& message)
{
    if (host_is_silent(name))
        say_once(message.substr(message.find(' ') + 1));
}

} // namespace

template <typename Work> bool KlingInput::guarded(const Work& work)
{
    std::string message;
    try {
        work();
        return true;
    } catch (const Error& error) {
        message = error.what();
    } catch (const std::bad_alloc&) {
        message = "out of memory";
    } catch (const std::exception& error) {
        message = error.what();
    } catch (...) {
        message = "an unknown exception";
    }
    // Whatever it is about, people look for the name that they opened.
    if (message.rfind(m_name.substr(0, m_name.find('?')), 0) != 0)
        message = m_name + ": " + message;
    errorfmt("klio: {}", one_line(message));
    return false;
}

bool KlingInput::open(const std::string& name, OIIO::ImageSpec& spec)
{
    return open(name, spec, OIIO::ImageSpec());
}

bool KlingInput::open(const std::string& name, OIIO::ImageSpec& spec, const OIIO::ImageSpec& config)
{
    if (!is_recipe_name(name)) {
        errorfmt("klio: {}: no recipe (*.kling)", one_line(name));
        return false;
    }
    // OpenImageIO tries every reader on a file that none knows, with its global lock held: there
    // nothing may be waited for, nor another image opened.
    if (config.get_int_attribute("nowait") != 0) {
        errorfmt("klio: {}: not without waiting", one_line(name));
        return false;
    }
    close();
    m_name = name;
    const bool good = guarded([&] {
        open_or_throw(name, config);
        m_subimage = 0;
        m_spec = header(0);
    });
    if (!good) {
        const std::string message = geterror(false);
        close();
        say_for_host(name, message);
        return false;
    }
    spec = m_spec;
    return true;
}

void KlingInput::open_or_throw(const std::string& name, const OIIO::ImageSpec& config)
{
    if (std::string(version()) != KLIO_VERSION_STRING)
        throw Error(ErrorKind::internal,
                    std::string("this plugin is of klio " KLIO_VERSION_STRING
                                ", and found the library of klio ")
                        + version() + "; run: klio doctor");
    const Settings settings;
    const Asked asked = understand(name, config, settings);
    const StoredSet set = m_supply.frames(asked, settings);
    // The frames are the right ones as far as can be told; whoever replaced the plate meanwhile
    // must be able to see that this was not noticed.
    if (!set.missing_references.empty())
        say_once(name + ": " + set.warnings.back());
    m_pictures = asked.sheet ? sheet_pictures(set, m_supply.sheet(set, settings))
                             : frame_pictures(set, asked.frame, asked.only_frame);
}

bool KlingInput::close()
{
    forget_ahead();
    m_pictures.reset();
    m_decoded.clear();
    m_headers.clear();
    m_subimage = -1;
    return true;
}

bool KlingInput::seek_subimage(int subimage, int miplevel)
{
    lock_guard lock(*this);
    if (!m_pictures || subimage < 0 || subimage >= m_pictures->count() || miplevel != 0)
        return false;
    if (subimage == m_subimage)
        return true;
    return guarded([&] {
        m_spec = header(subimage);
        m_subimage = subimage;
    });
}

// What the host was told once stays so: it has memory of that size.
const OIIO::ImageSpec& KlingInput::header(int subimage)
{
    const auto found = m_headers.find(subimage);
    return found != m_headers.end()
        ? found->second
        : m_headers.emplace(subimage, m_pictures->spec(subimage)).first->second;
}

const Rows& KlingInput::rows(int subimage)
{
    const auto found = m_decoded.find(subimage);
    if (found != m_decoded.end())
        return *found->second;
    uint64_t kept = 0;
    for (const auto& [index, decoded] : m_decoded)
        kept += decoded->bytes();
    const bool in_turn = m_decoded.count(subimage - 1) != 0;
    if (kept > max_kept_bytes)
        m_decoded.clear();
    std::future<std::unique_ptr<const Rows>> mine;
    if (m_ahead_of == subimage && m_ahead_process == int(::getpid()))
        mine = std::move(m_ahead);
    // The next one is on its way while this one is decoded.
    read_ahead(in_turn ? subimage + 1 : m_pictures->count());
    try {
        return *(m_decoded[subimage] = mine.valid() ? mine.get() : m_pictures->rows(subimage));
    } catch (...) {
        m_decoded.erase(subimage);
        forget_ahead();
        throw;
    }
}

// A host that goes from frame to frame finds the next one decoded. One that wants the first frame
// alone, as maketx does, costs nothing more.
void KlingInput::read_ahead(int subimage)
{
    forget_ahead();
    if (subimage >= m_pictures->count() || m_decoded.count(subimage))
        return;
    try {
        m_ahead = std::async(std::launch::async, [pictures = m_pictures.get(), subimage] {
            return pictures->rows(subimage);
        });
        m_ahead_of = subimage;
        m_ahead_process = int(::getpid());
    } catch (const std::system_error&) {
        // No thread to be had: the frame is decoded when it is wanted.
    }
}

void KlingInput::forget_ahead() noexcept
{
    // In a child of a fork the thread never ends, since it is not there; its future would wait.
    if (m_ahead.valid() && m_ahead_process != int(::getpid()))
        new std::future<std::unique_ptr<const Rows>>(std::move(m_ahead));
    m_ahead = {};
    m_ahead_of = -1;
}

bool KlingInput::read_native_scanline(int subimage, int miplevel, int y, int z, void* data)
{
    return read_native_scanlines(subimage, miplevel, y, y + 1, z, data);
}

bool KlingInput::read_native_scanlines(int subimage, int miplevel, int begin, int end, int,
                                       void* data)
{
    lock_guard lock(*this);
    if (!seek_subimage(subimage, miplevel)) {
        if (!has_error())
            errorfmt("klio: {}: there is no subimage {}", one_line(m_name), subimage);
        return false;
    }
    const bool good = guarded([&] {
        const Rows& decoded = rows(subimage);
        const int first = begin - m_spec.y;
        if (first < 0 || begin >= end || end - m_spec.y > m_spec.height)
            throw UsageError(m_name + ": there are no scanlines " + std::to_string(begin) + " to "
                             + std::to_string(end - 1));
        // The host's memory is as large as the header said, which was read before the pixels were.
        const OIIO::ImageSpec& real = decoded.spec();
        if (real.width != m_spec.width || real.height != m_spec.height
            || real.nchannels != m_spec.nchannels || real.format != m_spec.format)
            throw DamagedError(m_name
                               + ": what it shows has another size than when it was opened (the "
                                 "plate has changed?); open it again");
        decoded.read(first, first + (end - begin), data);
    });
    if (!good)
        say_for_host(m_name, geterror(false));
    return good;
}

} // namespace klio::oiio
