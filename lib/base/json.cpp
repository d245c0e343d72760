#include "base/json.h"

namespace klio::base {

namespace {

// nlohmann's own builder, with a limit on depth: a stranger's nesting must not cost more memory
// and stack than its bytes.
class LimitedBuilder : public nlohmann::detail::json_sax_dom_parser<Json> {
    using Base = nlohmann::detail::json_sax_dom_parser<Json>;

public:
    LimitedBuilder(Json& value, size_t max_depth) : Base(value, false), m_max_depth(max_depth) { }
    bool start_object(std::size_t count) { return deeper() && Base::start_object(count); }
    bool start_array(std::size_t count) { return deeper() && Base::start_array(count); }
    bool end_object()
    {
        --m_depth;
        return Base::end_object();
    }
    bool end_array()
    {
        --m_depth;
        return Base::end_array();
    }
    bool parse_error(std::size_t position, const std::string&,
                     const nlohmann::detail::exception& exception)
    {
        m_position = position;
        m_message = exception.what();
        return false;
    }
    bool too_deep() const { return m_too_deep; }
    size_t position() const { return m_position; }
    const std::string& message() const { return m_message; }

private:
    bool deeper()
    {
        m_too_deep = ++m_depth > m_max_depth;
        return !m_too_deep;
    }
    size_t m_max_depth;
    size_t m_depth = 0;
    bool m_too_deep = false;
    size_t m_position = 0;
    std::string m_message;
};

// "[json.exception.parse_error.101] parse error at line 1, column 5: syntax error while …" carries
// its own place; ours is told separately, so only what follows is kept.
std::string essence(const std::string& message)
{
    const size_t place = message.find("column ");
    const size_t colon = place == std::string::npos ? place : message.find(": ", place);
    return colon == std::string::npos ? message : message.substr(colon + 2);
}

} // namespace

bool parse_json(std::string_view text, Json& value, JsonError& error, size_t max_depth)
{
    error = {};
    if (text.substr(0, 3) == "\xEF\xBB\xBF")
        text.remove_prefix(3);
    Json parsed;
    LimitedBuilder builder(parsed, max_depth);
    bool good = false;
    try {
        good = Json::sax_parse(text.begin(), text.end(), &builder);
    } catch (const std::exception& exception) {
        error.message = exception.what();
        return false;
    }
    if (good) {
        value = std::move(parsed);
        return true;
    }
    if (builder.too_deep()) {
        error.message = "nested deeper than " + std::to_string(max_depth) + " levels";
        return false;
    }
    error.message = essence(builder.message());
    error.line = 1;
    error.column = 1;
    const size_t end = std::min(builder.position() == 0 ? 0 : builder.position() - 1, text.size());
    for (size_t i = 0; i < end; ++i) {
        if (text[i] == '\n') {
            ++error.line;
            error.column = 1;
        } else {
            ++error.column;
        }
    }
    return false;
}

std::string to_text(const Json& value)
{
    return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string to_text(const OrderedJson& value, int indent)
{
    return value.dump(indent, ' ', false, OrderedJson::error_handler_t::replace);
}

} // namespace klio::base
