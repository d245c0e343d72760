#include "prepare/attention.h"

#include <algorithm>
#include <cmath>

namespace klio::prep {

namespace {

using Plane = std::vector<float>;

// Three box blurs are near enough to a Gaussian.
void blur(Plane& plane, int width, int height, int radius)
{
    Plane out(plane.size());
    for (int round = 0; round < 3; ++round) {
        for (int axis = 0; axis < 2; ++axis) {
            const int length = axis ? height : width, lines = axis ? width : height;
            const int step = axis ? width : 1, stride = axis ? 1 : width;
            for (int line = 0; line < lines; ++line)
                for (int i = 0; i < length; ++i) {
                    const int from = std::max(0, i - radius), to = std::min(length - 1, i + radius);
                    float sum = 0;
                    for (int k = from; k <= to; ++k)
                        sum += plane[size_t(line * stride + k * step)];
                    out[size_t(line * stride + i * step)] = sum / float(to - from + 1);
                }
            plane.swap(out);
        }
    }
}

Plane saliency(const std::vector<float>& rgb, int width, int height)
{
    const size_t count = size_t(width) * size_t(height);
    Plane planes[3] = {Plane(count), Plane(count), Plane(count)};
    for (size_t i = 0; i < count; ++i) {
        float v[3];
        for (int c = 0; c < 3; ++c) {
            const float light = std::max(0.0f, rgb[3 * i + size_t(c)]);
            v[c] = std::sqrt(light / (1 + light));
        }
        planes[0][i] = (v[0] + v[1] + v[2]) / 3;
        planes[1][i] = v[0] - v[1];
        planes[2][i] = (v[0] + v[1]) / 2 - v[2];
    }
    const Plane luma = planes[0];
    Plane out(count, 0.0f);
    for (Plane& plane : planes) {
        double mean = 0;
        for (float value : plane)
            mean += value;
        mean /= double(count);
        blur(plane, width, height, 1);
        for (size_t i = 0; i < count; ++i)
            out[i] += (plane[i] - float(mean)) * (plane[i] - float(mean));
    }
    Plane edges(count, 0.0f);
    for (int y = 1; y < height; ++y)
        for (int x = 1; x < width; ++x) {
            const size_t i = size_t(y) * size_t(width) + size_t(x);
            edges[i]
                = std::fabs(luma[i] - luma[i - 1]) + std::fabs(luma[i] - luma[i - size_t(width)]);
        }
    blur(edges, width, height, 2);
    double mean = 0;
    for (size_t i = 0; i < count; ++i) {
        out[i] = std::sqrt(out[i]) + edges[i];
        mean += out[i];
    }
    mean /= double(count);
    for (float& value : out)
        value = std::max(0.0f, value - float(mean));
    return out;
}

} // namespace

Point find_subject(const std::vector<float>& rgb, int width, int height, double crop_width,
                   double crop_height)
{
    const Point center {width / 2.0, height / 2.0};
    if (width < 4 || height < 4)
        return center;
    const Plane map = saliency(rgb, width, height);
    const int w = std::clamp(int(std::lround(crop_width)), 1, width);
    const int h = std::clamp(int(std::lround(crop_height)), 1, height);
    // A crop leaves one axis or both to choose; sums along the window are separable enough to be
    // done plainly at this size.
    double best = -1, best_distance = 0;
    Point found = center;
    const auto weight
        = [](int i, int length) { return 1 - 0.5 * std::fabs(2 * (i + 0.5) / length - 1); };
    Plane rows(map.size());
    for (int y = 0; y < height; ++y)
        for (int x = 0; x + w <= width; ++x) {
            double sum = 0;
            for (int i = 0; i < w; ++i)
                sum += weight(i, w) * double(map[size_t(y * width + x + i)]);
            rows[size_t(y * width + x)] = float(sum);
        }
    for (int y = 0; y + h <= height; ++y)
        for (int x = 0; x + w <= width; ++x) {
            double sum = 0;
            for (int i = 0; i < h; ++i)
                sum += weight(i, h) * double(rows[size_t((y + i) * width + x)]);
            const Point at {x + w / 2.0, y + h / 2.0};
            const double distance = std::hypot(at.x - center.x, at.y - center.y);
            const bool better = sum > best * 1.0001 + 1e-9
                || (sum > best * 0.9999 - 1e-9 && distance < best_distance);
            if (better) {
                best = std::max(best, sum);
                best_distance = distance;
                found = at;
            }
        }
    return best > 1e-6 ? found : center;
}

} // namespace klio::prep
