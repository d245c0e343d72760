#include "prepare/header.h"

#include <klio/error.h>

#include <OpenImageIO/oiioversion.h>

namespace klio::prep {

namespace {

uint32_t big(const std::string& head, size_t at, bool swap)
{
    uint32_t value = 0;
    for (size_t i = 0; i < 4; ++i)
        value |= uint32_t(static_cast<unsigned char>(head[at + i])) << (swap ? 8 * i : 24 - 8 * i);
    return value;
}

// SMPTE 268M: the reader takes the sizes of its headers for what is there.
void check_dpx(const std::string& name, const std::string& head, uint64_t size)
{
    constexpr size_t header = 2048;
    const bool swap = head.compare(0, 4, "XPDS") == 0;
    if (head.size() < header)
        throw ReferenceError(name + ": is damaged (a DPX file of " + std::to_string(size)
                             + " bytes has no whole header)");
    constexpr uint32_t undefined = 0xFFFFFFFF;
    const uint32_t offset = big(head, 4, swap), user = big(head, 32, swap);
    if (offset > size || (user != undefined && user > size))
        throw ReferenceError(name + ": is damaged (its DPX header speaks of more than the file's "
                             + std::to_string(size) + " bytes)");
}

// Kodak's Cineon: the reader asserts that it knows each channel's depth, and takes the length of
// user data for what is there.
void check_cineon(const std::string& name, const std::string& head, uint64_t size)
{
    constexpr size_t header = 1024, elements_at = 193, depth_at = 198, element_size = 28;
    const size_t elements
        = head.size() < header ? 0 : size_t(static_cast<unsigned char>(head[elements_at]));
    if (elements < 1 || elements > 8)
        throw ReferenceError(name + ": is damaged (its Cineon header is no whole one)");
    constexpr size_t user_length_at = 16;
    const uint32_t user = big(head, user_length_at, head[0] != '\x80');
    if (user != 0xFFFFFFFF && user > size)
        throw ReferenceError(name
                             + ": is damaged (its Cineon header speaks of more than the file's "
                             + std::to_string(size) + " bytes)");
    for (size_t i = 0; i < elements; ++i) {
        const int depth = static_cast<unsigned char>(head[depth_at + i * element_size]);
        if (depth != 8 && depth != 10 && depth != 12 && depth != 16 && depth != 32)
            throw ReferenceError(name + ": is damaged (its Cineon header says "
                                 + std::to_string(depth) + " bits a channel)");
    }
}

} // namespace

void check_header(const std::string& name, const std::string& head, uint64_t size)
{
    const std::string magic = head.substr(0, 4);
    if (magic == "SDPX" || magic == "XPDS")
        check_dpx(name, head, size);
    if (magic == "\x80\x2A\x5F\xD7" || magic == "\xD7\x5F\x2A\x80")
        check_cineon(name, head, size);
#if OIIO_VERSION < OIIO_MAKE_VERSION(2, 5, 0)
    // Found by mutating files: the heap is written beyond its blocks.
    if (magic == "FOR4" || magic == "FORM")
        throw ReferenceError(name
                             + ": is an IFF file, whose reader in OpenImageIO 2.4 corrupts memory "
                               "on damaged ones; convert it first (iconvert in.iff out.png)");
#endif
}

} // namespace klio::prep
