#include "sheet/template.h"

#include "base/encoding.h"
#include "sheet/text.h"

#include <klio/error.h>

#include <algorithm>

namespace klio::sheet {

namespace {

struct Piece {
    std::string text; ///< literal text, or the field's name
    bool field = false, optional = false;
    size_t width = 0; ///< 0: whole
};

std::vector<Piece> parse(const std::string& text)
{
    std::vector<Piece> pieces(1);
    const auto literal = [&](const std::string& more) {
        if (pieces.back().field)
            pieces.emplace_back();
        pieces.back().text += more;
    };
    for (size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        const char next = i + 1 < text.size() ? text[i + 1] : '\0';
        if ((c == '{' || c == '}') && next == c) {
            literal(std::string(1, c));
            ++i;
        } else if (c != '{') {
            literal(std::string(1, c));
        } else {
            const size_t end = text.find('}', i);
            if (end == std::string::npos)
                throw UsageError("the template \"" + text
                                 + "\" has a { without its }; a brace itself is {{");
            Piece piece;
            piece.field = true;
            piece.text = text.substr(i + 1, end - i - 1);
            const size_t colon = piece.text.find(':');
            if (colon != std::string::npos) {
                const std::string digits = piece.text.substr(colon + 1);
                if (digits.empty() || digits.size() > 5
                    || digits.find_first_not_of("0123456789") != std::string::npos
                    || std::stoi(digits) == 0)
                    throw UsageError("in the template \"" + text + "\", {" + piece.text
                                     + "} wants a number of characters behind the colon");
                piece.width = size_t(std::stoi(digits));
                piece.text.resize(colon);
            }
            if (!piece.text.empty() && piece.text.back() == '?') {
                piece.optional = true;
                piece.text.pop_back();
            }
            pieces.push_back(piece);
            i = end;
        }
    }
    return pieces;
}

const std::vector<std::string> separators
    = {" ", "\t", "|", "/", ",", ";", ":", "-", "\xC2\xB7", "\xE2\x80\x93", "\xE2\x80\x94"};

/// Bytes of separators that `text` begins with.
size_t separator_length(const std::string& text)
{
    size_t at = 0;
    for (bool more = true; more;) {
        more = false;
        for (const std::string& s : separators)
            if (text.compare(at, s.size(), s) == 0) {
                at += s.size();
                more = true;
            }
    }
    return at;
}

void drop_separator(std::string& text)
{
    for (bool more = true; more;) {
        more = false;
        for (const std::string& s : separators)
            if (text.size() >= s.size() && text.compare(text.size() - s.size(), s.size(), s) == 0) {
                text.resize(text.size() - s.size());
                more = true;
            }
    }
}

} // namespace

namespace {

std::string expand_line(const std::string& text, const Fields& fields)
{
    std::string out;
    bool dropped_first = false; // what separates it from the next field goes too
    for (const Piece& piece : parse(text)) {
        if (!piece.field) {
            size_t begin = 0;
            if (dropped_first && out.empty())
                begin = separator_length(piece.text);
            dropped_first = false;
            out += piece.text.substr(begin);
            continue;
        }
        const auto found = fields.find(piece.text);
        if (found == fields.end() || found->second.empty()) {
            if (piece.optional) {
                drop_separator(out);
                dropped_first = out.empty();
            }
            continue;
        }
        std::string value = found->second;
        std::replace(value.begin(), value.end(), '\n', ' ');
        out += piece.width ? cut(value, piece.width) : value;
    }
    return out;
}

} // namespace

std::string expand(const std::string& text, const Fields& fields)
{
    std::string lines = text;
    for (size_t at = lines.find("\\n"); at != std::string::npos; at = lines.find("\\n", at))
        lines.replace(at, 2, "\n");
    std::string out;
    size_t begin = 0;
    do {
        const size_t end = std::min(lines.find('\n', begin), lines.size());
        const std::string line = lines.substr(begin, end - begin);
        const std::string shown = expand_line(line, fields);
        // A line that came to nothing leaves no gap; one that was written empty is meant.
        if (!shown.empty() || line.empty())
            out += (begin ? "\n" : "") + shown;
        begin = end + 1;
    } while (begin <= lines.size());
    if (!out.empty() && out[0] == '\n' && lines[0] != '\n')
        out.erase(0, 1);
    return out;
}

void check_template(const std::string& text, const std::vector<std::string>& known,
                    const std::string& what)
{
    for (const Piece& piece : parse(text)) {
        if (!piece.field || piece.optional
            || std::find(known.begin(), known.end(), piece.text) != known.end())
            continue;
        std::string message = what + ": no cell has a field \"" + piece.text + "\"";
        const std::string near = base::nearest(piece.text, known);
        if (!near.empty())
            message += " (did you mean {" + near + "}?)";
        message += "; there are";
        for (const std::string& name : known)
            message += " {" + name + "}";
        message += "; {" + piece.text + "?} may be missing";
        throw UsageError(message);
    }
}

} // namespace klio::sheet
