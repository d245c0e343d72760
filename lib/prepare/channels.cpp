#include "prepare/channels.h"

#include "base/encoding.h"

#include <algorithm>

namespace klio::prep {

namespace {

int find(const std::vector<std::string>& names, const std::string& layer,
         std::initializer_list<const char*> wanted)
{
    const std::string prefix = layer.empty() ? "" : base::lower(layer) + ".";
    for (const char* name : wanted)
        for (size_t i = 0; i < names.size(); ++i)
            if (base::lower(names[i]) == prefix + name)
                return int(i);
    return -1;
}

Channels in_layer(const std::vector<std::string>& names, const std::string& layer)
{
    Channels out;
    const int r = find(names, layer, {"r", "red"});
    const int g = find(names, layer, {"g", "green"});
    const int b = find(names, layer, {"b", "blue"});
    const int y = find(names, layer, {"y", "l", "luminance"});
    out.layer = layer;
    if (r >= 0 && g >= 0 && b >= 0) {
        out.red = r;
        out.green = g;
        out.blue = b;
    } else if (y >= 0) {
        const int ry = find(names, layer, {"ry"}), by = find(names, layer, {"by"});
        out.luminance_chroma = ry >= 0 && by >= 0;
        out.red = y;
        out.green = out.luminance_chroma ? ry : y;
        out.blue = out.luminance_chroma ? by : y;
    }
    out.by_name = out.found();
    out.alpha = find(names, layer, {"a", "alpha"});
    return out;
}

} // namespace

std::vector<std::string> layers(const std::vector<std::string>& names)
{
    std::vector<std::string> found;
    for (const std::string& name : names) {
        const size_t dot = name.rfind('.');
        if (dot == std::string::npos)
            continue;
        const std::string layer = name.substr(0, dot);
        if (std::find(found.begin(), found.end(), layer) == found.end()
            && in_layer(names, layer).found())
            found.push_back(layer);
    }
    return found;
}

Channels find_channels(const std::vector<std::string>& names, const std::string& wanted)
{
    if (!wanted.empty())
        return in_layer(names, wanted);
    Channels out = in_layer(names, "");
    if (out.found())
        return out;
    const std::vector<std::string> others = layers(names);
    if (!others.empty())
        return in_layer(names, others.front());
    if (names.size() == 1 || (names.size() == 2 && out.alpha == 1)) {
        out.red = out.green = out.blue = 0;
    } else if (names.size() >= 3 && out.alpha < 0 && names.size() <= 4) {
        // A format that names its channels otherwise: their order is all that is known.
        out.red = 0;
        out.green = 1;
        out.blue = 2;
    }
    return out;
}

} // namespace klio::prep
