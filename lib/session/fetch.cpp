#include "session/fetch.h"

#include "base/file.h"
#include "base/sha256.h"
#include "frames/decode.h"
#include "store/results.h"

#include <algorithm>
#include <cstdio>
#include <map>

namespace klio::session {

bool frame_whole(const StoredFrame& frame)
{
    try {
        store::read_frame_bytes(frame);
        return true;
    } catch (const DamagedError&) {
        return false;
    }
}

namespace {

std::string unreadable_file(const Call& call, const std::string& key, int index)
{
    const std::string frame = store::frame_file(key, index + 1, "image/png");
    return base::join_path(base::parent_folder(base::join_path(call.store.folder(), frame)),
                           std::to_string(index + 1) + ".unreadable");
}

// What a person may still make something of. Its place, or empty where it could not be written:
// then the error is the picture's all the same.
std::string keep_unreadable(const Call& call, const std::string& key, int index,
                            const std::string& bytes)
{
    const std::string path = unreadable_file(call, key, index);
    try {
        base::make_folders(base::parent_folder(path), 0700);
        base::write_file_atomic(path, bytes, 0600);
        return path;
    } catch (const OutputError&) {
        return {};
    }
}

// One picture's bytes into the store. Throws DamagedError, StoreError.
void keep_image(const Call& call, const store::JobRecord& job, int index, const std::string& bytes)
{
    const std::string& key = job.set.job;
    const std::string what = "image " + std::to_string(index + 1) + " of " + job_name(key);
    StoredFrame frame;
    try {
        const frames::ImageProbe probe = frames::check_image(bytes, what);
        // The structure says little of the pixels; once stored, their SHA-256 vouches for them.
        frames::decode(bytes, what);
        frame.media_type = probe.media_type;
        frame.width = probe.width;
        frame.height = probe.height;
        frame.channels = probe.channels;
        frame.bit_depth = probe.bit_depth;
    } catch (const DamagedError& error) {
        const std::string path = keep_unreadable(call, key, index, bytes);
        throw DamagedError(error.what()
                           + (path.empty() ? std::string() : "; what came is kept in " + path));
    }
    frame.index = index + 1;
    frame = store::write_frame_bytes(call.store.folder(), key, frame, bytes);
    call.store.jobs().add_frame(key, frame);
    std::remove(unreadable_file(call, key, index).c_str()); // of an earlier try
}

// Which frame a picture is: by its place in the answer, unless its bytes say something else.
class Placing {
public:
    Placing(const std::vector<StoredFrame>& frames, const Missing& missing, bool renumbered)
        : m_missing(missing), m_renumbered(renumbered)
    {
        for (const StoredFrame& frame : frames)
            if (missing.indices.count(frame.index - 1))
                m_lost.emplace(frame.index - 1, frame.sha256);
            else
                m_stored.insert(frame.sha256);
    }

    static constexpr int nowhere = -1; ///< it is stored already, or no place is left for it
    static constexpr int later = -2;   ///< its place may be another's, who is still to come

    /// 0-based index of the frame, or one of the above. `own` is its place in the answer.
    int find(const std::string& sha256, int own)
    {
        for (const auto& [index, wanted] : m_lost)
            if (wanted == sha256 && m_missing.indices.count(index))
                return index;
        const auto stored = m_stored.find(sha256);
        if (stored != m_stored.end()) {
            if (m_renumbered)
                m_stored.erase(stored); // a picture that was made twice is two frames
            else
                m_reordered = true;
            return nowhere;
        }
        if (m_lost.count(own))
            return later;
        return m_missing.indices.count(own) || m_renumbered ? left(own) : nowhere;
    }

    /// Its own place, else the first that is still free: for one that had to wait, and is not what
    /// was lost.
    int left(int own) const
    {
        if (m_missing.indices.empty())
            return nowhere;
        return m_missing.indices.count(own) ? own : *m_missing.indices.begin();
    }

    /// A picture came that is stored under another number: places in this answer mean nothing.
    bool reordered() const { return m_reordered; }

private:
    const Missing& m_missing;
    const bool m_renumbered;
    bool m_reordered = false;
    std::multiset<std::string> m_stored;
    std::map<int, std::string> m_lost; ///< what a frame was whose file is damaged
};

std::string without_query(const std::string& url)
{
    return url.substr(0, url.find_first_of("?#"));
}

} // namespace

std::set<int> not_stored(const store::JobRecord& job, size_t count)
{
    std::set<int> indices;
    for (size_t i = 0; i < count; ++i)
        indices.insert(int(i));
    for (const StoredFrame& frame : job.set.frames)
        if (frame_whole(frame))
            indices.erase(frame.index - 1);
    return indices;
}

void fetch(const Call& call, const store::JobRecord& job, service::Client& client,
           const std::vector<service::ResultImage>& all, bool renumbered, Missing& missing)
{
    const size_t count = std::max(all.size(), size_t(*missing.indices.rbegin()) + 1);
    std::vector<service::ResultImage> images;
    std::vector<int> indices;
    for (size_t i = 0; i < all.size(); ++i)
        if (renumbered || missing.indices.count(int(i))) {
            images.push_back(all[i]);
            indices.push_back(int(i));
        }
    Placing placing(call.store.jobs().get(job.set.job).set.frames, missing, renumbered);
    std::vector<std::pair<int, std::string>> waiting;
    std::exception_ptr broken;
    const auto note = [&](ErrorKind kind, const std::string& message) {
        if (missing.message.empty()) {
            missing.kind = kind;
            missing.message = message;
        }
    };
    const auto keep = [&](int index, const std::string& bytes) {
        try {
            keep_image(call, job, index, bytes);
            missing.indices.erase(index);
            return true;
        } catch (const DamagedError& error) {
            note(error.kind(), error.what());
        } catch (...) {
            broken = std::current_exception();
        }
        return false;
    };
    attended(call, "download", [&](const CancelToken& inner, Board& board) {
        return client.download(images, call.deadline, inner, [&](service::Download& image) {
            const int own = indices[size_t(image.index)];
            if (!image.ok()) {
                note(image.failure.kind, image.failure.message);
                return;
            }
            const int index = placing.find(base::sha256_hex(image.bytes), own);
            if (index == Placing::later)
                waiting.emplace_back(own, std::move(image.bytes));
            else if (!broken && index != Placing::nowhere && keep(index, image.bytes))
                board.put("frame " + std::to_string(index + 1) + " is stored",
                          double(count - missing.indices.size()), double(count));
        });
    });
    for (const auto& [own, bytes] : waiting) {
        const int index = placing.reordered() ? Placing::nowhere : placing.left(own);
        if (!broken && index != Placing::nowhere && keep(index, bytes))
            call.warn("frame " + std::to_string(index + 1) + " of " + job_name(job.set.job)
                      + ": the service gives another picture now than the one that was stored");
    }
    if (broken)
        std::rethrow_exception(broken);
    if (placing.reordered() && !missing.indices.empty()) {
        fetch(call, job, client, all, true, missing);
        return;
    }
    if (!missing.indices.empty() && missing.message.empty()) {
        missing.kind = ErrorKind::damaged;
        missing.message = "the service names fewer pictures than before";
    }
}

bool same_pictures(const std::vector<service::ResultImage>& a,
                   const std::vector<service::ResultImage>& b)
{
    return a.size() == b.size()
        && std::equal(a.begin(), a.end(), b.begin(),
                      [](const service::ResultImage& x, const service::ResultImage& y) {
                          return x.url.empty() ? x.bytes == y.bytes
                                               : without_query(x.url) == without_query(y.url);
                      });
}

} // namespace klio::session
