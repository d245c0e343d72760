#include "color/chromaticities.h"

#include "color/transform.h"

#include <cmath>
#include <cstdio>

namespace klio::color {

namespace {

struct Matrix {
    double m[9];
};

Matrix multiply(const Matrix& a, const Matrix& b)
{
    Matrix out {};
    for (int i = 0; i < 3; ++i)
        for (int j = 0; j < 3; ++j)
            for (int k = 0; k < 3; ++k)
                out.m[3 * i + j] += a.m[3 * i + k] * b.m[3 * k + j];
    return out;
}

bool invert(const Matrix& a, Matrix& out)
{
    const double* m = a.m;
    const double c0 = m[4] * m[8] - m[5] * m[7];
    const double c1 = m[5] * m[6] - m[3] * m[8];
    const double c2 = m[3] * m[7] - m[4] * m[6];
    const double determinant = m[0] * c0 + m[1] * c1 + m[2] * c2;
    if (!(std::fabs(determinant) > 1e-9))
        return false;
    out = {{c0, m[2] * m[7] - m[1] * m[8], m[1] * m[5] - m[2] * m[4], c1, m[0] * m[8] - m[2] * m[6],
            m[2] * m[3] - m[0] * m[5], c2, m[1] * m[6] - m[0] * m[7], m[0] * m[4] - m[1] * m[3]}};
    for (double& value : out.m)
        value /= determinant;
    return true;
}

void apply(const Matrix& a, const double in[3], double out[3])
{
    for (int i = 0; i < 3; ++i)
        out[i] = a.m[3 * i] * in[0] + a.m[3 * i + 1] * in[1] + a.m[3 * i + 2] * in[2];
}

// CIE XYZ of white, with Y = 1.
void white_xyz(const double xy[8], double out[3])
{
    out[0] = xy[6] / xy[7];
    out[1] = 1;
    out[2] = (1 - xy[6] - xy[7]) / xy[7];
}

bool rgb_to_xyz(const double xy[8], Matrix& out)
{
    Matrix primaries {};
    for (int c = 0; c < 3; ++c) {
        primaries.m[c] = xy[2 * c];
        primaries.m[3 + c] = xy[2 * c + 1];
        primaries.m[6 + c] = 1 - xy[2 * c] - xy[2 * c + 1];
    }
    Matrix inverse {};
    if (!(std::fabs(xy[7]) > 1e-6) || !invert(primaries, inverse))
        return false;
    double white[3], scale[3];
    white_xyz(xy, white);
    apply(inverse, white, scale);
    for (int i = 0; i < 9; ++i)
        out.m[i] = primaries.m[i] * scale[i % 3];
    return true;
}

} // namespace

bool matrix_to_aces(const double xy[8], double matrix[9])
{
    // SMPTE ST 2065-1.
    static constexpr double aces[8] = {0.7347, 0.2653, 0, 1, 0.0001, -0.077, 0.32168, 0.33767};
    static constexpr Matrix bradford
        = {{0.8951, 0.2664, -0.1614, -0.7502, 1.7135, 0.0367, 0.0389, -0.0685, 1.0296}};
    Matrix from {}, to {}, to_inverse {}, bradford_inverse {};
    if (!rgb_to_xyz(xy, from) || !rgb_to_xyz(aces, to) || !invert(to, to_inverse)
        || !invert(bradford, bradford_inverse))
        return false;
    double white_from[3], white_to[3], cone_from[3], cone_to[3];
    white_xyz(xy, white_from);
    white_xyz(aces, white_to);
    apply(bradford, white_from, cone_from);
    apply(bradford, white_to, cone_to);
    Matrix scale {};
    for (int i = 0; i < 3; ++i) {
        if (!(std::fabs(cone_from[i]) > 1e-9))
            return false;
        scale.m[4 * i] = cone_to[i] / cone_from[i];
    }
    const Matrix adapt = multiply(bradford_inverse, multiply(scale, bradford));
    const Matrix all = multiply(to_inverse, multiply(adapt, from));
    for (int i = 0; i < 9; ++i) {
        if (!std::isfinite(all.m[i]))
            return false;
        matrix[i] = all.m[i];
    }
    return true;
}

std::string chromaticities_space(const float* xy)
{
    std::string name = "chromaticities(";
    for (int i = 0; i < 8; ++i) {
        char number[32];
        std::snprintf(number, sizeof number, "%s%.6g", i ? "," : "", double(xy[i]));
        name += number;
    }
    return name + ")";
}

bool parse_chromaticities(const std::string& space, double xy[8])
{
    int end = 0;
    return std::sscanf(space.c_str(), "chromaticities(%lf,%lf,%lf,%lf,%lf,%lf,%lf,%lf)%n", xy,
                       xy + 1, xy + 2, xy + 3, xy + 4, xy + 5, xy + 6, xy + 7, &end)
        == 8
        && size_t(end) == space.size();
}

bool is_chromaticities(const std::string& space)
{
    double xy[8], matrix[9];
    return parse_chromaticities(space, xy) && matrix_to_aces(xy, matrix);
}

} // namespace klio::color
