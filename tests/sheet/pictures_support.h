#pragma once

#include <klio/set.h>

#include <OpenImageIO/imagebuf.h>

#include <filesystem>
#include <string>

/// Pictures that the tests of sheets are made of, in a folder of each test's own.
class Folder {
public:
    Folder();
    ~Folder();
    std::string path(const std::string& name) const { return (m_path / name).string(); }
    int files() const; ///< all that lie in it, hidden ones too

private:
    std::filesystem::path m_path;
};

/// One colour, 8 bits, sRGB.
std::string flat(const std::string& path, int width, int height, float r, float g, float b);
/// Four quarters: red, green, blue, white from the top left in reading order.
std::string quarters(const std::string& path, int width, int height, int orientation = 1);
/// The sRGB code values at a place of a file.
struct Rgb {
    int r, g, b;
};
Rgb pixel(const std::string& path, int x, int y);
bool near(Rgb a, Rgb b, int tolerance = 4);
/// "WxH" of a file; empty where it can't be read.
std::string size_of(const std::string& path);
std::string description_of(const std::string& path);

/// A succeeded set of `count` frames made of flat(), with one reference.
klio::StoredSet sample_set(const Folder& folder, int count, int take = 1);
