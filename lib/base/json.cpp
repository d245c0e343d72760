#include "base/json.h"

namespace klio::base {

namespace {

// nlohmann's own builder, with limits on depth and number: a stranger's nesting must not cost more
// stack, nor "0,0,0 …" more memory, than what is wanted.
class LimitedBuilder : public nlohmann::detail::json_sax_dom_parser<Json> {
    using Base = nlohmann::detail::json_sax_dom_parser<Json>;

public:
    LimitedBuilder(Json& value, size_t max_depth) : Base(value, false), m_max_depth(max_depth) { }
    bool start_object(std::size_t count)
    {
        return deeper() && one_more() && Base::start_object(count);
    }
    bool start_array(std::size_t count)
    {
        return deeper() && one_more() && Base::start_array(count);
    }
    bool null() { return one_more() && Base::null(); }
    bool boolean(bool value) { return one_more() && Base::boolean(value); }
    bool number_integer(Json::number_integer_t value)
    {
        return one_more() && Base::number_integer(value);
    }
    bool number_unsigned(Json::number_unsigned_t value)
    {
        return one_more() && Base::number_unsigned(value);
    }
    bool number_float(Json::number_float_t value, const Json::string_t& text)
    {
        return one_more() && Base::number_float(value, text);
    }
    bool string(Json::string_t& value) { return one_more() && Base::string(value); }
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
    bool too_many() const { return m_values > max_values; }
    size_t position() const { return m_position; }
    const std::string& message() const { return m_message; }

private:
    bool deeper()
    {
        m_too_deep = ++m_depth > m_max_depth;
        return !m_too_deep;
    }
    bool one_more() { return ++m_values <= max_values; }
    size_t m_max_depth;
    size_t m_values = 0;
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
    if (builder.too_many()) {
        error.message = "more than " + std::to_string(max_values) + " values";
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
