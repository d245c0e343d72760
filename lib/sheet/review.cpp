#include "base/encoding.h"
#include "base/file.h"
#include "base/secret.h"
#include "base/sha256.h"
#include "sheet/html.h"
#include "sheet/page_file.h"
#include "sheet/plan.h"
#include "sheet/preview.h"
#include "sheet/review_assets.h"
#include "sheet/review_facts.h"
#include "sheet/text.h"

#include <klio/error.h>
#include <klio/record.h>
#include <klio/review.h>

#include <algorithm>
#include <map>
#include <unistd.h>

namespace klio {

namespace {

using namespace sheet;

/// A reference once, however many takes share it.
struct PageReference {
    const StoredReference* stored;
    std::string label;
    PrepareRecord record;
    bool has_record = false;
    size_t preview = 0;
};

std::string image(const Preview& preview, const std::string& alt)
{
    return "<img alt=\"" + html_text(alt) + "\" width=\"" + std::to_string(preview.width)
        + "\" height=\"" + std::to_string(preview.height) + "\" src=\"data:image/jpeg;base64,"
        + base::base64(preview.jpeg.data(), preview.jpeg.size()) + "\">";
}

std::string source_hash(const char* text)
{
    base::Sha256 sha;
    sha.update(std::string_view(text));
    const base::Digest digest = sha.digest();
    return "'sha256-" + base::base64(digest.data(), digest.size()) + "'";
}

/// The page under construction.
class Page {
public:
    Page(const std::vector<ReviewSet>& sets, const ReviewOptions& options)
        : m_sets(sets), m_options(options)
    {
        collect_references();
        collect_frames();
    }

    const std::vector<PreviewSource>& sources() const { return m_sources; }
    std::string html(const std::vector<Preview>& previews) const;

private:
    void collect_references();
    void collect_frames();
    std::string title() const;
    std::string summary() const;
    std::string references_html(const std::vector<Preview>& previews) const;
    std::string take_html(size_t set, const std::vector<Preview>& previews) const;

    const std::vector<ReviewSet>& m_sets;
    const ReviewOptions& m_options;
    std::vector<PageReference> m_references;
    std::vector<PreviewSource> m_sources;
    std::vector<size_t> m_first_frame; ///< each set's first preview
};

void Page::collect_references()
{
    std::map<std::string, bool> seen;
    for (const ReviewSet& review : m_sets)
        for (const StoredReference& stored : review.set.references) {
            if (!seen.emplace(stored.id.empty() ? stored.source : stored.id, true).second)
                continue;
            PageReference reference;
            reference.stored = &stored;
            reference.preview = m_sources.size();
            PreviewSource source;
            if (base::is_url(stored.source)) {
                reference.label = base::mask_url(stored.source);
                source.problem = "passed to the service by its URL, and not fetched for this page";
            } else {
                reference.label = base::file_name(stored.source);
                source.path = stored.source;
            }
            if (!stored.record.empty()) {
                try {
                    reference.record = prepare_record_from_json(stored.record);
                    reference.has_record = true;
                    source.record = stored.record;
                } catch (const UsageError&) {
                    // A record of a later version: the picture is still worth showing as it is.
                }
            }
            m_references.push_back(reference);
            m_sources.push_back(source);
        }
}

void Page::collect_frames()
{
    for (const ReviewSet& review : m_sets) {
        m_first_frame.push_back(m_sources.size());
        for (const StoredFrame& frame : review.set.frames)
            m_sources.push_back({frame.path, {}, {}});
    }
}

std::string Page::title() const
{
    if (!m_options.title.empty())
        return m_options.title;
    return m_sets.empty() ? "Review" : cut(m_sets.front().set.request.prompt, 120);
}

std::string Page::summary() const
{
    size_t frames = 0;
    int credits = 0;
    bool known = true;
    for (const ReviewSet& review : m_sets) {
        frames += review.set.frames.size();
        known = known && (review.set.price_known || review.set.endpoint == local_endpoint);
        if (review.set.endpoint == local_endpoint)
            continue;
        if (review.set.state == JobState::succeeded || review.set.state == JobState::unknown)
            credits += review.set.credits_at_least;
    }
    const auto count = [](size_t n, const std::string& what) {
        return std::to_string(n) + " " + what + (n == 1 ? "" : "s");
    };
    std::string text = count(m_sets.size(), "take") + " · " + count(frames, "frame") + " · "
        + count(m_references.size(), "reference");
    if (known && credits > 0)
        text += " · at least " + std::to_string(credits) + " credits";
    if (!m_sets.empty())
        text += " · " + m_sets.front().set.request.model;
    return text;
}

std::string Page::references_html(const std::vector<Preview>& previews) const
{
    if (m_references.empty())
        return {};
    std::string html = "<section class=\"strip\" aria-labelledby=\"references\">\n"
                       "<div class=\"head\"><h2 id=\"references\">References</h2><p class=\"note\">"
                       "as the model was shown them</p></div>\n<ul class=\"thumbs\">\n";
    int at = 0;
    for (const PageReference& reference : m_references) {
        const Preview& preview = previews[reference.preview];
        const std::string title = "Reference " + std::to_string(++at);
        const std::string text = "<span><b>" + title + "</b> <small><bdi>"
            + html_text(reference.label) + "</bdi></small></span>";
        if (preview.jpeg.empty()) {
            html += "<li class=\"failed reference\">" + text + "<p>" + html_text(preview.problem)
                + "</p></li>\n";
            continue;
        }
        const PrepareRecord& r = reference.record;
        const bool placed = reference.has_record && r.crop_width > 0 && r.crop_height > 0;
        // In square pixels, so that the page need not know of any others.
        const double wide = r.pixel_aspect > 0 ? r.pixel_aspect : 1;
        std::string size = number_text(preview.width) + "," + number_text(preview.height);
        std::string crop = "0,0," + size;
        if (placed) {
            size = number_text(r.source_width * wide) + "," + number_text(r.source_height);
            crop = number_text(r.crop_x * wide) + "," + number_text(r.crop_y) + ","
                + number_text(r.crop_width * wide) + "," + number_text(r.crop_height);
        }
        html
            += "<li><button type=\"button\" class=\"reference\" aria-pressed=\"false\" data-size=\""
            + size + "\" data-crop=\"" + crop + "\" data-label=\"" + html_text(reference.label)
            + "\">" + image(preview, title + ": " + reference.label) + text + "</button></li>\n";
    }
    return html + "</ul></section>\n";
}

std::string Page::take_html(size_t index, const std::vector<Preview>& previews) const
{
    const ReviewSet& review = m_sets[index];
    const StoredSet& set = review.set;
    const std::string id = "take-" + std::to_string(index + 1);
    const std::string take = "Take " + std::to_string(set.request.take);
    std::string html = "<section class=\"strip\" aria-labelledby=\"" + id
        + "\">\n<div class=\"head\"><h2 id=\"" + id + "\">" + take + "</h2><p class=\"note\">"
        + html_text(set.request.type + " · " + set.request.aspect_ratio + " · "
                    + set.request.resolution)
        + "</p></div>\n";
    if (set.frames.empty())
        html += "<div class=\"failed\" role=\"note\"><b>" + std::string(to_string(set.state))
            + "</b><p>"
            + html_text(set.message.empty() ? std::string("Nothing more is known.")
                                            : base::mask(set.message))
            + "</p></div>\n";
    html += "<ul class=\"thumbs\">\n";
    for (size_t i = 0; i < set.frames.size(); ++i) {
        const StoredFrame& frame = set.frames[i];
        const Preview& preview = previews[m_first_frame[index] + i];
        const std::string size = std::to_string(frame.width) + "×" + std::to_string(frame.height);
        const std::string file
            = i < review.files.size() ? base::file_name(review.files[i]) : std::string();
        const std::string name = take + ", frame " + std::to_string(frame.index);
        const std::string text = "<span>Frame " + std::to_string(frame.index) + " <small>"
            + html_text(size + (file.empty() ? "" : " · " + file)) + "</small></span>";
        if (preview.jpeg.empty()) {
            html += "<li class=\"failed\">" + text + "<p>" + html_text(preview.problem)
                + "</p></li>\n";
            continue;
        }
        html += "<li><button type=\"button\" class=\"frame\" aria-pressed=\"false\" data-take=\""
            + std::to_string(index) + "\" data-label=\""
            + html_text(name + (file.empty() ? "" : ", " + file)) + "\">" + image(preview, name)
            + text + "</button></li>\n";
    }
    return html + "</ul>\n" + facts_html(review, index + 1, m_sets.size() == 1) + "</section>\n";
}

const char* const viewer = R"html(<section id="stage" aria-label="Viewer" hidden>
<div class="tools bar"><div class="tools" role="group" aria-label="How to compare">
<button type="button" id="mode-frame" aria-pressed="false">Frame</button>
<button type="button" id="mode-side" aria-pressed="false">Side by side</button>
<button type="button" id="mode-slider" aria-pressed="false">Slider</button>
<label id="split-label" hidden>Reference to frame <input id="split" type="range" min="0" max="100" value="50"></label></div>
<div class="tools"><button type="button" id="previous">Previous</button>
<button type="button" id="next">Next</button></div></div>
<div id="viewer">
<div class="pane" id="pane-reference" hidden><div class="fit"><img id="big-reference" alt=""></div><div class="tag reference" id="tag-reference"></div></div>
<div class="pane" id="pane-frame"><div class="fit"><img id="big-frame" alt=""></div><div class="tag" id="tag-frame"></div></div>
<div id="overlay" hidden><div class="layer"><img id="over-plate" alt="" draggable="false"></div>
<div class="layer" id="over-clip"><img id="over-frame" alt="" draggable="false"></div><div class="seam" id="seam"></div></div>
</div>
<p id="now" role="status"></p>
</section>
)html";

const char* const help
    = R"html(<dialog id="help" aria-labelledby="help-title"><h2 id="help-title">Keys</h2><table>
<tr><td><kbd>&larr;</kbd> <kbd>&rarr;</kbd></td><td>frame before, after</td></tr>
<tr><td><kbd>&uarr;</kbd> <kbd>&darr;</kbd></td><td>take before, after</td></tr>
<tr><td><kbd>Home</kbd> <kbd>End</kbd></td><td>first, last frame</td></tr>
<tr><td><kbd>1</kbd> <kbd>2</kbd> <kbd>3</kbd></td><td>frame, side by side, slider</td></tr>
<tr><td><kbd>[</kbd> <kbd>]</kbd></td><td>move the slider</td></tr>
<tr><td><kbd>f</kbd></td><td>flip between frame and reference</td></tr>
<tr><td><kbd>t</kbd></td><td>light or dark</td></tr>
<tr><td><kbd>?</kbd></td><td>these keys</td></tr>
</table><button type="button" id="close">Close</button></dialog>
)html";

std::string Page::html(const std::vector<Preview>& previews) const
{
    const std::string name = html_text(title());
    std::string page = "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                       "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
                       "img-src data:; style-src "
        + source_hash(review_style) + "; script-src " + source_hash(review_script)
        + "; base-uri 'none'; form-action 'none'\">\n"
          "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
          "<meta name=\"referrer\" content=\"no-referrer\">\n"
          "<meta name=\"generator\" content=\"klio\">\n<title>"
        + name + "</title>\n<style>" + review_style
        + "</style>\n</head>\n<body>\n<a class=\"skip\" href=\"#takes\">Skip to the takes</a>\n"
          "<header><div><h1 dir=\"auto\">"
        + name + "</h1><p>" + html_text(summary())
        + "</p></div><div class=\"tools scripted\" hidden>"
          "<button type=\"button\" id=\"theme\" aria-pressed=\"false\">Light or dark</button>"
          "<button type=\"button\" id=\"keys\">Keys</button></div></header>\n<main>\n"
        + viewer + references_html(previews) + "<div id=\"takes\">\n";
    for (size_t i = 0; i < m_sets.size(); ++i)
        page += take_html(i, previews);
    page += "</div>\n</main>\n" + std::string(help)
        + "<div id=\"said\" role=\"status\" class=\"skip\"></div>\n<script>" + review_script
        + "</script>\n</body>\n</html>\n";
    return page;
}

} // namespace

void check_review(const std::string& path, bool force)
{
    if (!force)
        check_free(path);
    const std::string folder = base::parent_folder(path);
    base::make_folders(folder);
    if (access(folder.c_str(), W_OK) != 0)
        throw OutputError("can't write \"" + path + "\": its folder is not writable");
}

void write_review(const std::vector<ReviewSet>& sets, const std::string& path,
                  const ReviewOptions& options, const CancelToken& cancel)
{
    if (sets.empty())
        throw UsageError("there is nothing to show on the review page \"" + path + "\"");
    check_review(path, options.force);
    const Page page(sets, options);
    // Base64 makes four bytes of three; 64 KiB are for everything that is no picture.
    const size_t count = std::max<size_t>(page.sources().size(), 1);
    const uint64_t room = std::max<uint64_t>(options.bytes, 512 << 10) - (64 << 10);
    const uint64_t least = uint64_t(90) << 10; // a picture: below that nobody sees anything
    const uint64_t bytes = count > 24 ? std::max(room * 3 / 4, least * count) : room * 3 / 4;
    const std::vector<Preview> previews
        = make_previews(page.sources(), options.width, bytes, worker_count(options.threads), cancel,
                        options.progress);
    base::write_file_atomic(path, page.html(previews));
}

} // namespace klio
