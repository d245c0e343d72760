#pragma once

#include <string>
#include <vector>

namespace klio::frames {

/// 8-bit interleaved samples as a codec gave them: 1 to 4 channels, without padding.
struct Samples {
    int width = 0;
    int height = 0;
    int channels = 0;
    std::vector<unsigned char> data;
    std::string icc; ///< the embedded profile; empty for none
};

/// By libjpeg-turbo itself and not by OIIO, whose reader gives a truncated or corrupt file's grey
/// remainder for pixels: here every warning that libjpeg has while it decodes is an error. Grey
/// stays 1 channel, everything else becomes RGB. False with `fault` filled where it is no whole
/// picture.
bool decode_jpeg(const std::string& bytes, Samples& samples, std::string& fault);

} // namespace klio::frames
