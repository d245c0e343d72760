#include "local/scene.h"

#include <algorithm>
#include <cmath>

namespace klio::local {

namespace {

// Where a small grey version of the picture has the most edges, the middle preferred.
class Interest {
public:
    Interest(const Picture& reference, const CancelToken& stop)
    {
        const double scale = 96.0 / std::max(reference.width, reference.height);
        m_width = std::max(8, int(reference.width * scale));
        m_height = std::max(8, int(reference.height * scale));
        const Picture small
            = resample(reference, {0, 0, double(reference.width), double(reference.height)},
                       m_width, m_height, stop);
        m_edges.assign(size_t(m_width) * size_t(m_height), 0);
        for (int y = 1; y + 1 < m_height; ++y)
            for (int x = 1; x + 1 < m_width; ++x) {
                double energy = 0;
                for (int c = 0; c < 3; ++c)
                    energy += std::abs(small.at(x + 1, y)[c] - small.at(x - 1, y)[c])
                        + std::abs(small.at(x, y + 1)[c] - small.at(x, y - 1)[c]);
                m_edges[size_t(y) * size_t(m_width) + size_t(x)] = energy;
            }
    }

    // The middle (0..1) of the best window of that share of the picture; `turn` 1 and up: of what
    // the better windows left.
    void find(double share_x, double share_y, int turn, double& at_x, double& at_y)
    {
        std::vector<double> edges = m_edges;
        for (int i = 0; i <= turn; ++i) {
            best_window(edges, share_x, share_y, at_x, at_y);
            const int left = int((at_x - share_x / 3) * m_width);
            const int right = int((at_x + share_x / 3) * m_width);
            for (int y = 0; y < m_height; ++y)
                for (int x = std::max(left, 0); x < std::min(right, m_width); ++x)
                    edges[size_t(y) * size_t(m_width) + size_t(x)] *= 0.25;
        }
    }

private:
    void best_window(const std::vector<double>& edges, double share_x, double share_y, double& at_x,
                     double& at_y) const
    {
        const size_t stride = size_t(m_width) + 1;
        std::vector<double> sums(stride * (size_t(m_height) + 1), 0);
        for (size_t y = 0; y < size_t(m_height); ++y)
            for (size_t x = 0; x < size_t(m_width); ++x)
                sums[(y + 1) * stride + x + 1] = edges[y * size_t(m_width) + x]
                    + sums[y * stride + x + 1] + sums[(y + 1) * stride + x] - sums[y * stride + x];
        const int w = std::clamp(int(share_x * m_width), 1, m_width);
        const int h = std::clamp(int(share_y * m_height), 1, m_height);
        double best = -1;
        for (int y = 0; y + h <= m_height; ++y)
            for (int x = 0; x + w <= m_width; ++x) {
                const auto sum = [&](int column, int row) {
                    return sums[size_t(row) * stride + size_t(column)];
                };
                const double middle_x = (x + w / 2.0) / m_width;
                const double middle_y = (y + h / 2.0) / m_height;
                const double off = std::hypot(middle_x - 0.5, middle_y - 0.48);
                const double value = (sum(x + w, y + h) - sum(x, y + h) - sum(x + w, y) + sum(x, y))
                    * (1 - 0.6 * off);
                if (value > best) {
                    best = value;
                    at_x = middle_x;
                    at_y = middle_y;
                }
            }
    }

    int m_width = 0;
    int m_height = 0;
    std::vector<double> m_edges;
};

// The largest window of the frame's ratio.
Window cover(const Picture& reference, int width, int height)
{
    const double ratio = double(width) / height;
    Window window;
    window.width = std::min(double(reference.width), reference.height * ratio);
    window.height = window.width / ratio;
    window.x = (reference.width - window.width) / 2;
    window.y = (reference.height - window.height) / 2;
    return window;
}

// The whole reference in the middle, on a soft, dark, enlarged version of itself.
Picture whole_on_backdrop(const Picture& reference, int width, int height, const CancelToken& stop)
{
    const Window window = cover(reference, width, height);
    const Picture small = resample(reference, window, 24, std::max(1, 24 * height / width), stop);
    Picture frame
        = resample(small, {0, 0, double(small.width), double(small.height)}, width, height, stop);
    fill(frame, 0, 0, width, height, {8, 9, 12}, 0.45);
    const double scale
        = std::min(double(width) / reference.width, double(height) / reference.height);
    const int w = std::max(1, int(reference.width * scale));
    const int h = std::max(1, int(reference.height * scale));
    paste(
        frame,
        resample(reference, {0, 0, double(reference.width), double(reference.height)}, w, h, stop),
        (width - w) / 2, (height - h) / 2);
    return frame;
}

double noise(uint64_t seed, int64_t at)
{
    uint64_t x = seed + uint64_t(at) * 0x9E3779B97F4A7C15ull;
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9ull;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBull;
    return double((x ^ (x >> 31)) >> 11) / double(uint64_t(1) << 53);
}

// Smooth noise in 0..1 with detail, as ridges of hills have it.
double ridge(uint64_t seed, double x)
{
    double sum = 0;
    double weight = 0.5;
    for (uint64_t octave = 0; octave < 7; ++octave, weight *= 0.5, x *= 2.03) {
        const double cell = std::floor(x);
        const double t = x - cell;
        const double s = t * t * (3 - 2 * t);
        sum += weight
            * (noise(seed + octave, int64_t(cell)) * (1 - s)
               + noise(seed + octave, int64_t(cell) + 1) * s);
    }
    return sum;
}

struct Rgb {
    double r, g, b;
};

Rgb mix(const Rgb& a, const Rgb& b, double t)
{
    return {a.r + (b.r - a.r) * t, a.g + (b.g - a.g) * t, a.b + (b.b - a.b) * t};
}

struct Palette {
    Rgb zenith, horizon, sun, near;
};

// Hours of a day, in sRGB.
const Palette palettes[] = {
    {{38, 62, 110}, {244, 178, 124}, {255, 236, 200}, {26, 27, 44}},  // dawn
    {{74, 130, 188}, {222, 232, 232}, {255, 252, 240}, {32, 58, 56}}, // morning
    {{46, 34, 84}, {232, 112, 92}, {255, 214, 150}, {28, 17, 38}},    // dusk
    {{12, 18, 42}, {78, 104, 146}, {232, 238, 248}, {8, 12, 26}},     // moonlight
    {{96, 140, 150}, {240, 222, 186}, {255, 248, 226}, {48, 52, 44}}, // haze
    {{24, 56, 74}, {128, 196, 180}, {240, 252, 232}, {10, 34, 40}},   // lagoon
};

} // namespace

const Framing& framing(int index)
{
    static const Framing framings[] = {
        {"wide", 1, 0},      {"medium", 0.66, 0}, {"close", 0.42, 0},
        {"medium", 0.58, 1}, {"close", 0.38, 1},  {"wide", 0.82, 0},
        {"close", 0.34, 2},  {"medium", 0.5, 2},  {"detail", 0.26, 0},
    };
    return framings[size_t(index) % std::size(framings)];
}

Picture frame_reference(const Picture& reference, const Framing& framing, int width, int height,
                        const CancelToken& stop)
{
    Window window = cover(reference, width, height);
    // A crop that leaves less than half of the reference would hide what it shows.
    if (framing.share >= 1
        && window.width * window.height < 0.5 * reference.width * reference.height)
        return whole_on_backdrop(reference, width, height, stop);
    window.width *= framing.share;
    window.height *= framing.share;
    double x = 0.5;
    double y = 0.5;
    if (framing.share < 1)
        Interest(reference, stop)
            .find(window.width / reference.width, window.height / reference.height, framing.subject,
                  x, y);
    window.x
        = std::clamp(x * reference.width - window.width / 2, 0.0, reference.width - window.width);
    window.y = std::clamp(y * reference.height - window.height / 2, 0.0,
                          reference.height - window.height);
    return resample(reference, window, width, height, stop);
}

Picture landscape(uint64_t seed, const Framing& framing, int width, int height,
                  const CancelToken& stop)
{
    const Palette& palette = palettes[size_t(noise(seed, 1) * std::size(palettes))];
    Picture picture(width, height);
    // World: x in units of the frame's height, y from 0 (top) to 1; nearer frames see less of it.
    const double share = framing.share;
    const double aspect = double(width) / height;
    const double sun_x = aspect * (0.25 + 0.5 * noise(seed, 2));
    const double sun_y = 0.22 + 0.22 * noise(seed, 3);
    const double sun_size = 0.035 + 0.04 * noise(seed, 4);
    const double look_x = share < 1 ? std::clamp(sun_x + (framing.subject - 0.4) * 0.35,
                                                 aspect * share / 2, aspect * (1 - share / 2))
                                    : aspect / 2;
    const double look_y = share < 1 ? std::clamp(0.52, share / 2, 1 - share / 2) : 0.5;
    const double step = share / height;
    const auto world_x = [&](int x) { return look_x + (x + 0.5 - width / 2.0) * step; };
    const auto world_y = [&](int y) { return look_y + (y + 0.5 - height / 2.0) * step; };
    constexpr int layers = 6;
    std::vector<double> heights(size_t(width) * layers);
    for (int layer = 0; layer < layers; ++layer)
        for (int x = 0; x < width; ++x) {
            const double depth = (layer + 1.0) / layers;
            const double base = 0.44 + 0.42 * depth;
            const double tall = 0.20 - 0.06 * depth;
            heights[size_t(layer) * size_t(width) + size_t(x)] = base
                - tall * (ridge(seed + 100 * uint64_t(layer + 1), world_x(x) * (1.2 + depth)) - 0.3)
                    * 2;
        }
    Rgb hills[layers];
    for (int layer = 0; layer < layers; ++layer)
        hills[layer] = mix(palette.horizon, palette.near, std::pow((layer + 1.0) / layers, 0.8));
    for (int y = 0; y < height; ++y) {
        stop.check("rendering");
        const double wy = world_y(y);
        const Rgb sky
            = mix(palette.zenith, palette.horizon, std::pow(std::clamp(wy / 0.62, 0.0, 1.0), 1.4));
        uint8_t* out = picture.at(0, y);
        for (int x = 0; x < width; ++x, out += 3) {
            const double wx = world_x(x);
            int layer = layers - 1;
            while (layer >= 0 && wy < heights[size_t(layer) * size_t(width) + size_t(x)])
                --layer;
            Rgb color = sky;
            const double off = (wx - sun_x) * (wx - sun_x) + (wy - sun_y) * (wy - sun_y);
            if (layer < 0) {
                const double edge
                    = std::clamp((sun_size - std::sqrt(off)) / step * 0.5 + 0.5, 0.0, 1.0);
                color = mix(color, palette.sun, std::max(edge, 0.55 / (1 + 60 * off)));
            } else {
                const double depth = (layer + 1.0) / layers;
                const double below = wy - heights[size_t(layer) * size_t(width) + size_t(x)];
                // Mist gathers in the valleys, light falls on what is near the sun.
                color = mix(hills[layer], palette.horizon,
                            0.45 * (1 - depth) * std::min(below * 5, 1.0));
                color = mix(color, palette.sun, 0.16 * (1 - depth) / (1 + 12 * off));
            }
            // Half a step of noise hides the bands of 8 bits.
            const double grain = noise(seed, (int64_t(y) << 20) + x) - 0.5;
            out[0] = uint8_t(std::clamp(color.r + grain + 0.5, 0.0, 255.0));
            out[1] = uint8_t(std::clamp(color.g + grain + 0.5, 0.0, 255.0));
            out[2] = uint8_t(std::clamp(color.b + grain + 0.5, 0.0, 255.0));
        }
    }
    return picture;
}

} // namespace klio::local
