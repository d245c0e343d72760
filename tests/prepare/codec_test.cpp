#include "pictures_support.h"

#include "prepare/encode.h"
#include "test_data.h"

#include <klio/error.h>
#include <klio/prepare.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

using namespace klio;
using namespace pictures;
using testing::HasSubstr;

namespace {

TEST(Codec, FlatGraphicsArePngPhotographsAreJpeg)
{
    const auto flat = write("logo.png", 640, 640, 3, OIIO::TypeUInt8, [](int x, int y, int c) {
        return (x / 80 + y / 80) % 2 ? 1.0f : 0.2f * float(c);
    });
    PrepareOptions options;
    options.aspect_ratio = "1:1";
    EXPECT_EQ(prepare(flat, options).media_type, "image/png");
    const auto photo = write("photo.exr", 640, 640, 3, OIIO::TypeHalf, gradient);
    const Prepared out = prepare(photo, options);
    EXPECT_EQ(out.media_type, "image/jpeg");
    EXPECT_EQ(pictures::record(out).quality, 95);
    options.codec = "jpeg";
    EXPECT_EQ(prepare(flat, options).media_type, "image/jpeg");
}

TEST(Codec, QualityStepsDownOnlyForTheByteLimit)
{
    prep::Picture noise;
    noise.width = noise.height = 200;
    std::mt19937 random(1);
    for (int i = 0; i < 200 * 200 * 3; ++i)
        noise.pixels.push_back(static_cast<unsigned char>(random()));
    const prep::Encoded full = prep::encode(noise, "jpeg", 95, 1 << 20);
    EXPECT_EQ(full.quality, 95);
    EXPECT_TRUE(full.warning.empty());
    const prep::Encoded less = prep::encode(noise, "jpeg", 95, full.bytes.size() / 2);
    EXPECT_LT(less.quality, 95);
    EXPECT_LE(less.bytes.size(), full.bytes.size() / 2);
    EXPECT_THAT(less.warning, HasSubstr("quality"));
    const prep::Encoded png = prep::encode(noise, "png", 95, 100000);
    EXPECT_EQ(png.codec, "jpeg");
    EXPECT_THROW(prep::encode(noise, "jpeg", 95, 100), ReferenceError);
}

TEST(Jpeg, Is444WithoutAnyMetadata)
{
    const std::string file = test_data("tahoe-gps.jpg");
    if (file.empty())
        GTEST_SKIP() << "the folder of real images is missing";
    PrepareOptions options;
    options.aspect_ratio = "16:9";
    const Prepared out = prepare(file, options);
    EXPECT_EQ(out.width, 1360);
    EXPECT_EQ(out.height, 768);
    // Every marker up to the picture's own data: JFIF, tables, frame; nothing else.
    size_t at = 2;
    bool frame = false;
    while (at + 4 < out.bytes.size()) {
        const auto byte = [&](size_t i) { return static_cast<unsigned char>(out.bytes[i]); };
        ASSERT_EQ(byte(at), 0xFF);
        const int marker = byte(at + 1);
        const size_t length = size_t(byte(at + 2)) << 8 | byte(at + 3);
        EXPECT_THAT(marker, testing::AnyOf(0xE0, 0xDB, 0xC0, 0xC4, 0xDA)) << std::hex << marker;
        if (marker == 0xE0) {
            EXPECT_EQ(length, 16u); // JFIF without a thumbnail
        }
        if (marker == 0xC0) {
            frame = true;
            for (size_t c = 0; c < 3; ++c)
                EXPECT_EQ(byte(at + 11 + 3 * c), 0x11); // one sample a pixel: 4:4:4
        }
        if (marker == 0xDA)
            break;
        at += 2 + length;
    }
    EXPECT_TRUE(frame);
    for (const char* text : {"HTC", "Exif", "T-Mobile", "2009", "GPS", "WGS"})
        EXPECT_EQ(out.bytes.find(text), std::string::npos) << text;
    EXPECT_EQ(out.record.find("HTC"), std::string::npos);
}

TEST(Png, HasNothingButThePicture)
{
    OIIO::ImageSpec spec(320, 320, 3, OIIO::TypeUInt8);
    spec.attribute("ImageDescription", "secret plate");
    spec.attribute("DateTime", "2026:01:01 00:00:00");
    const Prepared out = prepare(write("described.png", spec, gradient), exact());
    size_t at = 8;
    while (at + 12 <= out.bytes.size()) {
        const std::string type = out.bytes.substr(at + 4, 4);
        EXPECT_THAT(type, testing::AnyOf("IHDR", "IDAT", "IEND"));
        size_t length = 0;
        for (size_t i = 0; i < 4; ++i)
            length = length << 8 | static_cast<unsigned char>(out.bytes[at + i]);
        at += 12 + length;
    }
    EXPECT_EQ(at, out.bytes.size());
}

TEST(Deterministic, WhateverTheThreads)
{
    const auto exr = write("threads.exr", 1700, 1100, 4, OIIO::TypeHalf, [](int x, int y, int c) {
        return (x - 800) * (x - 800) + (y - 500) * (y - 500) < 900 ? 90.0f : gradient(x, y, c);
    });
    const auto jpg = write("threads.jpg", 1700, 1100, 3, OIIO::TypeUInt8, gradient);
    for (const std::string& file : {exr, jpg})
        for (const char* policy : {"", "texture", "view", "compress"}) {
            PrepareOptions options;
            options.aspect_ratio = "16:9";
            options.policy = policy;
            options.threads = 1;
            const Prepared one = prepare(file, options);
            for (int threads : {2, 3, 8}) {
                options.threads = threads;
                const Prepared many = prepare(file, options);
                EXPECT_EQ(many.bytes, one.bytes) << file << policy << threads;
                EXPECT_EQ(many.record, one.record);
            }
        }
}

TEST(Memory, GivesWhatTheFileGives)
{
    for (const char* name : {"memory.exr", "memory.png", "memory.jpg", "memory.tif"}) {
        const auto file = write(
            name, 700, 400, 3,
            std::string(name).find("exr") != std::string::npos ? OIIO::TypeHalf : OIIO::TypeUInt8,
            gradient);
        const Prepared from_file = prepare(file, exact("16:9"));
        const Prepared from_memory = prepare_bytes(read(file), name, exact("16:9"));
        EXPECT_EQ(from_file.bytes, from_memory.bytes) << name;
        EXPECT_TRUE(pictures::record(from_memory).source_sha256.empty());
    }
    EXPECT_THROW(prepare_bytes("", "nothing", {}), ReferenceError);
    EXPECT_THROW(prepare_bytes("hello", "https://x/y?z", {}), ReferenceError);
}

TEST(Cancel, StopsTheWork)
{
    const auto file = write("long.exr", 700, 700, 3, OIIO::TypeHalf, gradient);
    const CancelToken cancel;
    cancel.cancel();
    EXPECT_THROW(prepare(file, {}, cancel), CancelledError);
}

} // namespace
