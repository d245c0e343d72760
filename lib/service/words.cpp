#include "service/words.h"

#include <algorithm>
#include <cctype>

namespace klio::service {

namespace {

bool is_letter(char c)
{
    return std::isalpha(static_cast<unsigned char>(c)) != 0;
}

} // namespace

bool has_word(const std::string& text, const std::string& word)
{
    for (size_t at = 0; (at = text.find(word, at)) != std::string::npos; ++at) {
        size_t end = at + word.size();
        if (end < text.size() && text[end] == 's')
            ++end;
        const bool starts = at == 0 || !is_letter(text[at - 1]);
        const bool ends = end >= text.size() || !is_letter(text[end]);
        // "load balance" is what proxies do, not an account's.
        const bool load = word == "balance" && at >= 5 && text.compare(at - 5, 4, "load") == 0;
        if (starts && ends && !load)
            return true;
    }
    return false;
}

bool has_any(const std::string& text, std::initializer_list<const char*> parts)
{
    return std::any_of(parts.begin(), parts.end(),
                       [&](const char* part) { return text.find(part) != std::string::npos; });
}

bool is_html(const std::string& body)
{
    const size_t start = body.find_first_not_of(" \t\r\n\xEF\xBB\xBF");
    return start != std::string::npos && body[start] == '<';
}

} // namespace klio::service
