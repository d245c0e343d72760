#include <klio/local.h>

#include "base/encoding.h"
#include "base/json.h"
#include "base/sha256.h"
#include "local/letter.h"
#include "local/picture.h"
#include "local/preview.h"
#include "local/scene.h"
#include "request/model.h"

#include <klio/error.h>
#include <klio/request.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <future>
#include <thread>

namespace klio::local {

using base::Json;

namespace {

constexpr Color amber {255, 190, 40};
constexpr Color ink {14, 15, 18};
constexpr Color paper {240, 241, 244};
constexpr Color faint {168, 172, 182};

// Diagonal stripes say "not the real thing" even where a thumbnail's words can't be read.
void hazard_stripes(Picture& picture, int y, int height)
{
    const int period = std::max(2, height * 3);
    for (int row = std::max(y, 0); row < std::min(y + height, picture.height); ++row)
        for (int x = 0; x < picture.width; ++x) {
            const Color color = (x + row) % period < period / 2 ? amber : ink;
            uint8_t* pixel = picture.at(x, row);
            pixel[0] = color.r;
            pixel[1] = color.g;
            pixel[2] = color.b;
        }
}

void draw_slate(Picture& picture, const std::string& prompt, const std::string& count,
                const std::string& shot)
{
    const std::string between = " · ";
    const int unit = std::max(8, int(std::sqrt(double(picture.width) * picture.height) / 34));
    const int margin = unit;
    const int room = picture.width - 2 * margin;
    const std::string headline = preview_mark;
    const std::string place = count + between + shot;
    const Lettering small(unit * 17 / 20, false);
    const Lettering counter(unit, true);
    const int counter_width = counter.width(place);
    // The count stands beside the headline where both can be read, else on a line of its own. The
    // widest framing's name decides, so that all slates of a set look alike.
    const int widest = counter.width(count + between + "medium");
    Lettering title
        = fitting_lettering(headline, unit * 5 / 4, true, room - widest - 3 * margin / 2);
    const bool beside = title.line_height() >= Lettering(unit * 9 / 10, true).line_height();
    if (!beside)
        title = fitting_lettering(headline, unit * 5 / 4, true, room);
    const std::vector<std::string> lines = small.wrap(prompt, room, 2);
    const int stripe = std::max(4, unit * 2 / 5);
    int height = stripe + unit / 2 + title.line_height() + int(lines.size()) * small.line_height()
        + unit / 2;
    if (!beside)
        height += counter.line_height();
    int y = picture.height - height;
    fill(picture, 0, y, picture.width, height, ink, 0.82);
    hazard_stripes(picture, y, stripe);
    hazard_stripes(picture, 0, stripe);
    y += stripe + unit / 2;
    title.draw(picture, margin, y, headline, amber);
    if (beside)
        counter.draw(picture, picture.width - margin - counter_width, y, place, paper);
    y += title.line_height();
    if (!beside) {
        counter.draw(picture, margin, y, place, paper);
        y += counter.line_height();
    }
    for (const std::string& line : lines) {
        small.draw(picture, margin, y, line, faint);
        y += small.line_height();
    }
}

// With several references all of them are seen on every frame: a strip in the upper right corner.
void draw_strip(Picture& picture, const std::vector<Picture>& references, size_t subject,
                const CancelToken& stop)
{
    const int gap = std::max(4, picture.height / 120);
    double widths = 0; // in units of the strip's height
    for (const Picture& reference : references)
        widths += double(reference.width) / reference.height;
    const int most = picture.width * 9 / 20 - gap * int(references.size() + 1);
    const int height = std::max(24, std::min(picture.height / 8, int(most / widths)));
    int x = picture.width - gap;
    for (size_t i = references.size(); i-- > 0;) {
        const Picture& reference = references[i];
        const int width = std::max(8, height * reference.width / reference.height);
        x -= width + gap;
        const int y = 3 * gap;
        const int border = std::max(2, gap / 2);
        fill(picture, x - border, y - border, width + 2 * border, height + 2 * border,
             i == subject ? amber : paper);
        paste(picture,
              resample(reference, {0, 0, double(reference.width), double(reference.height)}, width,
                       height, stop),
              x, y);
    }
}

std::string text_field(const Json& body, const char* name, const std::string& fallback)
{
    const auto found = body.find(name);
    return found != body.end() && found->is_string() ? found->get<std::string>() : fallback;
}

// Control characters and invalid UTF-8 would confuse the renderer.
std::string printable(const std::string& prompt)
{
    std::string text;
    for (const char c : prompt)
        text += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? ' ' : c;
    return base::utf8_valid(text) ? text : std::string("(prompt is no valid UTF-8)");
}

uint64_t seed_of(const std::string& text)
{
    base::Sha256 sha;
    sha.update(text);
    const base::Digest digest = sha.digest();
    uint64_t seed = 0;
    for (size_t i = 0; i < 8; ++i)
        seed = seed << 8 | digest[i];
    return seed;
}

} // namespace

std::vector<std::string> render_preview(const std::string& request_body,
                                        const std::vector<std::string>& references,
                                        const PreviewOptions& options)
{
    Json body;
    base::JsonError error;
    if (!base::parse_json(request_body, body, error) || !body.is_object())
        throw UsageError("preview: the request's body is no JSON object");
    std::vector<Picture> pictures;
    for (const std::string& bytes : references) {
        options.stop.check("rendering");
        Picture picture;
        if (!decode_picture(bytes, picture))
            throw ReferenceError("preview: reference " + std::to_string(pictures.size() + 1)
                                 + " can't be decoded");
        pictures.push_back(std::move(picture));
    }
    const std::string resolution = text_field(body, "resolution", "1k");
    std::string ratio = text_field(body, "aspect_ratio", "1:1");
    if (ratio == "auto")
        ratio = pictures.empty()
            ? "1:1"
            : nearest_aspect_ratio(pictures[0].width, pictures[0].height, resolution);
    Size size = output_size(ratio, resolution);
    if (size.width == 0)
        size = output_size("1:1", "1k");
    const auto count_field = body.find("num_images");
    const int asked = count_field != body.end() && count_field->is_number_integer()
        ? int(std::clamp<int64_t>(count_field->get<int64_t>(), 1, kling::max_images))
        : 1;
    const int count = std::max(0, asked + options.extra);
    const std::string prompt = printable(text_field(body, "prompt", ""));
    const uint64_t seed = seed_of(prompt);

    const auto render = [&](int index) {
        const Framing& shot = framing(index);
        const size_t subject = pictures.empty() ? 0 : size_t(index) % pictures.size();
        Picture frame = pictures.empty()
            ? landscape(seed, shot, size.width, size.height, options.stop)
            : frame_reference(pictures[subject], shot, size.width, size.height, options.stop);
        if (pictures.size() > 1)
            draw_strip(frame, pictures, subject, options.stop);
        const std::string place
            = "frame " + std::to_string(index + 1) + " of " + std::to_string(asked);
        draw_slate(frame, prompt, place, shot.name);
        options.stop.check("rendering");
        return encode_picture(frame,
                              {{"Software", "klio local preview"},
                               {"Comment", std::string(preview_mark) + "; " + place},
                               {"ImageDescription", preview_mark}},
                              options.format);
    };
    std::vector<std::string> frames(static_cast<size_t>(count));
    std::atomic<int> next {0};
    const auto work = [&] {
        for (int i = next++; i < count; i = next++)
            frames[size_t(i)] = render(i);
    };
    const unsigned threads = std::clamp(std::thread::hardware_concurrency(), 1u, 4u);
    std::vector<std::future<void>> others;
    for (unsigned i = 1; i < std::min(threads, unsigned(std::max(count, 1))); ++i)
        others.push_back(std::async(std::launch::async, work));
    work();
    for (std::future<void>& other : others)
        other.get();
    return frames;
}

} // namespace klio::local

namespace klio {

std::vector<std::string> preview_frames(const std::string& request_body,
                                        const std::vector<std::string>& references)
{
    return local::render_preview(request_body, references, {});
}

} // namespace klio
