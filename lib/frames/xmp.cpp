#include "frames/xmp.h"

#include "base/encoding.h"
#include "frames/provenance.h"

namespace klio::frames {

namespace {

constexpr const char* klio_namespace = "urn:klio:provenance:1";

std::string escape(const std::string& text)
{
    std::string out;
    for (const char c : text) {
        if (c == '&')
            out += "&amp;";
        else if (c == '<')
            out += "&lt;";
        else if (c == '>')
            out += "&gt;";
        else if (static_cast<unsigned char>(c) >= 0x20 || c == '\n' || c == '\t')
            out += c;
        // XML 1.0 has no way to write the other control characters.
    }
    return out;
}

std::string unescape(const std::string& text)
{
    const std::map<std::string, char> entities
        = {{"amp", '&'}, {"lt", '<'}, {"gt", '>'}, {"quot", '"'}, {"apos", '\''}};
    std::string out;
    for (size_t i = 0; i < text.size(); ++i) {
        const size_t end = text[i] == '&' ? text.find(';', i) : std::string::npos;
        const auto found = end == std::string::npos
            ? entities.end()
            : entities.find(text.substr(i + 1, end - i - 1));
        if (found == entities.end()) {
            out += text[i];
            continue;
        }
        out += found->second;
        i = end;
    }
    return out;
}

} // namespace

std::string make_xmp(const OIIO::ImageSpec& spec)
{
    std::string packet = "<?xpacket begin=\"\xEF\xBB\xBF\" id=\"W5M0MpCehiHzreSzNTczkc9d\"?>\n"
                         "<x:xmpmeta xmlns:x=\"adobe:ns:meta/\">\n"
                         " <rdf:RDF xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\">\n"
                         "  <rdf:Description rdf:about=\"\"\n"
                         "    xmlns:xmp=\"http://ns.adobe.com/xap/1.0/\"\n"
                         "    xmlns:Iptc4xmpExt=\"http://iptc.org/std/Iptc4xmpExt/2008-02-29/\"\n"
                         "    xmlns:klio=\"";
    packet += klio_namespace;
    packet += "\">\n";
    const auto add = [&](const std::string& name, const std::string& value) {
        packet += "   <" + name + ">" + escape(value) + "</" + name + ">\n";
    };
    add("xmp:CreatorTool", spec.get_string_attribute("Software"));
    const std::string source = spec.get_string_attribute(source_type_attribute);
    if (!source.empty())
        add(source_type_attribute, source);
    for (const OIIO::ParamValue& attribute : spec.extra_attribs)
        if (attribute.name().string().rfind("klio:", 0) == 0)
            add(attribute.name().string(), attribute.get_string(0));
    packet += "  </rdf:Description>\n </rdf:RDF>\n</x:xmpmeta>\n<?xpacket end=\"r\"?>";
    return packet;
}

std::map<std::string, std::string> parse_xmp(const std::string& packet)
{
    std::map<std::string, std::string> values;
    for (const std::string prefix : {"<klio:", "<Iptc4xmpExt:DigitalSourceType"}) {
        for (size_t at = 0; (at = packet.find(prefix, at)) != std::string::npos; ++at) {
            const size_t name_end = packet.find('>', at);
            if (name_end == std::string::npos)
                break;
            const std::string name = packet.substr(at + 1, name_end - at - 1);
            const size_t end = packet.find("</" + name + ">", name_end);
            if (end != std::string::npos && name.find_first_of(" /\n") == std::string::npos)
                values[name] = unescape(packet.substr(name_end + 1, end - name_end - 1));
        }
    }
    // The compact form, which other programs write: a property as an attribute.
    const std::string attribute = std::string(source_type_attribute) + "=\"";
    const size_t at = packet.find(attribute);
    if (at != std::string::npos && !values.count(source_type_attribute)) {
        const size_t start = at + attribute.size();
        const size_t end = packet.find('"', start);
        if (end != std::string::npos)
            values[source_type_attribute] = unescape(packet.substr(start, end - start));
    }
    return values;
}

} // namespace klio::frames
