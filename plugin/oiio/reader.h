#pragma once

#include "compat.h"
#include "pictures.h"
#include "supply.h"

#include <future>
#include <map>
#include <memory>
#include <string>

namespace klio::oiio {

/// A recipe as an image: OpenImageIO's view of a set. Frames are subimages, named "frame.1" and so
/// on. As every ImageInput, one object is for one thread at a time but for the read functions.
class KlingInput final : public OIIO::ImageInput {
public:
    explicit KlingInput(Supply& supply = process_supply()) : m_supply(supply) { }
    ~KlingInput() override { close(); }

    const char* format_name() const override { return "kling"; }
    /// Nothing; "procedural" least of all, with which a failed open crashes oiiotool up to 3.1.
    int supports(OIIO::string_view) const override { return 0; }
    bool valid_file(const std::string& name) const override { return is_recipe_name(name); }
    KLIO_OIIO_VALID_PROXY

    bool open(const std::string& name, OIIO::ImageSpec& spec) override;
    bool open(const std::string& name, OIIO::ImageSpec& spec,
              const OIIO::ImageSpec& config) override;
    bool close() override;
    int current_subimage() const override { return m_subimage; }
    bool seek_subimage(int subimage, int miplevel) override;
    bool read_native_scanline(int subimage, int miplevel, int y, int z, void* data) override;
    bool read_native_scanlines(int subimage, int miplevel, int begin, int end, int z,
                               void* data) override;

private:
    void open_or_throw(const std::string& name, const OIIO::ImageSpec& config);
    const OIIO::ImageSpec& header(int subimage);
    const Rows& rows(int subimage);
    void read_ahead(int subimage);
    void forget_ahead() noexcept;
    /// Runs `work`; whatever it throws becomes this reader's error, since an exception that leaves
    /// a plugin ends the host.
    template <typename Work> bool guarded(const Work& work);

    Supply& m_supply;
    std::string m_name;
    std::unique_ptr<Pictures> m_pictures;
    int m_subimage = -1;
    std::map<int, OIIO::ImageSpec> m_headers; ///< as the host was told
    std::map<int, std::unique_ptr<const Rows>> m_decoded;
    std::future<std::unique_ptr<const Rows>> m_ahead; ///< the frame that is probably wanted next
    int m_ahead_of = -1;
    int m_ahead_process = 0; ///< whose thread decodes it
};

} // namespace klio::oiio
