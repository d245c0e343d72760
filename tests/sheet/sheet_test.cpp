#include "base/file.h"
#include "base/json.h"
#include "pictures_support.h"
#include "sheet/page_file.h"
#include "test_data.h"

#include <klio/error.h>
#include <klio/sheet.h>

#include <OpenImageIO/imagebufalgo.h>

#include <gmock/gmock.h>

#include <algorithm>
#include <map>

using namespace klio;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

namespace {

constexpr Rgb red {255, 0, 0}, green {0, 255, 0}, blue {0, 0, 255}, white {255, 255, 255};
constexpr Rgb paper {23, 23, 26}; // the default background

SheetItem item(const std::string& path)
{
    return file_items({path}).front();
}

/// No labels, no gaps: cells alone.
SheetOptions bare(int width, int height, const std::string& layout = {})
{
    SheetOptions options;
    options.cell_width = width;
    options.cell_height = height;
    options.layout = layout;
    options.gap = options.margin = 0;
    options.label = options.header = "";
    return options;
}

/// Boxes of the cells as the file's own metadata has them.
base::Json layout_of(const std::string& path)
{
    base::Json layout;
    base::JsonError error;
    EXPECT_TRUE(base::parse_json(description_of(path), layout, error)) << error.message;
    return layout;
}

} // namespace

TEST(Sheet, PutsCellsInReadingOrder)
{
    const Folder folder;
    const std::vector<SheetItem> items = {item(flat(folder.path("a.png"), 64, 64, 1, 0, 0)),
                                          item(flat(folder.path("b.png"), 64, 64, 0, 1, 0)),
                                          item(flat(folder.path("c.png"), 64, 64, 0, 0, 1))};
    const std::string path = folder.path("sheet.png");
    EXPECT_THAT(write_sheet(items, path, bare(64, 64, "2x2")), ElementsAre(path));
    EXPECT_EQ(size_of(path), "128x128");
    EXPECT_TRUE(near(pixel(path, 32, 32), red));
    EXPECT_TRUE(near(pixel(path, 96, 32), green));
    EXPECT_TRUE(near(pixel(path, 32, 96), blue));
    EXPECT_TRUE(near(pixel(path, 96, 96), paper));
}

TEST(Sheet, NeverDistorts)
{
    const Folder folder;
    // 2:1 in a square cell: full width, half height, standing on the ground line.
    const std::string path = folder.path("sheet.png");
    write_sheet({item(flat(folder.path("wide.png"), 200, 100, 1, 0, 0))}, path, bare(80, 80));
    EXPECT_TRUE(near(pixel(path, 40, 36), paper));
    EXPECT_TRUE(near(pixel(path, 2, 44), red));
    EXPECT_TRUE(near(pixel(path, 77, 77), red));
    write_sheet({item(flat(folder.path("high.png"), 100, 200, 1, 0, 0))}, path, bare(80, 80));
    EXPECT_TRUE(near(pixel(path, 16, 40), paper));
    EXPECT_TRUE(near(pixel(path, 24, 2), red));
    EXPECT_TRUE(near(pixel(path, 56, 77), red));
}

TEST(Sheet, HonoursOrientationAndPixelAspect)
{
    const Folder folder;
    // The four quarters in reading order, by EXIF's definition of each orientation.
    const std::map<char, Rgb> colors = {{'R', red}, {'G', green}, {'B', blue}, {'W', white}};
    const char* const upright[] = {"RGBW", "GRWB", "WBGR", "BWRG", "RBGW", "BRWG", "WGBR", "GWRB"};
    for (const char* ending : {"jpg", "tif"})
        for (int orientation = 1; orientation <= 8; ++orientation) {
            const std::string source = quarters(
                folder.path("o" + std::to_string(orientation) + "." + ending), 64, 32, orientation);
            const int width = orientation >= 5 ? 32 : 64, height = 96 - width;
            const std::string path
                = folder.path("s" + std::to_string(orientation) + ending + ".png");
            write_sheet({item(source)}, path, bare(width, height));
            for (int i = 0; i < 4; ++i)
                EXPECT_TRUE(near(
                    pixel(path, width / 4 + i % 2 * width / 2, height / 4 + i / 2 * height / 2),
                    colors.at(upright[orientation - 1][i]), 12))
                    << ending << " " << orientation << " " << i;
        }
    OIIO::ImageBuf squeezed(OIIO::ImageSpec(100, 100, 3, OIIO::TypeHalf));
    OIIO::ImageBufAlgo::fill(squeezed, {1, 0, 0});
    squeezed.specmod().attribute("PixelAspectRatio", 2.0f);
    squeezed.write(folder.path("squeezed.exr"));
    const std::string path = folder.path("sheet.png");
    write_sheet({item(folder.path("squeezed.exr"))}, path, bare(100, 100));
    EXPECT_TRUE(near(pixel(path, 50, 40), paper)); // 2:1 now
    EXPECT_FALSE(near(pixel(path, 2, 60), paper, 30));
}

TEST(Sheet, ShowsTheDisplayWindow)
{
    const Folder folder;
    OIIO::ImageSpec spec(40, 40, 3, OIIO::TypeHalf); // data in the right half of the display
    spec.x = 40;
    spec.full_width = 80;
    spec.full_height = 40;
    OIIO::ImageBuf image(spec);
    OIIO::ImageBufAlgo::fill(image, {0, 1, 0});
    image.write(folder.path("part.exr"));
    const std::string path = folder.path("sheet.png");
    write_sheet({item(folder.path("part.exr"))}, path, bare(80, 40));
    EXPECT_TRUE(near(pixel(path, 20, 20), {0, 0, 0}));
    EXPECT_GT(pixel(path, 60, 20).g, 100);
}

TEST(Sheet, ShowsSceneLinearThroughTheView)
{
    const Folder folder;
    OIIO::ImageBuf image(OIIO::ImageSpec(32, 32, 3, OIIO::TypeHalf));
    OIIO::ImageBufAlgo::fill(image, {0.18f, 0.18f, 0.18f});
    image.write(folder.path("grey.exr"));
    const std::string path = folder.path("sheet.png");
    write_sheet({item(folder.path("grey.exr"))}, path, bare(32, 32));
    const Rgb shown = pixel(path, 16, 16);
    // Raw, mid grey would be 46; a view brings it well above.
    EXPECT_GT(shown.r, 80);
    EXPECT_LT(shown.r, 135);
    EXPECT_TRUE(near(shown, {shown.r, shown.r, shown.r}, 2));
}

TEST(Sheet, AlphaLiesOverTheBackground)
{
    const Folder folder;
    OIIO::ImageBuf image(OIIO::ImageSpec(32, 32, 4, OIIO::TypeUInt8));
    OIIO::ImageBufAlgo::fill(image, {0, 0, 0, 0});
    image.write(folder.path("clear.png"));
    SheetOptions options = bare(32, 32);
    options.background = "#ff8000";
    const std::string path = folder.path("sheet.png");
    write_sheet({item(folder.path("clear.png"))}, path, options);
    EXPECT_TRUE(near(pixel(path, 16, 16), {255, 128, 0}, 1));
}

TEST(Sheet, GoesOnWhenOnePictureIsBroken)
{
    const Folder folder;
    const std::string good = flat(folder.path("good.jpg"), 64, 64, 0, 1, 0);
    const std::string bytes = base::read_file(quarters(folder.path("cut.jpg"), 256, 256));
    base::write_file_atomic(folder.path("cut.jpg"), bytes.substr(0, bytes.size() / 2));
    base::write_file_atomic(folder.path("text.png"), "no picture");
    SheetItem missing;
    missing.path = folder.path("missing.png");
    const std::string path = folder.path("sheet.png");
    write_sheet({item(folder.path("cut.jpg")), item(folder.path("text.png")), missing, item(good)},
                path, bare(64, 64, "4x1"));
    for (int cell = 0; cell < 3; ++cell) {
        const Rgb edge = pixel(path, cell * 64 + 32, 1);
        EXPECT_GT(edge.r, 150) << cell; // the frame of a failure
        EXPECT_LT(edge.b, edge.r) << cell;
    }
    EXPECT_TRUE(near(pixel(path, 3 * 64 + 32, 32), green));
}

TEST(Sheet, NumbersItsPages)
{
    const Folder folder;
    const SheetItem one = item(flat(folder.path("a.png"), 16, 16, 1, 0, 0));
    const std::vector<SheetItem> five(5, one);
    EXPECT_THAT(write_sheet(five, folder.path("s.#.png"), bare(16, 16, "2x1")),
                ElementsAre(folder.path("s.0001.png"), folder.path("s.0002.png"),
                            folder.path("s.0003.png")));
    EXPECT_THAT(write_sheet(five, folder.path("p.png"), bare(16, 16, "2x1")),
                ElementsAre(folder.path("p.png"), folder.path("p.2.png"), folder.path("p.3.png")));
    EXPECT_EQ(sheet::page_name("a.@@.exr", 7), "a.07.exr");
    EXPECT_EQ(sheet::page_name("a.%03d.exr", 7), "a.007.exr");
    EXPECT_THROW(sheet::page_name("a.#.#.exr", 7), UsageError);
    // The last page is only as high as what stands on it, all are as wide.
    EXPECT_EQ(size_of(folder.path("s.0003.png")), "32x16");
}

TEST(Sheet, WritesItsLayoutAsMetadata)
{
    const Folder folder;
    const std::vector<SheetItem> items = {item(flat(folder.path("a.png"), 64, 32, 1, 0, 0)),
                                          item(flat(folder.path("b.png"), 64, 32, 0, 1, 0))};
    SheetOptions options;
    options.layout = "1x2";
    options.cell_width = 64;
    options.cell_height = 32;
    for (const char* name : {"s.png", "s.jpg", "s.tif", "s.exr"}) {
        const std::string path = folder.path(name);
        write_sheet(items, path, options);
        const base::Json layout = layout_of(path);
        EXPECT_EQ(layout["columns"], 1) << name;
        EXPECT_EQ(layout["cells"].size(), 2u);
        EXPECT_EQ(layout["cells"][1]["file"], "b.png");
        // The boxes are true: their middles have the pictures' colours.
        if (name != std::string("s.exr"))
            for (int i = 0; i < 2; ++i) {
                const base::Json& box = layout["cells"][size_t(i)]["box"];
                EXPECT_TRUE(
                    near(pixel(path, int(box[0]) + int(box[2]) / 2, int(box[1]) + int(box[3]) / 2),
                         i ? green : red, 6))
                    << name << " " << i;
            }
    }
}

TEST(Sheet, LinearFormatsHoldLight)
{
    const Folder folder;
    const std::string path = folder.path("s.exr");
    write_sheet({item(flat(folder.path("a.png"), 16, 16, 0.5f, 0.5f, 0.5f))}, path, bare(16, 16));
    OIIO::ImageBuf image(path);
    float value[3];
    image.getpixel(8, 8, 0, value, 3);
    EXPECT_NEAR(value[0], 0.2159f, 0.003f); // sRGB 0.5 as light
    EXPECT_EQ(image.spec().format, OIIO::TypeHalf);
}

TEST(Sheet, WiderDataTypesHoldTheSameValues)
{
    const Folder folder;
    SheetOptions options = bare(16, 16);
    options.format = "uint16";
    const std::string path = folder.path("s.png");
    write_sheet({item(flat(folder.path("a.png"), 16, 16, 1, 0, 0))}, path, options);
    OIIO::ImageBuf image(path);
    image.read();
    EXPECT_EQ(image.file_format_name(), "png");
    EXPECT_EQ(image.nativespec().format, OIIO::TypeUInt16);
    EXPECT_TRUE(near(pixel(path, 8, 8), red, 1));
    options.format = "nonsense";
    EXPECT_THROW(write_sheet({item(folder.path("a.png"))}, folder.path("n.png"), options),
                 UsageError);
}

TEST(Sheet, IsWrittenWholeOrNotAtAll)
{
    const Folder folder;
    const SheetItem one = item(flat(folder.path("a.png"), 16, 16, 1, 0, 0));
    CancelToken cancel;
    cancel.cancel();
    EXPECT_THROW(write_sheet({one}, folder.path("s.png"), bare(16, 16), cancel), CancelledError);
    SheetOptions stopped = bare(16, 16);
    stopped.progress = [](const Progress&) { return false; };
    EXPECT_THROW(write_sheet({one}, folder.path("s.png"), stopped), CancelledError);
    EXPECT_EQ(folder.files(), 1);
    EXPECT_THROW(write_sheet({one}, folder.path("s.nosuch"), bare(16, 16)), OutputError);
    EXPECT_THROW(write_sheet({one}, folder.path("noending"), bare(16, 16)), OutputError);
    EXPECT_THROW(write_sheet({one}, folder.path("a.png") + "/s.png", bare(16, 16)), OutputError);
    EXPECT_THROW(write_sheet({}, folder.path("s.png"), bare(16, 16)), UsageError);
    EXPECT_EQ(folder.files(), 1);
}

TEST(Sheet, KeepsAFileThatIsThereUnlessForced)
{
    const Folder folder;
    const std::vector<SheetItem> three(3, item(flat(folder.path("a.png"), 16, 16, 1, 0, 0)));
    base::write_file_atomic(folder.path("s.2.png"), "mine");
    SheetOptions options = bare(16, 16, "2x1");
    options.force = false;
    EXPECT_THROW(write_sheet(three, folder.path("s.png"), options), OutputError);
    EXPECT_EQ(base::read_file(folder.path("s.2.png")), "mine");
    EXPECT_FALSE(base::exists(folder.path("s.png"))); // looked at before anything is written
    options.force = true;
    EXPECT_EQ(write_sheet(three, folder.path("s.png"), options).size(), 2u);
}

TEST(Sheet, OptionsThatMakeNoSenseAreErrors)
{
    const Folder folder;
    const SheetItem one = item(flat(folder.path("a.png"), 16, 16, 1, 0, 0));
    const auto broken = [&](void (*change)(SheetOptions&)) {
        SheetOptions options;
        change(options);
        EXPECT_THROW(write_sheet({one}, folder.path("s.png"), options), UsageError);
    };
    broken([](SheetOptions& o) { o.layout = "3"; });
    broken([](SheetOptions& o) { o.background = "blue"; });
    broken([](SheetOptions& o) { o.background = "2,0,0"; });
    broken([](SheetOptions& o) { o.label = "{nosuch}"; });
    broken([](SheetOptions& o) { o.header = "{nosuch}"; });
    broken([](SheetOptions& o) { o.font = "No Such Family"; });
}

TEST(Sheet, TheNumberOfThreadsChangesNoPixel)
{
    const Folder folder;
    std::vector<SheetItem> items;
    for (int i = 0; i < 7; ++i)
        items.push_back(
            item(quarters(folder.path("q" + std::to_string(i) + ".jpg"), 200 + 10 * i, 150)));
    std::string first;
    for (const int threads : {1, 2, 5}) {
        SheetOptions options;
        options.threads = threads;
        write_sheet(items, folder.path("s.bmp"), options);
        const std::string bytes = base::read_file(folder.path("s.bmp"));
        if (first.empty())
            first = bytes;
        EXPECT_TRUE(bytes == first) << threads;
    }
}

TEST(Sheet, SeveralAtOnceAreTheSameAsOneByOne)
{
    const Folder folder;
    const std::vector<SheetItem> a(3, item(quarters(folder.path("a.jpg"), 200, 100)));
    const std::vector<SheetItem> b(2, item(flat(folder.path("b.png"), 90, 160, 0, 0, 1)));
    write_sheet(a, folder.path("1.bmp"), {});
    write_sheet(b, folder.path("2.bmp"), {});
    write_sheets({{a, folder.path("3.bmp")}, {b, folder.path("4.bmp")}}, {});
    EXPECT_EQ(base::read_file(folder.path("1.bmp")), base::read_file(folder.path("3.bmp")));
    EXPECT_EQ(base::read_file(folder.path("2.bmp")), base::read_file(folder.path("4.bmp")));
}

TEST(SheetItems, ReferencesComeFirstAndFramesInOrder)
{
    const Folder folder;
    const std::vector<SheetItem> items = sheet_items(sample_set(folder, 3));
    ASSERT_EQ(items.size(), 4u);
    EXPECT_EQ(items[0].kind, SheetItem::Kind::reference);
    EXPECT_EQ(items[0].fields.at("file"), "plate.png");
    EXPECT_EQ(items[0].space, "ACEScg");
    for (int i = 1; i <= 3; ++i)
        EXPECT_EQ(items[size_t(i)].fields.at("frame"), std::to_string(i));
    EXPECT_EQ(items[1].fields.at("prompt"), "a lantern in fog");
    const std::string path = folder.path("sheet.png");
    SheetOptions options;
    options.layout = "4x1";
    options.cell_width = 160;
    options.cell_height = 120;
    write_sheet(items, path, options);
    // The mark lies under the reference, and covers none of it.
    const base::Json box = layout_of(path)["cells"][0]["box"];
    const Rgb mark = pixel(path, int(box[0]) + 80, int(box[1]) + 122);
    EXPECT_GT(mark.r, 200);
    EXPECT_LT(mark.b, 100);
    // Blue as the view shows ACEScg's, since that is what the reference was prepared from.
    const Rgb corner = pixel(path, int(box[0]) + 40, int(box[1]) + 118);
    EXPECT_GT(corner.b, 100);
    EXPECT_GT(corner.b, corner.r + 40);
}

TEST(SheetItems, TakesAreRowsAndShareTheirReferences)
{
    const Folder folder;
    StoredSet refused = sample_set(folder, 0, 3);
    refused.state = JobState::refused;
    refused.message = "content policy";
    const std::vector<SheetItem> items = sheet_items(
        std::vector<StoredSet> {sample_set(folder, 2, 1), sample_set(folder, 3, 2), refused});
    ASSERT_EQ(items.size(), 1u + 2 + 3 + 1);
    EXPECT_EQ(items.back().kind, SheetItem::Kind::failure);
    EXPECT_EQ(items.back().message, "content policy");
    EXPECT_EQ(items.back().fields.at("kind"), "refused");
    const std::string path = folder.path("sheet.png");
    write_sheet(items, path, {});
    const base::Json cells = layout_of(path)["cells"];
    EXPECT_EQ(cells[0]["box"][1] < cells[1]["box"][1], true); // the reference has a row of its own
    EXPECT_EQ(cells[1]["box"][1], cells[2]["box"][1]);
    EXPECT_EQ(cells[2]["box"][1] < cells[3]["box"][1], true);
    EXPECT_EQ(cells[3]["box"][0], cells[1]["box"][0]);
    EXPECT_EQ(cells[6]["failed"], true);
}

TEST(SheetItems, FilesSequencesAndFolders)
{
    const Folder folder;
    for (const char* name : {"a.0001.png", "a.0003.png", "a.0002.png", "b.png"})
        flat(folder.path(name), 8, 8, 1, 0, 0);
    base::write_file_atomic(folder.path("notes.txt"), "no picture");
    std::vector<std::string> names;
    for (const SheetItem& found : file_items({folder.path("a.#.png")}))
        names.push_back(found.fields.at("file"));
    EXPECT_THAT(names, ElementsAre("a.0001.png", "a.0002.png", "a.0003.png"));
    EXPECT_EQ(file_items({folder.path("a.%04d.png")}).size(), 3u);
    EXPECT_EQ(file_items({folder.path("")}).size(), 4u);
    EXPECT_THROW(file_items({folder.path("c.#.png")}), ReferenceError);
    EXPECT_THROW(file_items({folder.path("c.png")}), ReferenceError);
}

TEST(SheetItems, ASheetsNameCanComeFromItsItems)
{
    SheetItem one;
    one.fields = {{"folder", "shot/010"}, {"take", "2"}};
    EXPECT_EQ(sheet_name("out/{folder}_{take}.jpg", one), "out/shot_010_2.jpg");
    EXPECT_EQ(sheet_name("out/all.jpg", one), "out/all.jpg");
    EXPECT_THROW(sheet_name("{fodler}.jpg", one), UsageError);
}

TEST(SheetItems, AUrlIsNotFetched)
{
    const Folder folder;
    StoredSet set = sample_set(folder, 1);
    set.references[0].source = "https://user:secret@example.com/a.png?token=abc";
    set.references[0].id = "url:" + set.references[0].source;
    const std::vector<SheetItem> items = sheet_items(set);
    EXPECT_TRUE(items[0].path.empty());
    EXPECT_EQ(items[0].fields.at("name").find("secret"), std::string::npos);
    EXPECT_EQ(items[0].fields.at("name").find("abc"), std::string::npos);
}

TEST(Sheet, RealPictures)
{
    if (test_data("StillLife.exr").empty())
        GTEST_SKIP() << "the folder of real images is not there";
    const Folder folder;
    std::vector<SheetItem> items;
    for (const char* name : {"StillLife.exr", "CandleGlass.exr", "Desk.exr", "WideColorGamut.exr",
                             "display-window.exr", "tahoe-gps.jpg"})
        items.push_back(item(test_data(name)));
    const std::string path = folder.path("real.png");
    write_sheet(items, path, {});
    const base::Json layout = layout_of(path);
    EXPECT_EQ(layout["cells"].size(), 6u);
    for (const base::Json& cell : layout["cells"])
        EXPECT_FALSE(cell.contains("failed")) << cell;
}
