// Renders a scene-linear plate to try klio on: a small robot with a lantern on wet ground at dusk.
// The lantern and the low sun are far above 1, as lights are on a real plate.
//
//   make_plate plate.exr [WIDTHxHEIGHT]
//
// Linear Rec.709, half float, zip; the primaries stand in the file's chromaticities.

#include <OpenImageIO/imageio.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

namespace {

struct Vec {
    float x = 0, y = 0, z = 0;
    Vec operator+(Vec b) const { return {x + b.x, y + b.y, z + b.z}; }
    Vec operator-(Vec b) const { return {x - b.x, y - b.y, z - b.z}; }
    Vec operator*(Vec b) const { return {x * b.x, y * b.y, z * b.z}; }
    Vec operator*(float s) const { return {x * s, y * s, z * s}; }
};

float dot(Vec a, Vec b)
{
    return a.x * b.x + a.y * b.y + a.z * b.z;
}

float length(Vec a)
{
    return std::sqrt(dot(a, a));
}

Vec normalize(Vec a)
{
    return a * (1 / length(a));
}

Vec mix(Vec a, Vec b, float t)
{
    return a * (1 - t) + b * t;
}

float smooth(float low, float high, float x)
{
    const float t = std::clamp((x - low) / (high - low), 0.0f, 1.0f);
    return t * t * (3 - 2 * t);
}

float hash(float x, float y)
{
    const float h = std::sin(x * 127.1f + y * 311.7f) * 43758.547f;
    return h - std::floor(h);
}

float noise(float x, float y)
{
    const float ix = std::floor(x), iy = std::floor(y);
    const float u = smooth(0, 1, x - ix), v = smooth(0, 1, y - iy);
    const float low = hash(ix, iy) * (1 - u) + hash(ix + 1, iy) * u;
    const float high = hash(ix, iy + 1) * (1 - u) + hash(ix + 1, iy + 1) * u;
    return low * (1 - v) + high * v;
}

float fractal(float x, float y, int octaves)
{
    float sum = 0, amplitude = 0.5f;
    for (int i = 0; i < octaves; ++i, x = x * 2.03f + 17, y = y * 2.03f + 5, amplitude *= 0.5f)
        sum += amplitude * noise(x, y);
    return sum;
}

// Signed distances (Inigo Quilez, "distance functions": the usual primitives).
float box(Vec p, Vec size, float radius)
{
    const Vec q {std::fabs(p.x) - size.x, std::fabs(p.y) - size.y, std::fabs(p.z) - size.z};
    const Vec outside {std::max(q.x, 0.0f), std::max(q.y, 0.0f), std::max(q.z, 0.0f)};
    return length(outside) + std::min(std::max({q.x, q.y, q.z}), 0.0f) - radius;
}

float capsule(Vec p, Vec a, Vec b, float radius)
{
    const Vec pa = p - a, ba = b - a;
    const float h = std::clamp(dot(pa, ba) / dot(ba, ba), 0.0f, 1.0f);
    return length(pa - ba * h) - radius;
}

enum Material { ground, body, joint, eye, lantern, frame };

struct Hit {
    float distance = 1e9f;
    Material material = ground;
};

const Vec lantern_at {1.02f, 0.98f, 0.55f};
const Vec sun_direction = normalize({-0.62f, 0.085f, -1.0f});

void join(Hit& hit, float distance, Material material)
{
    if (distance < hit.distance)
        hit = {distance, material};
}

// Distance to a ball that holds the whole robot.
float outside(Vec p)
{
    return length(p - Vec {0.2f, 1.1f, 0.1f}) - 1.7f;
}

Hit scene(Vec p)
{
    Hit hit;
    join(hit, p.y + 0.012f * noise(p.x * 3, p.z * 3), ground);
    const float around = outside(p);
    if (around > 0.4f) { // nothing of the robot is nearer than this ball
        join(hit, around, body);
        return hit;
    }
    join(hit, box(p - Vec {0, 1.02f, 0}, {0.34f, 0.36f, 0.22f}, 0.10f), body);
    join(hit, box(p - Vec {0, 1.88f, 0.02f}, {0.26f, 0.19f, 0.20f}, 0.12f), body);
    join(hit, capsule(p, {0, 1.4f, 0}, {0, 1.7f, 0}, 0.09f), joint);
    join(hit, capsule(p, {0.1f, 2.18f, 0}, {0.16f, 2.46f, 0}, 0.018f), joint);
    join(hit, length(p - Vec {0.16f, 2.48f, 0}) - 0.05f, eye);
    for (float side : {-1.0f, 1.0f}) {
        join(hit, length(p - Vec {side * 0.13f, 1.92f, 0.29f}) - 0.085f, eye);
        join(hit, capsule(p, {side * 0.2f, 0.6f, 0}, {side * 0.22f, 0.16f, 0.02f}, 0.085f), joint);
        join(hit, box(p - Vec {side * 0.23f, 0.09f, 0.08f}, {0.10f, 0.05f, 0.17f}, 0.04f), body);
    }
    join(hit, capsule(p, {-0.5f, 1.28f, 0}, {-0.68f, 0.72f, 0.12f}, 0.08f), joint);
    join(hit, capsule(p, {0.5f, 1.28f, 0}, {0.86f, 1.16f, 0.36f}, 0.08f), joint);
    join(hit, capsule(p, {0.86f, 1.16f, 0.36f}, {1.0f, 1.36f, 0.54f}, 0.07f), joint);
    join(hit, capsule(p, {1.02f, 1.36f, 0.55f}, {1.02f, 1.16f, 0.55f}, 0.012f), frame);
    join(hit, length(p - lantern_at) - 0.11f, lantern);
    for (float height : {-0.16f, 0.16f})
        join(hit, box(p - lantern_at - Vec {0, height, 0}, {0.11f, 0.015f, 0.11f}, 0.01f), frame);
    for (float x : {-0.1f, 0.1f})
        for (float z : {-0.1f, 0.1f})
            join(
                hit,
                capsule(p, lantern_at + Vec {x, -0.16f, z}, lantern_at + Vec {x, 0.16f, z}, 0.012f),
                frame);
    return hit;
}

Vec sky(Vec direction)
{
    const float up = std::max(direction.y, 0.0f);
    Vec color = mix({1.05f, 0.42f, 0.16f}, {0.10f, 0.17f, 0.42f}, smooth(0, 0.42f, up));
    color = mix(color, {0.02f, 0.04f, 0.14f}, smooth(0.3f, 0.9f, up));
    const float toward = std::max(dot(direction, sun_direction), 0.0f);
    color = color + Vec {1.6f, 0.7f, 0.25f} * std::pow(toward, 24.0f);
    color = color + Vec {260, 170, 90} * smooth(0.99935f, 0.99965f, toward);
    const float cloud
        = smooth(0.42f, 0.75f,
                 fractal(direction.x / (up + 0.12f) * 1.3f, direction.z / (up + 0.12f) * 1.3f, 5));
    color = mix(color, color * 0.55f + Vec {0.75f, 0.28f, 0.16f} * (0.3f + toward),
                cloud * 0.7f * smooth(0.02f, 0.2f, up));
    // Two ridges of hills, the nearer one darker.
    const float angle = std::atan2(direction.x, -direction.z);
    const float far = 0.05f + 0.09f * fractal(angle * 5 + 3, 1, 5);
    const float near = 0.015f + 0.06f * fractal(angle * 8 + 9, 7, 5);
    if (direction.y < far)
        color = mix({0.30f, 0.16f, 0.17f}, {0.16f, 0.12f, 0.19f}, smooth(0, far, direction.y));
    if (direction.y < near)
        color = {0.045f, 0.04f, 0.07f};
    return color;
}

Vec normal_at(Vec p)
{
    const float e = 0.0015f;
    return normalize({scene(p + Vec {e, 0, 0}).distance - scene(p - Vec {e, 0, 0}).distance,
                      scene(p + Vec {0, e, 0}).distance - scene(p - Vec {0, e, 0}).distance,
                      scene(p + Vec {0, 0, e}).distance - scene(p - Vec {0, 0, e}).distance});
}

float shadow(Vec from, Vec direction, float far)
{
    float light = 1;
    for (float t = 0.02f; t < far;) {
        const Vec p = from + direction * t;
        if (p.y > 2.8f)
            break;
        const float around = outside(p);
        if (around > 0.4f) { // the ball that holds the robot casts no shadow itself
            t += around;
            continue;
        }
        const Hit hit = scene(p);
        if (hit.material != lantern && hit.material != frame && hit.material != ground)
            light = std::min(light, 10 * hit.distance / t);
        if (light < 0.02f)
            return 0;
        t += std::clamp(hit.distance, 0.02f, 0.5f);
    }
    return std::clamp(light, 0.0f, 1.0f);
}

Vec trace(Vec from, Vec direction, int bounces)
{
    float t = 0.01f;
    Hit hit;
    bool found = false;
    for (int step = 0; step < 140 && t < 60; ++step) {
        hit = scene(from + direction * t);
        if (hit.distance < 0.0008f * t) {
            found = true;
            break;
        }
        t += hit.distance;
    }
    const Vec background = sky(direction);
    if (!found)
        return background;
    const Vec p = from + direction * t;
    if (hit.material == lantern)
        return {95, 52, 18};
    if (hit.material == eye)
        return {2.2f, 7.5f, 9.0f};
    Vec n = normal_at(p);
    Vec albedo {0.55f, 0.56f, 0.58f};
    float mirror = 0.06f;
    if (hit.material == body) {
        const float wear = fractal(p.x * 9, p.y * 9 + p.z * 4, 4);
        albedo = mix({0.62f, 0.13f, 0.06f}, {0.20f, 0.11f, 0.08f}, smooth(0.5f, 0.62f, wear));
        if (p.y > 0.92f && p.y < 1.0f && p.z > 0.2f)
            albedo = {0.75f, 0.72f, 0.62f};
    } else if (hit.material == joint || hit.material == frame) {
        albedo = {0.10f, 0.10f, 0.11f};
        mirror = 0.25f;
    } else {
        const float wet = smooth(0.38f, 0.52f, fractal(p.x * 0.9f + 4, p.z * 0.9f, 5));
        albedo = mix(Vec {0.12f, 0.10f, 0.09f} * (0.6f + fractal(p.x * 14, p.z * 14, 3)),
                     {0.03f, 0.03f, 0.035f}, wet);
        mirror = 0.02f + 0.5f * wet;
        n = normalize(mix(n
                              + Vec {0.25f * (noise(p.x * 30, p.z * 30) - 0.5f), 0,
                                     0.25f * (noise(p.x * 30 + 9, p.z * 30) - 0.5f)},
                          {0, 1, 0}, wet * 0.97f));
    }
    const Vec to_lantern = lantern_at - p;
    const float lantern_distance = length(to_lantern);
    const Vec lantern_direction = to_lantern * (1 / lantern_distance);
    Vec light = Vec {9.5f, 4.4f, 1.5f}
        * (std::max(dot(n, lantern_direction), 0.0f) / (0.25f + lantern_distance * lantern_distance)
           * shadow(p + n * 0.01f, lantern_direction, lantern_distance - 0.15f));
    light = light
        + Vec {3.4f, 1.5f, 0.6f}
            * (std::max(dot(n, sun_direction), 0.0f) * shadow(p + n * 0.01f, sun_direction, 12));
    light = light + Vec {0.20f, 0.24f, 0.42f} * (0.55f + 0.45f * n.y);
    Vec color = albedo * light;
    if (bounces > 0) {
        const float facing = std::max(-dot(n, direction), 0.0f);
        const float fresnel
            = mirror + (1 - mirror) * std::pow(1 - facing, 5.0f) * (mirror > 0.05f ? 1 : 0.2f);
        const Vec reflected = direction - n * (2 * dot(n, direction));
        Vec seen = trace(p + n * 0.01f, reflected, bounces - 1);
        const float brightest = std::max({seen.x, seen.y, seen.z});
        if (brightest > 24) // rough enough that a mirrored light is no needle point
            seen = seen * (24 / brightest);
        color = mix(color, seen, std::min(fresnel, 1.0f));
    }
    const float fog = 1 - std::exp(-0.004f * t * t);
    return mix(color, sky(normalize({direction.x, 0.17f, direction.z})), fog);
}

} // namespace

int main(int argc, char** argv)
{
    int width = 2048, height = 1152;
    if (argc < 2 || (argc > 2 && std::sscanf(argv[2], "%dx%d", &width, &height) != 2) || width < 16
        || height < 16 || width > 16384 || height > 16384) {
        std::fprintf(stderr, "usage: make_plate plate.exr [WIDTHxHEIGHT]\n");
        return 2;
    }
    const Vec eye_at {0.75f, 1.25f, 4.6f}, target {-0.15f, 1.28f, 0};
    const Vec ahead = normalize(target - eye_at);
    const Vec right = normalize({-ahead.z, 0, ahead.x});
    const Vec up {right.y * ahead.z - right.z * ahead.y, right.z * ahead.x - right.x * ahead.z,
                  right.x * ahead.y - right.y * ahead.x};
    std::vector<float> pixels(size_t(width) * size_t(height) * 3);
    const auto rows = [&](int first, int step) {
        for (int y = first; y < height; y += step)
            for (int x = 0; x < width; ++x) {
                Vec sum;
                for (int s = 0; s < 2; ++s) {
                    const float sx = float(x) + 0.25f + 0.5f * float(s);
                    const float sy = float(y) + 0.75f - 0.5f * float(s);
                    const float u = (2 * sx - float(width)) / float(height);
                    const float v = (float(height) - 2 * sy) / float(height);
                    sum = sum + trace(eye_at, normalize(ahead * 1.9f + right * u + up * v), 1);
                }
                const float grain = 1 + 0.03f * (hash(float(x) + 0.5f, float(y) * 1.7f) - 0.5f);
                float* out = &pixels[(size_t(y) * size_t(width) + size_t(x)) * 3];
                out[0] = sum.x * 0.5f * grain;
                out[1] = sum.y * 0.5f * grain;
                out[2] = sum.z * 0.5f * grain;
            }
    };
    const int count = int(std::max(1u, std::thread::hardware_concurrency()));
    std::vector<std::thread> threads;
    for (int i = 0; i < count; ++i)
        threads.emplace_back(rows, i, count);
    for (std::thread& thread : threads)
        thread.join();

    OIIO::ImageSpec spec(width, height, 3, OIIO::TypeDesc::HALF);
    spec.attribute("compression", "zip");
    const float rec709[8] = {0.64f, 0.33f, 0.30f, 0.60f, 0.15f, 0.06f, 0.3127f, 0.3290f};
    spec.attribute("chromaticities", OIIO::TypeDesc(OIIO::TypeDesc::FLOAT, 8), rec709);
    auto out = OIIO::ImageOutput::create(argv[1]);
    if (!out || !out->open(argv[1], spec) || !out->write_image(OIIO::TypeDesc::FLOAT, pixels.data())
        || !out->close()) {
        std::fprintf(stderr, "make_plate: %s: %s\n", argv[1],
                     (out ? out->geterror() : OIIO::geterror()).c_str());
        return 1;
    }
    return 0;
}
