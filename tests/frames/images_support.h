#pragma once

#include <klio/record.h>
#include <klio/set.h>

#include <OpenImageIO/imagebuf.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

/// Pictures made by the tests, and jobs that hold them.

namespace klio::test {

/// A folder of one test's own, removed with it.
class Folder {
public:
    Folder();
    ~Folder();
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;
    std::string operator/(const std::string& name) const { return m_path + "/" + name; }
    const std::string& path() const { return m_path; }

private:
    std::string m_path;
};

void write_bytes(const std::string& path, const std::string& bytes);
std::string read_bytes(const std::string& path);

/// A picture whose channel c of pixel (x, y) is `value(x, y, c)`.
OIIO::ImageBuf make_image(int width, int height, int channels, OIIO::TypeDesc format,
                          const std::function<double(int, int, int)>& value);
/// Written by OIIO as "png", "jpg", "webp", "tif", "exr" …
std::string encode(const OIIO::ImageBuf& image, const std::string& ending);
/// A smooth uint8 RGB picture, encoded.
std::string sample(int width, int height, const std::string& ending, int channels = 3);

/// A PNG of any bit depth and colour type (PNG specification, 11.2.2), stored without compression;
/// `extra` are whole chunks between header and pixels.
std::string make_png(int width, int height, int depth, int type, const std::string& rows,
                     const std::string& extra = {});
/// The same of rows that are filtered already, each with its filter's number before it, in IDAT
/// chunks of `chunk` bytes.
std::string make_filtered_png(int width, int height, int depth, int type, const std::string& raw,
                              const std::string& extra = {}, size_t chunk = std::string::npos);
std::string png_chunk(const std::string& name, const std::string& data);

/// EXIF with nothing but an orientation, and JPEG bytes with it.
std::string exif_orientation(int orientation);
std::string with_exif(const std::string& jpeg, int orientation);

/// A succeeded job whose frames are `files` (stored in `folder`).
StoredSet make_set(const Folder& folder, const std::vector<std::string>& files);
/// A record for a texture reference that shows the given rectangle of a plate.
PrepareRecord make_record(int source_width, int source_height, double x, double y, double width,
                          double height, int prepared_width, int prepared_height);

float pixel(const OIIO::ImageBuf& image, int x, int y, int c);

} // namespace klio::test
