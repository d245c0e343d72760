#pragma once

#include <klio/prepare.h>
#include <klio/record.h>

#include <OpenImageIO/imagebuf.h>

#include <functional>
#include <string>
#include <vector>

/// \file
/// Pictures that the tests of preparing make, and what came out of them.

namespace pictures {

/// A path in this process's own folder, which is removed when the tests end.
std::string path(const std::string& name);

/// Value of a channel at a pixel of the picture.
using Shader = std::function<float(int x, int y, int c)>;

/// Writes a picture and returns its path.
std::string write(const std::string& name, const OIIO::ImageSpec& spec, const Shader& shader);
std::string write(const std::string& name, int width, int height, int channels, OIIO::TypeDesc type,
                  const Shader& shader);

/// A smooth, colourful picture.
float gradient(int x, int y, int c);

/// The prepared bytes as pixels, 0–255.
struct Decoded {
    int width = 0, height = 0;
    std::vector<unsigned char> rgb;
    int at(int x, int y, int c) const
    {
        return rgb[3 * (size_t(y) * size_t(width) + size_t(x)) + size_t(c)];
    }
};
Decoded decode(const klio::Prepared& prepared);

/// IEC 61966-2-1: the 8-bit code nearest to linear `x`.
int srgb8(float x);

/// A file's bytes, and a file of bytes.
std::string read(const std::string& file);
std::string write_bytes(const std::string& name, const std::string& bytes);

/// What prepare() says against a file: one line that names it, or "no error".
std::string message_of(const std::string& file, const klio::PrepareOptions& options = {});

/// As PNG, so that pixels are exact.
klio::PrepareOptions exact(const std::string& ratio = "1:1");
klio::PrepareRecord record(const klio::Prepared& prepared);

} // namespace pictures
