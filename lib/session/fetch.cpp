#include "session/fetch.h"

#include "base/file.h"
#include "base/sha256.h"
#include "frames/decode.h"
#include "store/results.h"

#include <algorithm>
#include <cstdio>

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

// Which frame a picture is that may stand in another place than its own.
class ByContent {
public:
    ByContent(const store::JobRecord& job, const Missing& missing) : m_missing(missing)
    {
        for (const StoredFrame& frame : job.set.frames)
            if (missing.indices.count(frame.index - 1) == 0)
                m_stored.insert(frame.sha256);
    }

    /// -1 where it is stored already.
    int index_of(const std::string& bytes, int own)
    {
        const auto found = m_stored.find(base::sha256_hex(bytes));
        if (found != m_stored.end()) {
            m_stored.erase(found); // a picture that was made twice is two frames
            return -1;
        }
        if (m_missing.indices.empty())
            return -1;
        return m_missing.indices.count(own) ? own : *m_missing.indices.begin();
    }

private:
    const Missing& m_missing;
    std::multiset<std::string> m_stored;
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
    ByContent by_content(job, missing);
    std::exception_ptr broken;
    const auto note = [&](ErrorKind kind, const std::string& message, bool worth_again) {
        if (missing.message.empty()) {
            missing.kind = kind;
            missing.message = message;
        }
        missing.worth_again = missing.worth_again || worth_again;
    };
    attended(call, "download", [&](const CancelToken& inner, Board& board) {
        return client.download(images, call.deadline, inner, [&](service::Download& image) {
            int index = indices[size_t(image.index)];
            if (!image.ok()) {
                note(image.failure.kind, image.failure.message, image.gone);
                return;
            }
            if (renumbered)
                index = by_content.index_of(image.bytes, index);
            if (broken || index < 0)
                return;
            try {
                keep_image(call, job, index, image.bytes);
                missing.indices.erase(index);
                board.put("frame " + std::to_string(index + 1) + " is stored",
                          double(count - missing.indices.size()), double(count));
            } catch (const DamagedError& error) {
                note(error.kind(), error.what(), true);
            } catch (...) {
                broken = std::current_exception();
            }
        });
    });
    if (broken)
        std::rethrow_exception(broken);
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
