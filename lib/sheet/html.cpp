#include "sheet/html.h"

#include "base/encoding.h"

namespace klio::sheet {

namespace {

/// Length of the UTF-8 character that begins at `at`, 0 where none does.
size_t character_length(const std::string& text, size_t at)
{
    for (size_t length = 1; length <= 4 && at + length <= text.size(); ++length)
        if (base::utf8_valid(std::string_view(text).substr(at, length)))
            return length;
    return 0;
}

} // namespace

std::string html_text(const std::string& text)
{
    std::string out;
    out.reserve(text.size() + text.size() / 8);
    for (size_t i = 0; i < text.size();) {
        const unsigned char c = static_cast<unsigned char>(text[i]);
        const size_t length = character_length(text, i);
        const bool control = (c < 0x20 && c != '\t' && c != '\n') || c == 0x7F;
        if (length == 0 || control)
            out += "\xEF\xBF\xBD";
        else if (c == '&')
            out += "&amp;";
        else if (c == '<')
            out += "&lt;";
        else if (c == '>')
            out += "&gt;";
        else if (c == '"')
            out += "&quot;";
        else if (c == '\'')
            out += "&#39;";
        else
            out.append(text, i, length);
        i += length ? length : 1;
    }
    return out;
}

} // namespace klio::sheet
