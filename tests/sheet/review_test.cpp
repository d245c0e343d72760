#include "base/file.h"
#include "pictures_support.h"
#include "sheet/html.h"

#include <klio/error.h>
#include <klio/review.h>

#include <OpenImageIO/imagebufalgo.h>

#include <gmock/gmock.h>

#include <cstdlib>

using namespace klio;
using ::testing::HasSubstr;
using ::testing::Not;

namespace {

std::string page_of(const Folder& folder, const std::vector<ReviewSet>& sets,
                    const ReviewOptions& options = {})
{
    const std::string path = folder.path("page.html");
    write_review(sets, path, options);
    return base::read_file(path);
}

size_t count(const std::string& text, const std::string& part)
{
    size_t found = 0;
    for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1))
        ++found;
    return found;
}

} // namespace

TEST(Html, EscapesWhatWouldEndATextOrAnAttribute)
{
    EXPECT_EQ(sheet::html_text("<b a='1' c=\"2\">&</b>"),
              "&lt;b a=&#39;1&#39; c=&quot;2&quot;&gt;&amp;&lt;/b&gt;");
    EXPECT_EQ(sheet::html_text("灯"), "灯");
    EXPECT_EQ(sheet::html_text(std::string("a\0b\x1B\xFF", 5)), "a\uFFFDb\uFFFD\uFFFD");
}

TEST(Review, HasEveryFrameAndReferenceOnceAndLoadsNothing)
{
    const Folder folder;
    const std::string page = page_of(
        folder, {{sample_set(folder, 2, 1), "", "", {}}, {sample_set(folder, 3, 2), "", "", {}}});
    EXPECT_EQ(count(page, "data:image/jpeg;base64,"), 6u); // the plate is shared by both takes
    EXPECT_EQ(count(page, "class=\"frame\""), 5u);
    EXPECT_EQ(count(page, "class=\"reference\" aria-pressed"), 1u);
    EXPECT_EQ(count(page, "http"), count(page, "http-equiv") + count(page, "https://apiin.one"));
    EXPECT_THAT(page, HasSubstr("Content-Security-Policy"));
    EXPECT_THAT(page, HasSubstr("default-src 'none'"));
    EXPECT_THAT(page, HasSubstr("data-crop=\"0,30,320,180\""));
    EXPECT_THAT(page, HasSubstr("at least 12 credits"));
    EXPECT_THAT(page, HasSubstr("ACEScg"));
}

TEST(Review, ShowsHostileTextAndDoesNotRunIt)
{
    const Folder folder;
    StoredSet set = sample_set(folder, 1);
    const std::string hostile = "</script><script>alert(1)</script><img src=x onerror='alert(2)'>";
    set.request.prompt = hostile;
    set.message = hostile;
    set.task_id = hostile;
    set.references[0].id = hostile;
    set.request.model = hostile;
    set.warnings = {hostile};
    const std::string page
        = page_of(folder, {{set, hostile, hostile, {folder.path("\"><script>.exr")}}});
    EXPECT_EQ(count(page, "<script>"), 1u);
    EXPECT_EQ(count(page, "</script>"), 1u);
    EXPECT_THAT(page, Not(HasSubstr("<img src=x")));
    EXPECT_THAT(page, HasSubstr("&lt;/script&gt;&lt;script&gt;alert(1)"));
}

TEST(Review, MarksAFailedTakeWithItsReason)
{
    const Folder folder;
    StoredSet set = sample_set(folder, 0);
    set.state = JobState::refused;
    set.message = "prompt breaks the content policy";
    const std::string page = page_of(folder, {{set, "", "", {}}});
    EXPECT_THAT(page, HasSubstr("<b>refused</b>"));
    EXPECT_THAT(page, HasSubstr("prompt breaks the content policy"));
}

TEST(Review, MarksAFrameThatCantBeRead)
{
    const Folder folder;
    StoredSet set = sample_set(folder, 2);
    const std::string bytes = base::read_file(set.frames[0].path);
    base::write_file_atomic(set.frames[0].path, bytes.substr(0, bytes.size() / 2));
    const std::string page = page_of(folder, {{set, "", "", {}}});
    EXPECT_EQ(count(page, "class=\"frame\""), 1u);
    EXPECT_THAT(page, HasSubstr("is damaged"));
}

TEST(Review, StaysWithinItsBytes)
{
    const Folder folder;
    StoredSet set = sample_set(folder, 0);
    // Noise is the worst that a JPEG can be asked for.
    const std::string noise = folder.path("noise.png");
    OIIO::ImageBuf image(OIIO::ImageSpec(1200, 800, 3, OIIO::TypeUInt8));
    OIIO::ImageBufAlgo::noise(image, "white", 0.0f, 1.0f, false, 7);
    image.write(noise);
    for (int i = 1; i <= 9; ++i) {
        StoredFrame frame;
        frame.index = i;
        frame.path = noise;
        frame.width = 1200;
        frame.height = 800;
        set.frames.push_back(frame);
    }
    ReviewOptions options;
    options.bytes = 1'200'000;
    EXPECT_LT(page_of(folder, {{set, "", "", {}}}, options).size(), 1'200'000u);
}

TEST(Review, KeepsAFileThatIsThereUnlessForced)
{
    const Folder folder;
    base::write_file_atomic(folder.path("page.html"), "mine");
    ReviewOptions options;
    options.force = false;
    EXPECT_THROW(page_of(folder, {{sample_set(folder, 1), "", "", {}}}, options), OutputError);
    EXPECT_EQ(base::read_file(folder.path("page.html")), "mine");
}

// The page that the browser's test clicks through, where it asks for one.
TEST(Review, SamplePage)
{
    const char* path = std::getenv("KLIO_REVIEW_PAGE");
    if (!path)
        GTEST_SKIP() << "the browser's test sets KLIO_REVIEW_PAGE";
    const Folder folder;
    std::vector<ReviewSet> sets;
    for (int take = 1; take <= 2; ++take) {
        ReviewSet review;
        review.set = sample_set(folder, 3, take);
        review.set.request.prompt = "<b onclick='alert(1)'>a lantern</b> & fog\n</script><script>"
                                    "document.title='run'</script> 灯笼 مصباح";
        review.command = "klio generate shot.kling --take " + std::to_string(take);
        review.files = {"out/shot.0001.exr"};
        sets.push_back(review);
    }
    ReviewSet refused;
    refused.set = sample_set(folder, 0, 3);
    refused.set.state = JobState::refused;
    refused.set.message = "the content policy does not allow it";
    sets.push_back(refused);
    write_review(sets, path, {});
}
