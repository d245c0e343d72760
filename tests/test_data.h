#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>

/// Path of a real test image, or empty where the folder of real images is missing: the test then
/// says that it is skipped.
inline std::string test_data(const std::string& name)
{
    namespace fs = std::filesystem;
    const char* folder = std::getenv("KLIO_TEST_DATA");
    const fs::path path = (folder ? fs::path(folder) : fs::path("../shared/data")) / name;
    std::error_code error;
    return fs::exists(path, error) ? path.string() : std::string();
}
