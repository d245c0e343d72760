#pragma once

#include "session_support.h"

#include <OpenImageIO/imageio.h>

#include <fcntl.h>
#include <sys/stat.h>

namespace klio::test {

/// Requests with a reference of their own making.
class PlateTest : public SessionTest {
protected:
    std::string plate(const std::string& name, float value)
    {
        const std::string path = folder + "/" + name;
        OIIO::ImageSpec spec(400, 400, 3, OIIO::TypeDesc::UINT8);
        auto out = OIIO::ImageOutput::create(path);
        const std::vector<float> pixels(400 * 400 * 3, value);
        EXPECT_TRUE(out && out->open(path, spec)
                    && out->write_image(OIIO::TypeDesc::FLOAT, pixels.data()) && out->close());
        // Old enough for its time to be trusted.
        const timespec times[2] = {{1000000, 0}, {1000000, 0}};
        ::utimensat(AT_FDCWD, path.c_str(), times, 0);
        return path;
    }

    static Request with(const std::string& image)
    {
        Request made = request();
        made.images = {image};
        return made;
    }
};

} // namespace klio::test
