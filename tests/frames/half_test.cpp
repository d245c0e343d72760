#include "frames/half.h"

#include <OpenImageIO/imageio.h>

#include <gmock/gmock.h>

#include <cmath>
#include <limits>
#include <vector>

TEST(Half, IsWhatOpenImageIOMakes)
{
    std::vector<float> in
        = {0.0F,     -0.0F, 1.0F,  -1.0F,    65504.0F, 65519.9F,
           65520.0F, -1e9F, 1e-8F, 5.96e-8F, 6.1e-5F,  std::numeric_limits<float>::infinity()};
    for (int i = 0; i < 4096; ++i) // ties and their neighbours
        in.push_back(std::ldexp(1.0F + float(i) / 4096.0F, i % 30 - 16));
    std::vector<uint16_t> expected(in.size()), got(in.size());
    OIIO::convert_pixel_values(OIIO::TypeDesc::FLOAT, in.data(), OIIO::TypeDesc::HALF,
                               expected.data(), int(in.size()));
    klio::frames::to_half(in.data(), in.size(), got.data());
    EXPECT_EQ(got, expected);
}
