#include "sheet/page_file.h"

#include "base/file.h"
#include "base/sha256.h"

#include <klio/error.h>

#include <OpenImageIO/filesystem.h>
#include <OpenImageIO/strutil.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <limits>
#include <map>

namespace klio::sheet {

namespace {

std::string ending_of(const std::string& path)
{
    const std::string name = base::file_name(path);
    const size_t dot = name.rfind('.');
    return dot == std::string::npos ? std::string() : OIIO::Strutil::lower(name.substr(dot + 1));
}

const std::array<float, 256>& linear_values()
{
    static const std::array<float, 256> table = [] {
        std::array<float, 256> values {};
        for (int i = 0; i < 256; ++i) { // IEC 61966-2-1
            const double v = i / 255.0;
            values[size_t(i)]
                = float(v <= 0.04045 ? v / 12.92 : std::pow((v + 0.055) / 1.055, 2.4));
        }
        return values;
    }();
    return table;
}

int longest_side(const std::string& format)
{
    static const std::map<std::string, int> sides
        = {{"jpeg", 65500}, {"webp", 16383}, {"gif", 65535}, {"targa", 65535}, {"sgi", 65535}};
    const auto found = sides.find(format);
    return found == sides.end() ? std::numeric_limits<int>::max() : found->second;
}

} // namespace

PageFile::PageFile(const std::string& path, int width, int height, const std::string& format,
                   int quality, const std::string& description)
    : m_path(path), m_width(width), m_height(height)
{
    const std::string ending = ending_of(path);
    m_output = ending.empty() ? nullptr : OIIO::ImageOutput::create("sheet." + ending);
    if (!m_output) {
        OIIO::geterror();
        fail(ending.empty() ? "its name has no ending that says which format to write"
                            : "there is no writer for \"." + ending + "\" files");
    }
    const std::string name = m_output->format_name();
    // libjpeg ends the process over a page that is too large, so that is found out before.
    const int most = longest_side(name);
    if (width > most || height > most)
        fail("the format holds at most " + std::to_string(most)
             + " pixels a side; give it smaller cells, or a layout that makes more pages");
    m_linear = name == "openexr" || name == "hdr" || name == "rgbe";
    OIIO::ImageSpec spec(width, height, 3, m_linear ? OIIO::TypeHalf : OIIO::TypeUInt8);
    if (!format.empty()) {
        spec.set_format(OIIO::TypeDesc(format));
        if (spec.format == OIIO::TypeUnknown)
            throw UsageError("\"" + format + "\" is no data type: uint8, uint16, half or float");
    }
    spec.attribute("oiio:ColorSpace", m_linear ? "Linear" : "sRGB");
    spec.attribute("ImageDescription", description);
    spec.attribute("Software", "klio");
    if (name == "png")
        spec.attribute("png:compressionLevel", 3); // half the time of 6 for a few per cent of size
    else if (name == "jpeg")
        spec.attribute("Compression", "jpeg:" + std::to_string(quality));
    else if (name == "webp")
        spec.attribute("Compression", "webp:" + std::to_string(quality));
    else if (name == "openexr" || name == "tiff")
        spec.attribute("Compression", "zip");
    base::make_folders(base::parent_folder(path));
    m_temporary
        = base::join_path(base::parent_folder(path), ".klio-" + base::random_hex(6) + "." + ending);
    if (!m_output->open(m_temporary, spec))
        fail(m_output->geterror());
}

PageFile::~PageFile()
{
    if (m_output) {
        // Writers complain on stderr about a picture that ends too early.
        if (m_y < m_height) {
            const Canvas blank(m_width, std::min(64, m_height - m_y), {});
            while (m_y < m_height) {
                const int end = std::min(m_y + blank.height(), m_height);
                if (!m_output->write_scanlines(m_y, end, 0, OIIO::TypeUInt8, blank.row(0)))
                    break;
                m_y = end;
            }
        }
        m_output->close();
        if (!m_temporary.empty())
            std::remove(m_temporary.c_str());
    }
}

void PageFile::fail(const std::string& reason) const
{
    std::string line = reason;
    std::replace(line.begin(), line.end(), '\n', ' ');
    throw OutputError("can't write the sheet \"" + m_path + "\" (" + std::to_string(m_width) + "x"
                      + std::to_string(m_height) + "): " + line);
}

void PageFile::write(const Canvas& band)
{
    const int end = m_y + band.height();
    bool ok = true;
    if (m_linear) {
        const std::array<float, 256>& linear = linear_values();
        const size_t count = size_t(band.width()) * size_t(band.height()) * 3;
        m_values.resize(count);
        for (size_t i = 0; i < count; ++i)
            m_values[i] = linear[band.row(0)[i]];
        ok = m_output->write_scanlines(m_y, end, 0, OIIO::TypeFloat, m_values.data());
    } else if (band.height() > 0) {
        ok = m_output->write_scanlines(m_y, end, 0, OIIO::TypeUInt8, band.row(0));
    }
    if (!ok)
        fail(m_output->geterror());
    m_y = end;
}

void PageFile::close()
{
    if (!m_output->close())
        fail(m_output->geterror());
    std::string error;
    if (!OIIO::Filesystem::rename(m_temporary, m_path, error))
        fail(error);
    m_output.reset();
}

void check_free(const std::string& path)
{
    if (base::exists(path))
        throw OutputError("\"" + path + "\" is there already; --force writes over it");
}

Padding find_padding(const std::string& name)
{
    Padding padding;
    const auto set = [&](size_t begin, size_t length, int digits) {
        if (padding.found())
            throw UsageError("\"" + name + "\" has two paddings: one '#', '@' or '%04d' is enough");
        padding = {begin, length, digits};
    };
    for (size_t i = 0; i < name.size(); ++i) {
        const char c = name[i];
        if (c == '#' || c == '@') {
            size_t end = i;
            int digits = 0;
            while (end < name.size() && (name[end] == '#' || name[end] == '@'))
                digits += name[end++] == '#' ? 4 : 1;
            set(i, end - i, digits);
            i = end - 1;
        } else if (c == '%') {
            size_t end = i + 1;
            while (end < name.size() && name[end] >= '0' && name[end] <= '9')
                ++end;
            if (end < name.size() && name[end] == 'd' && end - i <= 3) {
                const std::string digits = name.substr(i + 1, end - i - 1);
                set(i, end + 1 - i, digits.empty() ? 1 : std::stoi(digits));
                i = end;
            }
        }
    }
    return padding;
}

std::string page_name(const std::string& pattern, int page)
{
    const std::string folder = base::parent_folder(pattern);
    std::string name = base::file_name(pattern);
    const Padding padding = find_padding(name);
    std::string number = std::to_string(page);
    if (padding.found()) {
        if (int(number.size()) < padding.digits)
            number.insert(0, size_t(padding.digits) - number.size(), '0');
        name.replace(padding.begin, padding.length, number);
    } else if (page > 1) {
        const size_t dot = name.rfind('.');
        name.insert(dot == std::string::npos ? name.size() : dot, "." + number);
    }
    return pattern.find('/') == std::string::npos ? name : base::join_path(folder, name);
}

} // namespace klio::sheet
