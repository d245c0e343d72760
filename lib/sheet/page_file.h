#pragma once

#include "sheet/canvas.h"

#include <OpenImageIO/imageio.h>

#include <memory>
#include <string>
#include <vector>

namespace klio::sheet {

/// One page on its way into a file: bands of rows from the top, whole or not at all.
class PageFile {
public:
    /// Throws OutputError where there is no writer for the ending, the folder can't be made, or
    /// the format can't hold a page of this size.
    PageFile(const std::string& path, int width, int height, const std::string& format, int quality,
             const std::string& description);
    ~PageFile(); ///< removes what close() has not made whole
    PageFile(const PageFile&) = delete;
    PageFile& operator=(const PageFile&) = delete;

    void write(const Canvas& band);
    void close();

private:
    [[noreturn]] void fail(const std::string& reason) const;
    std::string m_path, m_temporary;
    std::unique_ptr<OIIO::ImageOutput> m_output;
    bool m_linear = false;
    int m_width = 0, m_height = 0, m_y = 0;
    std::vector<float> m_values;
};

/// Throws OutputError where `path` is there already.
void check_free(const std::string& path);

/// The name of a page, counted from 1: '#' is four digits, '@' one, '%04d' printf's; a pattern
/// without one is the first page's name, and ".2", ".3" … go before the ending of the others.
/// Throws UsageError for two paddings.
std::string page_name(const std::string& pattern, int page);

/// Where a padding stands in a name: '#' and '@' runs, '%d' and '%0Nd'.
struct Padding {
    size_t begin = std::string::npos, length = 0;
    int digits = 0;
    bool found() const { return begin != std::string::npos; }
};
/// Throws UsageError for two of them.
Padding find_padding(const std::string& name);

} // namespace klio::sheet
