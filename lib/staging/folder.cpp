#include "staging/exchange.h"
#include "staging/kinds.h"
#include "staging/name.h"
#include "staging/public_url.h"

#include "base/file.h"

#include <klio/error.h>

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

namespace klio::staging {

namespace {

/// A folder that a web server publishes. What is copied there appears whole or not at all.
class FolderStage final : public Stage {
public:
    FolderStage(const StageSetting& setting, transport::Transport& transport,
                const StageOptions& options)
        : m_setting(setting), m_secret(options.secret), m_public(setting.parameter("public")),
          m_exchange(transport, options)
    {
        // A folder is never made here: an absent one is most often a share that is not mounted, and
        // what is written below the mount point nobody publishes.
        struct stat info { };
        if (::stat(setting.path.c_str(), &info) != 0 || !S_ISDIR(info.st_mode))
            throw StagingError(m_setting.label() + ": the folder " + setting.path
                               + " is not there; make it, or check that its share is mounted");
    }

    std::string kind() const override { return "file"; }
    std::string identity() const override { return m_setting.text(); }
    std::string name_of(const Object& object) const override
    {
        return object_name(object, m_secret);
    }

    StagedUrl put(const Object& object, double, const CancelToken& cancel, Presence) override
    {
        cancel.check("staging");
        StagedUrl staged;
        staged.name = name_of(object);
        staged.url = m_public.of(staged.name);
        const std::string path = m_setting.path + staged.name;
        std::string wrong;
        for (int tries = 0; tries < 2; ++tries) {
            struct stat info { };
            const bool there = ::stat(path.c_str(), &info) == 0 && S_ISREG(info.st_mode)
                && size_t(info.st_size) == object.bytes.size();
            // The second time it is written anew, whatever is there.
            if (!there || tries > 0) {
                write(path, object.bytes);
                staged.uploaded = true;
            }
            wrong = m_exchange.verify(staged.url, object, cancel);
            if (wrong.empty())
                return staged;
            if (staged.uploaded)
                break;
        }
        throw StagingError(m_setting.label() + ": copied, but the public URL " + m_public.folder()
                           + "… does not give it back: " + wrong
                           + "; check public=, and that the web server may read " + m_setting.path);
    }

    void remove(const std::string& name, const CancelToken&) override
    {
        const std::string path = m_setting.path + name;
        if (::unlink(path.c_str()) != 0 && errno != ENOENT)
            throw StagingError(m_setting.label() + ": can't be removed (" + std::strerror(errno)
                               + ")");
        // A copy that was killed leaves its temporary file.
        std::error_code error;
        for (const auto& entry : std::filesystem::directory_iterator(m_setting.path, error))
            if (entry.path().filename().string().compare(0, name.size() + 5, name + ".tmp-") == 0)
                ::unlink(entry.path().c_str());
    }

    std::vector<transport::HttpRequest> listing_requests() const override
    {
        return m_public.listing_requests();
    }

private:
    void write(const std::string& path, const std::string& bytes)
    try {
        base::write_file_atomic(path, bytes, 0644);
        // The web server is another user, whatever this one's umask.
        ::chmod(path.c_str(), 0644);
    } catch (const OutputError& error) {
        throw NothingStaged(m_setting.label() + ": " + error.what());
    }

    StageSetting m_setting;
    std::string m_secret;
    PublicUrl m_public;
    Exchange m_exchange;
};

} // namespace

std::unique_ptr<Stage> make_folder_stage(const StageSetting& setting,
                                         transport::Transport& transport,
                                         const StageOptions& options)
{
    return std::make_unique<FolderStage>(setting, transport, options);
}

} // namespace klio::staging
