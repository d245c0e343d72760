#pragma once

#include "compat.h"
#include "one_line.h"

namespace klio::oiio {

/// Writing a recipe from a host is not offered: this is there to say so, where OpenImageIO itself
/// would say that it does not know the format.
class KlingOutput final : public OIIO::ImageOutput {
public:
    const char* format_name() const override { return "kling"; }
    /// Hosts ask this before they open, and give up with words of their own where the answer is no.
    int supports(OIIO::string_view feature) const override
    {
        return feature != "procedural" && feature != "ioproxy" && feature != "noimage";
    }
    bool open(const std::string& name, const OIIO::ImageSpec&, OpenMode) override
    {
        errorfmt("klio: {}: a recipe can't be written from an image; it is a text file, the JSON "
                 "body of the service's create call",
                 one_line(name));
        return false;
    }
    bool close() override { return true; }
};

} // namespace klio::oiio
