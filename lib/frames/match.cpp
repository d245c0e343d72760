#include "frames/match.h"

#include "base/encoding.h"
#include "base/file.h"
#include "color/transform.h"
#include "frames/place.h"
#include "frames/rows.h"

#include <klio/error.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

namespace klio::frames {

namespace {

constexpr int grid_side = 64;
constexpr double sigma = 4; // cells
constexpr float max_gain = 4;

// Averages over cells: three channels, and how much of a cell is known.
struct Grid {
    int width = 0;
    int height = 0;
    std::vector<std::array<float, 4>> cells;
    std::array<float, 4>& at(int x, int y) { return cells[size_t(y) * size_t(width) + size_t(x)]; }
    const std::array<float, 4>& at(int x, int y) const
    {
        return cells[size_t(y) * size_t(width) + size_t(x)];
    }
};

Grid make_grid(int width, int height)
{
    const int longer = std::max(width, height);
    Grid grid;
    grid.width = std::clamp(int(std::lround(double(grid_side) * width / longer)), 1, width);
    grid.height = std::clamp(int(std::lround(double(grid_side) * height / longer)), 1, height);
    grid.cells.resize(size_t(grid.width) * size_t(grid.height));
    return grid;
}

// The mean of the pixels whose centres lie in `rect`; the nearest one where it is smaller than a
// pixel.
std::array<float, 4> mean(const OIIO::ImageBuf& image, const Rect& rect, float limit)
{
    const OIIO::ImageSpec& spec = image.spec();
    const auto range = [](double start, double length, int begin, int end, int& from, int& to) {
        from = int(std::ceil(start - 0.5));
        to = int(std::ceil(start + length - 0.5));
        if (from >= to) {
            from = int(std::floor(start + length / 2));
            to = from + 1;
        }
        from = std::max(from, begin);
        to = std::min(to, end);
    };
    int x0 = 0, x1 = 0, y0 = 0, y1 = 0;
    range(rect.x, rect.width, spec.x, spec.x + spec.width, x0, x1);
    range(rect.y, rect.height, spec.y, spec.y + spec.height, y0, y1);
    std::array<double, 3> sum {};
    double count = 0;
    const int colors = std::min(spec.nchannels, 3);
    for (int y = y0; y < y1; ++y) {
        const auto* pixel = static_cast<const float*>(image.pixeladdr(x0, y));
        for (int x = x0; x < x1; ++x, pixel += spec.nchannels, ++count)
            for (int c = 0; c < 3; ++c) {
                const float value = pixel[colors == 3 ? c : 0];
                sum[size_t(c)] += std::isfinite(value) ? std::clamp(value, 0.0F, limit) : 0.0F;
            }
    }
    if (count <= 0)
        return {};
    return {float(sum[0] / count), float(sum[1] / count), float(sum[2] / count), 1};
}

void fill(Grid& grid, const OIIO::ImageBuf& image, const Rect& where, float limit, int orientation,
          double width, double height)
{
    for (int y = 0; y < grid.height; ++y)
        for (int x = 0; x < grid.width; ++x) {
            const Rect cell {where.x + where.width * x / grid.width,
                             where.y + where.height * y / grid.height, where.width / grid.width,
                             where.height / grid.height};
            Rect stored = to_stored(orientation, width, height, cell);
            stored.x += image.spec().full_x;
            stored.y += image.spec().full_y;
            grid.at(x, y) = mean(image, stored, limit);
        }
}

// Gaussian, normalized by what is known; a separable pass along one axis.
void blur_pass(Grid& grid, bool across)
{
    const Grid source = grid;
    const int reach = int(3 * sigma);
    for (int y = 0; y < grid.height; ++y)
        for (int x = 0; x < grid.width; ++x) {
            std::array<double, 4> sum {};
            double total = 0;
            for (int d = -reach; d <= reach; ++d) {
                const int sx = across ? x + d : x;
                const int sy = across ? y : y + d;
                if (sx < 0 || sy < 0 || sx >= grid.width || sy >= grid.height)
                    continue;
                const double weight = std::exp(-0.5 * d * d / (sigma * sigma));
                total += weight;
                for (size_t c = 0; c < 4; ++c)
                    sum[c] += weight * source.at(sx, sy)[c];
            }
            for (size_t c = 0; c < 4; ++c)
                grid.at(x, y)[c] = float(sum[c] / total);
        }
}

void blur(Grid& grid)
{
    blur_pass(grid, true);
    blur_pass(grid, false);
}

std::string reference_file(const StoredSet& set, const FrameOptions& options)
{
    if (!options.conform.empty())
        return options.conform;
    if (set.references.empty())
        throw ReferenceError("match color: the job has no reference to match to");
    if (base::is_url(set.references[0].source))
        throw ReferenceError("match color: the first reference is a URL; give its plate with "
                             "--conform, or leave out --match");
    return set.references[0].source;
}

OIIO::ImageBuf read_reference(const std::string& path)
{
    OIIO::ImageBuf image(path);
    if (!image.read(0, 0, true, OIIO::TypeDesc::FLOAT)) {
        std::string reason = image.geterror();
        std::replace(reason.begin(), reason.end(), '\n', ' ');
        throw ReferenceError("match color: " + path + " can't be read (" + reason + ")");
    }
    return image;
}

// From the reference's own space to the one that the frame is in, on the few cells of the grid: by
// the texture policy there and back, which loses nothing as long as nobody rounds in between.
void to_space(Grid& grid, const PrepareRecord* record, const std::string& space)
{
    if (!record || record->color.source_space == space)
        return;
    ColorRecord texture;
    texture.source_space = record->color.source_space;
    std::vector<float> pixels;
    for (const auto& cell : grid.cells)
        pixels.insert(pixels.end(), cell.begin(), cell.begin() + 3);
    color::there(texture).apply(pixels.data(), grid.cells.size(), 3);
    if (space != srgb_space)
        color::back(texture, space).apply(pixels.data(), grid.cells.size(), 3);
    for (size_t i = 0; i < grid.cells.size(); ++i)
        for (size_t c = 0; c < 3; ++c)
            grid.cells[i][c] = std::max(pixels[i * 3 + c], 0.0F);
}

} // namespace

void check_match(const std::string& match)
{
    if (!match.empty() && match != "color")
        throw UsageError("match '" + match + "': the only kind there is is color");
}

std::string match_method()
{
    return "color: low-pass ratio, grid 64, sigma 4, within 2 stops";
}

void match_color(OIIO::ImageBuf& image, const StoredSet& set, const PrepareRecord* record,
                 const WayBack& back, const FrameOptions& options)
{
    const std::string path = reference_file(set, options);
    const int width = image.spec().width;
    const int height = image.spec().height;
    const int channels = image.spec().nchannels;
    // No frame can hold more than this, each in its own space.
    const float peak = brightest(back);
    const float plate_peak = record ? brightest(way_back(&record->color, {})) : peak;

    const Placement place = conform_placement(width, height, record, path);
    const OIIO::ImageBuf plate = read_reference(path);
    Grid wanted = make_grid(width, height);
    Grid given = wanted;
    fill(wanted, plate, place.upright, plate_peak, place.orientation, plate.spec().full_width,
         plate.spec().full_height);
    to_space(wanted, record, back.space);
    fill(given, image, {0, 0, double(width), double(height)}, peak, 1, width, height);
    // Only what both know is compared, so that the plate's border does not darken the rest.
    for (size_t i = 0; i < given.cells.size(); ++i)
        for (size_t c = 0; c < 4; ++c)
            given.cells[i][c] *= wanted.cells[i][3];
    blur(wanted);
    blur(given);

    // A floor, a hundredth of the mean, keeps the ratio of two nearly black cells near 1.
    float floor_value = 1e-6F;
    for (const auto& cell : wanted.cells)
        floor_value += 0.01F * (cell[0] + cell[1] + cell[2]) / 3 / float(wanted.cells.size());
    Grid gain = given;
    for (size_t i = 0; i < gain.cells.size(); ++i) {
        const float known = std::max(given.cells[i][3], 1e-6F);
        for (size_t c = 0; c < 3; ++c) {
            const float ratio = (wanted.cells[i][c] / known + floor_value)
                / (given.cells[i][c] / known + floor_value);
            gain.cells[i][c] = std::clamp(ratio, 1 / max_gain, max_gain);
        }
    }
    parallel_rows(height, options.threads, [&](int begin, int end) {
        for (int y = begin; y < end; ++y) {
            const float gy = (float(y) + 0.5F) * float(gain.height) / float(height) - 0.5F;
            const int y0 = std::clamp(int(std::floor(gy)), 0, gain.height - 1);
            const int y1 = std::min(y0 + 1, gain.height - 1);
            const float fy = std::clamp(gy - float(y0), 0.0F, 1.0F);
            auto* pixel = static_cast<float*>(image.pixeladdr(0, y));
            for (int x = 0; x < width; ++x, pixel += channels) {
                const float gx = (float(x) + 0.5F) * float(gain.width) / float(width) - 0.5F;
                const int x0 = std::clamp(int(std::floor(gx)), 0, gain.width - 1);
                const int x1 = std::min(x0 + 1, gain.width - 1);
                const float fx = std::clamp(gx - float(x0), 0.0F, 1.0F);
                for (size_t c = 0; c < 3; ++c) {
                    const float top = gain.at(x0, y0)[c] * (1 - fx) + gain.at(x1, y0)[c] * fx;
                    const float bottom = gain.at(x0, y1)[c] * (1 - fx) + gain.at(x1, y1)[c] * fx;
                    pixel[c] *= top * (1 - fy) + bottom * fy;
                }
            }
        }
    });
}

} // namespace klio::frames
