#include "one_line.h"

namespace klio::oiio {

namespace {

bool between(char c, int first, int last)
{
    const int byte = static_cast<unsigned char>(c);
    return byte >= first && byte <= last;
}

} // namespace

std::string one_line(std::string text)
{
    for (size_t i = 0; i < text.size(); ++i) {
        char& c = text[i];
        if (between(c, '\t', '\r'))
            c = ' ';
        else if (between(c, 0, 0x1f) || c == 0x7f)
            c = '?';
        else if (between(c, 0xc2, 0xc2) && i + 1 < text.size() && between(text[i + 1], 0x80, 0x9f))
            text.replace(i, 2, "?");
    }
    return text;
}

} // namespace klio::oiio
