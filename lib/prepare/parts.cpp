#include "prepare/parts.h"

#include <klio/error.h>

#include <algorithm>
#include <vector>

namespace klio::prep {

namespace {

// Of the views in one part, the first has its channels without a prefix.
std::string first_of_views(const OIIO::ImageSpec& spec)
{
    const OIIO::ParamValue* found = spec.find_attribute("multiView");
    return found && found->type().basetype == OIIO::TypeDesc::STRING
            && found->type().numelements() > 0
        ? found->get_ustring_indexed(0).string()
        : std::string();
}

// How well a part fits; the first of the best is taken.
enum class Fits { no, barely, as_one_channel, well };

Fits fits_as_picture(const Channels& channels)
{
    return channels.by_name ? Fits::well : channels.found() ? Fits::as_one_channel : Fits::barely;
}

} // namespace

Part choose_part(OIIO::ImageInput& input, const std::string& name, const std::string& wanted)
{
    constexpr int most_parts = 4096;
    std::vector<std::string> names;
    Part best;
    Fits best_fit = Fits::no;
    for (int i = 0; i < most_parts && best_fit != Fits::well; ++i) {
        const OIIO::ImageSpec spec = input.spec(i);
        if (spec.format == OIIO::TypeUnknown && spec.width == 0) {
            input.geterror();
            break;
        }
        const std::string part = spec.get_string_attribute("oiio:subimagename");
        const std::string view = spec.get_string_attribute("view");
        const std::string first_view = first_of_views(spec);
        const std::vector<std::string> prefixes = layers(spec.channelnames);
        std::vector<std::string> all = {part, view, first_view};
        all.insert(all.end(), prefixes.begin(), prefixes.end());
        for (const std::string& known : all)
            if (!known.empty() && std::find(names.begin(), names.end(), known) == names.end())
                names.push_back(known);
        const bool by_layer = std::find(prefixes.begin(), prefixes.end(), wanted) != prefixes.end();
        const Channels channels = find_channels(spec.channelnames, by_layer ? wanted : "");
        Fits fit = Fits::no;
        if (by_layer || (!wanted.empty() && (wanted == part || wanted == std::to_string(i))))
            fit = Fits::well;
        else if (wanted.empty() || wanted == view || wanted == first_view)
            fit = fits_as_picture(channels);
        if (fit <= best_fit)
            continue;
        best_fit = fit;
        best = {i, channels, wanted, spec};
        if (wanted.empty())
            best.view = !view.empty() ? view : !first_view.empty() ? first_view : part;
    }
    if (best_fit == Fits::no && !wanted.empty()) {
        std::string list;
        for (const std::string& known : names)
            list += (list.empty() ? "" : ", ") + known;
        throw ReferenceError(name + ": has no part or view '" + wanted + "'; it has "
                             + (list.empty() ? "one picture only" : list));
    }
    return best;
}

} // namespace klio::prep
