#include "pictures_support.h"

#include <klio/error.h>
#include <klio/prepare.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <random>

using namespace klio;
using namespace pictures;
using testing::HasSubstr;
using testing::Not;

namespace {

TEST(BadInput, SaysWhatIsWrong)
{
    EXPECT_THAT(message_of(path("missing.exr")), HasSubstr("No such file"));
    EXPECT_THAT(message_of(std::filesystem::path(path("x")).parent_path().string()),
                HasSubstr("folder"));
    std::ofstream(path("empty.png")).close();
    EXPECT_THAT(message_of(path("empty.png")), HasSubstr("empty"));
    std::ofstream(path("text.exr")) << "this is no picture at all";
    EXPECT_THAT(message_of(path("text.exr")), HasSubstr("can't be read as an image"));
    std::ofstream(path("a.kling")) << "{}";
    EXPECT_THAT(message_of(path("a.kling")), HasSubstr("recipe"));
    std::ofstream(path("maya.jpg")) << "FOR4    CIMG";
    EXPECT_NE(message_of(path("maya.jpg")), "no error");
    std::ofstream(path("greedy.dpx"), std::ios::binary) << std::string("SDPX")
            + std::string(28, '\0') + "\x7F\xFF\xFF\xFF" + std::string(2100, '\0');
    EXPECT_THAT(message_of(path("greedy.dpx")), HasSubstr("DPX header"));
    std::ofstream(path("odd.cin"), std::ios::binary) << std::string("\x80\x2A\x5F\xD7")
            + std::string(189, '\0') + "\x03" + std::string(1000, '\x03');
    EXPECT_THAT(message_of(path("odd.cin")), HasSubstr("3 bits"));
    const auto secret = write("secret.png", 320, 320, 3, OIIO::TypeUInt8, gradient);
    chmod(secret.c_str(), 0);
    if (geteuid() != 0) {
        EXPECT_THAT(message_of(secret), HasSubstr("Permission denied"));
    }
}

TEST(BadInput, TruncatedFilesAreErrors)
{
    for (const char* name : {"cut.exr", "cut.png", "cut.jpg", "cut.tif"}) {
        const auto file = write(name, 400, 400, 3,
                                std::string(name) == "cut.exr" ? OIIO::TypeHalf : OIIO::TypeUInt8,
                                [](int x, int y, int c) {
                                    return gradient(x, y, c) + float((x * 7 + y * 13) % 11) / 50;
                                });
        const std::string bytes = read(file);
        std::ofstream(file, std::ios::binary) << bytes.substr(0, bytes.size() / 2);
        EXPECT_NE(message_of(file), "no error") << name;
    }
}

TEST(BadInput, JpegThatEndsBelowTheCropIsAnError)
{
    const auto file = write("tall.jpg", 400, 4000, 3, OIIO::TypeUInt8, gradient);
    const std::string bytes = read(file);
    PrepareOptions options = exact("1:1");
    options.gravity = "top";
    EXPECT_EQ(message_of(file, options), "no error");
    for (const std::string& whole : {bytes + std::string(100000, '\0'), bytes + "and a film"}) {
        EXPECT_EQ(message_of(write_bytes("more.jpg", whole), options), "no error");
        EXPECT_NO_THROW(prepare_bytes(whole, "more.jpg", options));
    }
    for (const size_t size : {bytes.size() * 3 / 4, bytes.size() - 2, bytes.size() - 1}) {
        EXPECT_THAT(message_of(write_bytes("less.jpg", bytes.substr(0, size)), options),
                    HasSubstr("is damaged (it ends before its picture does"));
        EXPECT_THROW(prepare_bytes(bytes.substr(0, size), "less.jpg", options), ReferenceError);
    }
}

TEST(BadInput, MarkersAcrossTheBlocksOfTheSearchAreFound)
{
    const std::string bytes = read(write("small.jpg", 320, 320, 3, OIIO::TypeUInt8, gradient));
    for (size_t more = 65534; more <= 65537; ++more)
        EXPECT_EQ(message_of(write_bytes("across.jpg", bytes + std::string(more, '\0')), exact()),
                  "no error")
            << more;
}

TEST(BadInput, HugeHeadersAreRefusedBeforeAnythingIsAllocated)
{
    // A PNG, a BMP and a JPEG that say that they are enormous.
    std::string png = read(write("huge.png", 320, 320, 3, OIIO::TypeUInt8, gradient));
    for (size_t at : {size_t(16), size_t(20)})
        png.replace(at, 4, std::string("\0\x01\x86\xa0", 4));
    std::ofstream(path("huge.png"), std::ios::binary) << png;
    message_of(path("huge.png"));
    std::string jpeg = read(write("huge.jpg", 320, 320, 3, OIIO::TypeUInt8, gradient));
    size_t frame = jpeg.find("\xFF\xC0");
    ASSERT_NE(frame, std::string::npos);
    jpeg.replace(frame + 5, 4, "\xFF\xDC\xFF\xDC");
    std::ofstream(path("huge.jpg"), std::ios::binary) << jpeg;
    EXPECT_THAT(message_of(path("huge.jpg")), HasSubstr("65500x65500"));
    OIIO::ImageSpec spec(320, 320, 3, OIIO::TypeHalf);
    spec.full_width = spec.full_height = 100000;
    EXPECT_THAT(message_of(write("huge.exr", spec, gradient)), HasSubstr("100000x100000"));
}

TEST(BadInput, WhatAReaderThrowsIsAnErrorAboutThePicture)
{
    // 255 bytes a channel, at which OpenImageIO's reader throws what std::vector says.
    std::string sgi = read(write("wide.sgi", 320, 320, 3, OIIO::TypeUInt8, gradient));
    sgi[3] = char(0xFF);
    EXPECT_THAT(message_of(write_bytes("wide.sgi", sgi)), HasSubstr("is damaged"));
}

TEST(BadInput, MutatedFilesNeverCrash)
{
    // A small part of what tests/fuzz does at length, and in processes of their own.
    for (const char* name : {"seed.exr", "seed.png", "seed.jpg", "seed.tif"}) {
        const std::string bytes = read(
            write(name, 48, 40, 3,
                  std::string(name) == "seed.exr" ? OIIO::TypeHalf : OIIO::TypeUInt8, gradient));
        std::mt19937 random(11);
        for (int i = 0; i < 60; ++i) {
            std::string mutated = bytes;
            for (unsigned k = 0; k < 1 + random() % 5; ++k)
                mutated[random() % mutated.size()] = char(random());
            if (random() % 4 == 0)
                mutated.resize(random() % mutated.size());
            try {
                prepare_bytes(mutated, name, exact());
            } catch (const Error& error) {
                EXPECT_THAT(error.what(), Not(HasSubstr("\n")));
            }
        }
    }
}

} // namespace
