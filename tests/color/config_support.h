#pragma once

#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>

// Sets $OCIO for the length of a test.
class Ocio {
public:
    explicit Ocio(const std::string& text)
    {
        m_path = testing::TempDir() + "klio-color-test-" + std::to_string(counter()++) + ".ocio";
        std::ofstream(m_path) << text;
        setenv("OCIO", m_path.c_str(), 1);
    }
    ~Ocio()
    {
        unsetenv("OCIO");
        std::remove(m_path.c_str());
    }

private:
    static int& counter()
    {
        static int count = 0;
        return count;
    }
    std::string m_path;
};
