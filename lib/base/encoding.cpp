#include "base/encoding.h"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <cctype>

namespace klio::base {

std::string hex(const void* data, size_t size)
{
    static constexpr char digits[] = "0123456789abcdef";
    const auto* bytes = static_cast<const unsigned char*>(data);
    std::string text(size * 2, '\0');
    for (size_t i = 0; i < size; ++i) {
        text[2 * i] = digits[bytes[i] >> 4];
        text[2 * i + 1] = digits[bytes[i] & 15];
    }
    return text;
}

std::string base64(const void* data, size_t size)
{
    std::string text(4 * ((size + 2) / 3) + 1, '\0');
    const auto* bytes = static_cast<const unsigned char*>(data);
    size_t written = 0;
    // EVP_EncodeBlock takes an int; whole groups of three can be encoded piece by piece.
    constexpr size_t piece = 3u << 20;
    for (size_t at = 0; at < size; at += piece) {
        int part = static_cast<int>(std::min(piece, size - at));
        written += size_t(
            EVP_EncodeBlock(reinterpret_cast<unsigned char*>(&text[written]), bytes + at, part));
    }
    text.resize(written);
    return text;
}

std::string base64url(const void* data, size_t size)
{
    std::string text = base64(data, size);
    while (!text.empty() && text.back() == '=')
        text.pop_back();
    std::replace(text.begin(), text.end(), '+', '-');
    std::replace(text.begin(), text.end(), '/', '_');
    return text;
}

bool base64_decode(std::string_view text, std::string& bytes)
{
    static const std::array<signed char, 256> values = [] {
        std::array<signed char, 256> table;
        table.fill(-1);
        const std::string_view alphabet
            = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        for (size_t i = 0; i < alphabet.size(); ++i)
            table[static_cast<unsigned char>(alphabet[i])] = static_cast<signed char>(i);
        table['-'] = 62;
        table['_'] = 63;
        return table;
    }();
    bytes.clear();
    bytes.reserve(text.size() / 4 * 3);
    unsigned group = 0;
    int bits = 0;
    size_t symbols = 0;
    bool padded = false;
    for (unsigned char c : text) {
        if (c == ' ' || c == '\n' || c == '\r' || c == '\t')
            continue;
        if (c == '=') {
            padded = true;
            continue;
        }
        if (padded || values[c] < 0)
            return false;
        group = (group << 6) | unsigned(values[c]);
        bits += 6;
        ++symbols;
        if (bits >= 8) {
            bits -= 8;
            bytes.push_back(static_cast<char>((group >> bits) & 255));
        }
    }
    return symbols % 4 != 1;
}

std::string percent_encode(std::string_view text, std::string_view keep)
{
    static constexpr char digits[] = "0123456789ABCDEF";
    std::string out;
    out.reserve(text.size());
    for (unsigned char c : text) {
        if ((c < 128 && std::isalnum(c)) || c == '-' || c == '.' || c == '_' || c == '~'
            || keep.find(static_cast<char>(c)) != std::string_view::npos) {
            out += static_cast<char>(c);
        } else {
            out += '%';
            out += digits[c >> 4];
            out += digits[c & 15];
        }
    }
    return out;
}

std::string percent_decode(std::string_view text)
{
    auto digit = [](char c) {
        if (c >= '0' && c <= '9')
            return c - '0';
        c = static_cast<char>(c | 32);
        return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
    };
    std::string out;
    out.reserve(text.size());
    for (size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '%' && i + 2 < text.size() && digit(text[i + 1]) >= 0
            && digit(text[i + 2]) >= 0) {
            out += static_cast<char>(digit(text[i + 1]) * 16 + digit(text[i + 2]));
            i += 2;
        } else {
            out += text[i];
        }
    }
    return out;
}

namespace {

// Length of the valid UTF-8 sequence at the start of `text`, or 0.
size_t utf8_sequence(std::string_view text)
{
    auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
    const unsigned char first = byte(0);
    if (first < 0x80)
        return 1;
    const size_t length = first >= 0xF0 && first < 0xF5 ? 4
        : first >= 0xE0 && first < 0xF0                 ? 3
        : first >= 0xC2 && first < 0xE0                 ? 2
                                                        : 0;
    if (length == 0 || text.size() < length)
        return 0;
    for (size_t i = 1; i < length; ++i)
        if ((byte(i) & 0xC0) != 0x80)
            return 0;
    // Overlong forms, surrogates, and what lies beyond Unicode.
    if ((first == 0xE0 && byte(1) < 0xA0) || (first == 0xED && byte(1) > 0x9F)
        || (first == 0xF0 && byte(1) < 0x90) || (first == 0xF4 && byte(1) > 0x8F))
        return 0;
    return length;
}

} // namespace

std::string shell_quoted(const std::string& text)
{
    const char* plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=./:,@%";
    if (!text.empty() && text.find_first_not_of(plain) == std::string::npos)
        return text;
    // Single quotes keep everything but themselves from the shell.
    std::string out = "'";
    for (char c : text)
        out += c == '\'' ? std::string("'\\''") : std::string(1, c);
    return out + "'";
}

std::string lower(std::string text)
{
    for (char& c : text)
        c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    return text;
}

size_t utf8_length(std::string_view text)
{
    size_t count = 0;
    while (!text.empty()) {
        text.remove_prefix(std::max<size_t>(1, utf8_sequence(text)));
        ++count;
    }
    return count;
}

bool utf8_valid(std::string_view text)
{
    while (!text.empty()) {
        const size_t length = utf8_sequence(text);
        if (length == 0)
            return false;
        text.remove_prefix(length);
    }
    return true;
}

std::string utf8_mended(std::string_view text)
{
    std::string mended;
    while (!text.empty()) {
        const size_t length = utf8_sequence(text);
        if (length == 0)
            mended += "\xEF\xBF\xBD";
        else
            mended += text.substr(0, length);
        text.remove_prefix(std::max<size_t>(length, 1));
    }
    return mended;
}

size_t edit_distance(std::string_view a, std::string_view b)
{
    std::vector<size_t> before(b.size() + 1), row(b.size() + 1), next(b.size() + 1);
    for (size_t j = 0; j <= b.size(); ++j)
        row[j] = j;
    for (size_t i = 1; i <= a.size(); ++i) {
        next[0] = i;
        for (size_t j = 1; j <= b.size(); ++j) {
            const bool same = a[i - 1] == b[j - 1];
            next[j] = std::min({row[j] + 1, next[j - 1] + 1, row[j - 1] + (same ? 0 : 1)});
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                next[j] = std::min(next[j], before[j - 2] + 1);
        }
        before.swap(row);
        row.swap(next);
    }
    return row[b.size()];
}

std::string nearest(std::string_view word, const std::vector<std::string>& candidates)
{
    const auto lower = [](std::string_view text) {
        std::string out(text);
        for (char& c : out)
            c = c == '-' ? '_' : static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
        return out;
    };
    const std::string wanted = lower(word);
    std::string best;
    size_t best_distance = std::max<size_t>(2, wanted.size() / 3) + 1;
    for (const std::string& candidate : candidates) {
        const size_t distance = edit_distance(wanted, lower(candidate));
        if (distance < best_distance) {
            best_distance = distance;
            best = candidate;
        }
    }
    return best;
}

} // namespace klio::base
