#include <klio/provenance.h>

#include "frames/provenance.h"
#include "frames/xmp.h"
#include "images_support.h"

#include "base/json.h"
#include "base/sha256.h"

#include <klio/error.h>
#include <klio/settings.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <OpenImageIO/filesystem.h>
#include <OpenImageIO/imageio.h>

using namespace klio;
using namespace klio::test;
using testing::HasSubstr;
using testing::Not;

namespace {

StoredSet full_set(const Folder& folder)
{
    StoredSet set = make_set(folder, {sample(64, 36, "png"), sample(64, 36, "png")});
    set.references.push_back({"/secret/plates/shot.exr", std::string(64, 'a'),
                              to_json(make_record(1000, 500, 100, 50, 800, 400, 400, 200))});
    set.references.push_back({"https://host/x.png?sig=abc", "url:https://host/x.png?sig=abc", ""});
    set.request.prompt = "a <b>lighthouse</b> & the \"sea\" 灯台 at dusk";
    return set;
}

const char* const carriers[] = {"jpg", "png", "tif", "exr", "webp"};

} // namespace

TEST(Provenance, IsInEveryFormatThatCanCarryIt)
{
    const Folder folder;
    const StoredSet set = full_set(folder);
    FrameOptions options;
    options.to = "srgb";
    options.embed_prompt = true;
    const Frame frame = load_frame(set, 2, options);
    for (const std::string ending : carriers) {
        SCOPED_TRACE(ending);
        const std::string path = folder / ("frame." + ending);
        write_frame(frame, path, options);
        const std::vector<Provenance> found = read_provenance(path);
        ASSERT_EQ(found.size(), 1U);
        EXPECT_EQ(found[0].carrier, ending == "exr" ? "attributes" : "xmp");
        EXPECT_EQ(found[0].digital_source_type,
                  "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia");
        std::map<std::string, std::string> values = found[0].values;
        EXPECT_EQ(values["model"], "kling-image-o1");
        EXPECT_EQ(values["task"], "task-1");
        EXPECT_EQ(values["job"], set.job);
        EXPECT_EQ(values["take"], "2");
        EXPECT_EQ(values["frame"], "2");
        EXPECT_EQ(values["frames"], "2");
        EXPECT_EQ(values["type"], "image-to-image");
        EXPECT_EQ(values["aspect_ratio"], "16:9");
        EXPECT_EQ(values["resolution"], "1k");
        EXPECT_EQ(values["prompt"], set.request.prompt);
        EXPECT_EQ(values["prompt_sha256"], base::sha256_hex(set.request.prompt));
        EXPECT_EQ(values["request_sha256"].size(), 64U);
        EXPECT_EQ(values["reference_sha256"],
                  std::string(64, 'a')
                      + " url-sha256:" + base::sha256_hex("https://host/x.png?sig=abc"));
        EXPECT_EQ(values["record"], set.references[0].record);
        EXPECT_EQ(values["frame_sha256"], set.frames[1].sha256);
        EXPECT_EQ(values["credits_at_least"], "6");
        EXPECT_EQ(values["time"], "2023-11-14T22:13:20Z");
        EXPECT_EQ(values["version"], version());
        EXPECT_EQ(values.count("preview"), 0U);
    }
}

TEST(Provenance, TellsNoStoriesUnlessAsked)
{
    const Folder folder;
    const StoredSet set = full_set(folder);
    const Frame frame = load_frame(set, 1, {});
    for (const std::string ending : carriers) {
        SCOPED_TRACE(ending);
        const std::string path = folder / ("frame." + ending);
        write_frame(frame, path, {});
        write_sidecar(frame, path);
        for (const std::string& file : {path, sidecar_path(path)}) {
            const std::string bytes = read_bytes(file);
            EXPECT_THAT(bytes, Not(HasSubstr("lighthouse")));
            EXPECT_THAT(bytes, Not(HasSubstr("secret")));
            EXPECT_THAT(bytes, Not(HasSubstr("sig=abc")));
        }
    }
}

// OIIO's writers put the time of writing into TIFF and EXR unless they are told one: two files of
// the same second would then be equal, so the time itself is looked at as well.
TEST(Provenance, TheSameFrameGivesTheSameBytes)
{
    const Folder folder;
    const StoredSet set = full_set(folder);
    const Frame frame = load_frame(set, 1, {});
    for (const std::string ending : carriers)
        write_frame(frame, folder / ("a." + ending), {});
    write_frames({frame, frame}, folder / "all.exr", {});
    const Frame again = load_frame(set, 1, {});
    for (const std::string ending : carriers) {
        write_frame(again, folder / ("b." + ending), {});
        EXPECT_EQ(read_bytes(folder / ("a." + ending)), read_bytes(folder / ("b." + ending)))
            << ending;
        const OIIO::ImageBuf written(folder / ("a." + ending));
        if (ending != "webp") {
            EXPECT_EQ(written.spec().get_string_attribute("DateTime"), "2023:11:14 22:13:20")
                << ending;
        }
    }
    write_frames({again, again}, folder / "all2.exr", {});
    EXPECT_EQ(read_bytes(folder / "all.exr"), read_bytes(folder / "all2.exr"));
}

TEST(Provenance, PreviewsAreNotTheModels)
{
    for (const char* endpoint :
         {"local", "http://127.0.0.1:8080", "http://localhost", "http://[::1]:99/x"})
        EXPECT_TRUE(frames::is_preview(endpoint)) << endpoint;
    for (const char* endpoint : {"https://apiin.one", "https://localhost.example.com",
                                 "https://example.com/http://localhost"})
        EXPECT_FALSE(frames::is_preview(endpoint)) << endpoint;
    const Folder folder;
    StoredSet set = full_set(folder);
    set.endpoint = "local";
    write_frame(load_frame(set, 1, {}), folder / "a.png", {});
    Provenance found = read_provenance(folder / "a.png").at(0);
    EXPECT_EQ(found.values["preview"], "1");
    EXPECT_EQ(found.values["model"], "klio preview");
    EXPECT_EQ(found.values["requested_model"], "kling-image-o1");
    EXPECT_EQ(found.values["credits_at_least"], "0");
    EXPECT_THAT(found.digital_source_type, Not(HasSubstr("trained")));
    EXPECT_THAT(read_bytes(folder / "a.png"), Not(HasSubstr("trainedAlgorithmicMedia")));
}

TEST(Provenance, ASidecarStandsInWhereTheFormatCarriesNone)
{
    const Folder folder;
    const StoredSet set = full_set(folder);
    FrameOptions options;
    options.to = "srgb";
    const Frame frame = load_frame(set, 1, options);
    const std::string path = folder / "frame.bmp";
    write_frame(frame, path, options);
    EXPECT_TRUE(read_provenance(path).at(0).values.empty());
    write_sidecar(frame, path);
    const Provenance found = read_provenance(path).at(0);
    EXPECT_EQ(found.carrier, "sidecar");
    EXPECT_EQ(found.values.at("job"), set.job);
    EXPECT_EQ(found.values.at("take"), "2");
    base::Json json;
    base::JsonError error;
    ASSERT_TRUE(base::parse_json(read_bytes(sidecar_path(path)), json, error));
    EXPECT_EQ(json["take"], 2);
    EXPECT_EQ(json["image"]["width"], 64);
    EXPECT_EQ(json["record"]["color"]["source_space"], "ACEScg");
}

TEST(Provenance, SaysNothingOfOtherFiles)
{
    const Folder folder;
    write_bytes(folder / "a.png", sample(20, 20, "png"));
    EXPECT_TRUE(read_provenance(folder / "a.png").at(0).values.empty());
    write_bytes(folder / "a.txt", "hello");
    EXPECT_THROW(read_provenance(folder / "a.txt"), ReferenceError);
    EXPECT_THROW(read_provenance(folder / "missing.png"), ReferenceError);
}

TEST(Write, ExrIsHalfAndZip)
{
    const Folder folder;
    const StoredSet set = full_set(folder);
    const Frame frame = load_frame(set, 1, {});
    write_frame(frame, folder / "new/a.exr", {});
    OIIO::ImageBuf read(folder / "new/a.exr");
    ASSERT_TRUE(read.read());
    EXPECT_EQ(read.nativespec().format, OIIO::TypeDesc::HALF);
    EXPECT_EQ(read.nativespec().get_string_attribute("compression"), "zip");
    EXPECT_NEAR(pixel(read, 7, 9, 1), pixel(frame.image, 7, 9, 1), 1e-3);
    FrameOptions options;
    options.format = "float";
    write_frame(frame, folder / "b.exr", options);
    EXPECT_EQ(OIIO::ImageBuf(folder / "b.exr").nativespec().format, OIIO::TypeDesc::FLOAT);
    options.format = "uint16";
    write_frame(frame, folder / "b.tif", options);
    EXPECT_EQ(OIIO::ImageBuf(folder / "b.tif").nativespec().format, OIIO::TypeDesc::UINT16);
    for (const char* wrong : {"hlaf", "string", "color", "float[3]"}) {
        options.format = wrong;
        EXPECT_THROW(write_frame(frame, folder / "c.exr", options), UsageError) << wrong;
    }
    // Nothing half-written stays behind.
    std::vector<std::string> names;
    OIIO::Filesystem::get_directory_entries(folder.path(), names);
    for (const std::string& name : names)
        EXPECT_EQ(name.find(".tmp-"), std::string::npos) << name;
}

// A compositor must not have to guess: an untagged EXR is Rec.709 to some and ACES to others.
TEST(Write, ExrNamesItsPrimaries)
{
    const Folder folder;
    const StoredSet set = full_set(folder);
    for (const std::string to : {"ACEScg", "ACES2065-1", "Linear Rec.709 (sRGB)"}) {
        FrameOptions options;
        options.to = to;
        const Frame frame = load_frame(set, 1, options);
        write_frame(frame, folder / "a.exr", options);
        const OIIO::ImageBuf read(folder / "a.exr");
        const OIIO::ParamValue* found = read.spec().find_attribute("chromaticities");
        ASSERT_EQ(found != nullptr, to[0] == 'A') << to;
        if (found) {
            EXPECT_NEAR(found->get_float_indexed(0), to == "ACEScg" ? 0.713 : 0.7347, 1e-6);
        }
        std::remove((folder / "a.exr").c_str());
    }
}

TEST(Write, AllFramesInOneFile)
{
    const Folder folder;
    const StoredSet set = full_set(folder);
    std::vector<Frame> frames;
    for (int i = 1; i <= 2; ++i)
        frames.push_back(load_frame(set, i, {}));
    for (const std::string ending : {"exr", "tif"}) {
        SCOPED_TRACE(ending);
        const std::string path = folder / ("all." + ending);
        write_frames(frames, path, {});
        for (int i = 0; i < 2; ++i) {
            OIIO::ImageBuf read(path, i, 0);
            ASSERT_TRUE(read.read(i, 0)) << read.geterror();
            EXPECT_EQ(read.nsubimages(), 2);
            EXPECT_NEAR(pixel(read, 7, 9, 1), pixel(frames[size_t(i)].image, 7, 9, 1), 1e-3);
        }
        const std::vector<Provenance> found = read_provenance(path);
        ASSERT_EQ(found.size(), 2U);
        EXPECT_EQ(found[0].values.at("frame"), "1");
        EXPECT_EQ(found[1].values.at("frame"), "2");
        EXPECT_EQ(found[1].subimage, 1);
    }
    EXPECT_THROW(write_frames(frames, folder / "all.png", {}), OutputError);
    EXPECT_THROW(write_frames({}, folder / "all.exr", {}), OutputError);
}

TEST(Write, WindowsBecomeACanvasWhereAFormatHasNone)
{
    const Folder folder;
    StoredSet set = full_set(folder);
    FrameOptions options;
    options.to = "srgb";
    options.conform = folder / "plate.exr";
    OIIO::ImageSpec plate(1000, 500, 3, OIIO::TypeDesc::HALF);
    plate.x = plate.full_x = 5;
    ASSERT_TRUE(OIIO::ImageBuf(plate).write(options.conform));
    const Frame frame = load_frame(set, 1, options);
    write_frame(frame, folder / "a.exr", options);
    OIIO::ImageBuf exr(folder / "a.exr");
    EXPECT_EQ(exr.spec().full_x, 5);
    EXPECT_EQ(exr.spec().full_width, 1000);
    write_frame(frame, folder / "a.png", options);
    OIIO::ImageBuf png(folder / "a.png");
    ASSERT_EQ(png.spec().width, 1000);
    ASSERT_EQ(png.spec().height, 500);
    EXPECT_EQ(pixel(png, 2, 2, 3), 0);
    EXPECT_EQ(pixel(png, 500, 250, 3), 1);
    EXPECT_NEAR(pixel(png, 500, 250, 1), pixel(exr, 505, 250, 1), 0.003);
}

TEST(Xmp, SurvivesAnyText)
{
    OIIO::ImageSpec spec(1, 1, 3);
    spec.attribute("klio:prompt", "a & <b> \"c\" 'd' ]]> &amp; 灯\n\x01 end");
    const auto values = frames::parse_xmp(frames::make_xmp(spec));
    EXPECT_EQ(values.at("klio:prompt"), "a & <b> \"c\" 'd' ]]> &amp; 灯\n end");
}
