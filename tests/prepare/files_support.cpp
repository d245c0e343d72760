#include "files_support.h"

#include "pictures_support.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <stdexcept>

#include <jpeglib.h>
#include <lcms2.h>
#include <png.h>

namespace pictures {

namespace {

std::string little(uint32_t value, int bytes)
{
    std::string out;
    for (int i = 0; i < bytes; ++i)
        out += char(value >> 8 * i & 255);
    return out;
}

cmsInt32Number press(const cmsUInt16Number in[], cmsUInt16Number out[], void*)
{
    const double c = in[0] / 65535.0, m = in[1] / 65535.0, y = in[2] / 65535.0, k = in[3] / 65535.0;
    cmsCIELab lab;
    lab.L = (100 - 43 * c - 45 * m - 8 * y) * (1 - 0.9 * k);
    lab.a = (-35 * c + 70 * m - 5 * y) * (1 - k);
    lab.b = (-45 * c - 5 * m + 85 * y) * (1 - k);
    cmsFloat2LabEncoded(out, &lab);
    return TRUE;
}

} // namespace

std::string write_tiff(const std::string& name, const Tiff& tiff)
{
    struct Entry {
        uint16_t tag, type; // 3 short, 4 long, 7 undefined
        uint32_t count;
        std::string value;
    };
    constexpr uint32_t data_at = 8;
    std::string bits;
    for (int i = 0; i < tiff.samples; ++i)
        bits += little(uint32_t(tiff.bits), 2);
    std::vector<Entry> entries = {
        {256, 4, 1, little(uint32_t(tiff.width), 4)},
        {257, 4, 1, little(uint32_t(tiff.height), 4)},
        {258, 3, uint32_t(tiff.samples), bits},
        {259, 3, 1, little(1, 2)},
        {262, 3, 1, little(uint32_t(tiff.photometric), 2)},
        {273, 4, 1, little(data_at, 4)},
        {277, 3, 1, little(uint32_t(tiff.samples), 2)},
        {278, 4, 1, little(uint32_t(tiff.height), 4)},
        {279, 4, 1, little(uint32_t(tiff.data.size()), 4)},
    };
    if (!tiff.colors.empty()) {
        std::string map;
        for (uint16_t value : tiff.colors)
            map += little(value, 2);
        entries.push_back({320, 3, uint32_t(tiff.colors.size()), map});
    }
    if (!tiff.icc.empty())
        entries.push_back({34675, 7, uint32_t(tiff.icc.size()), tiff.icc});
    const uint32_t folder_at = data_at + uint32_t(tiff.data.size() + tiff.data.size() % 2);
    const uint32_t more_at = folder_at + 2 + 12 * uint32_t(entries.size()) + 4;
    std::string folder = little(uint32_t(entries.size()), 2), more;
    for (const Entry& entry : entries) {
        folder += little(entry.tag, 2) + little(entry.type, 2) + little(entry.count, 4);
        if (entry.value.size() <= 4) {
            folder += entry.value + std::string(4 - entry.value.size(), '\0');
        } else {
            folder += little(more_at + uint32_t(more.size()), 4);
            more += entry.value + std::string(entry.value.size() % 2, '\0');
        }
    }
    return write_bytes(name,
                       "II*" + std::string(1, '\0') + little(folder_at, 4) + tiff.data
                           + std::string(tiff.data.size() % 2, '\0') + folder + little(0, 4)
                           + more);
}

std::string write_palette_png(const std::string& name, int width, int height, int bits,
                              const std::vector<std::array<unsigned char, 3>>& colors,
                              const std::vector<unsigned char>& indices)
{
    const std::string file = path(name);
    std::FILE* out = std::fopen(file.c_str(), "wb");
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, nullptr, nullptr, nullptr);
    png_infop info = png_create_info_struct(png);
    png_init_io(png, out);
    png_set_IHDR(png, info, png_uint_32(width), png_uint_32(height), bits, PNG_COLOR_TYPE_PALETTE,
                 PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    std::vector<png_color> palette;
    for (const auto& color : colors)
        palette.push_back({color[0], color[1], color[2]});
    png_set_PLTE(png, info, palette.data(), int(palette.size()));
    png_write_info(png, info);
    png_set_packing(png);
    for (int y = 0; y < height; ++y)
        png_write_row(png, &indices[size_t(y) * size_t(width)]);
    png_write_end(png, info);
    png_destroy_write_struct(&png, &info);
    std::fclose(out);
    return file;
}

std::string write_cmyk_jpeg(const std::string& name, const std::array<unsigned char, 4>& ink,
                            Ink kind, const std::string& icc)
{
    jpeg_error_mgr errors;
    jpeg_compress_struct jpeg {};
    jpeg.err = jpeg_std_error(&errors);
    jpeg_create_compress(&jpeg);
    unsigned char* bytes = nullptr;
    unsigned long size = 0;
    jpeg_mem_dest(&jpeg, &bytes, &size);
    jpeg.image_width = jpeg.image_height = 320;
    jpeg.input_components = 4;
    jpeg.in_color_space = JCS_CMYK;
    jpeg_set_defaults(&jpeg);
    if (kind == Ink::ycck)
        jpeg_set_colorspace(&jpeg, JCS_YCCK);
    jpeg_set_quality(&jpeg, 100, TRUE);
    jpeg.write_Adobe_marker = kind != Ink::plain;
    jpeg_start_compress(&jpeg, TRUE);
    if (!icc.empty())
        jpeg_write_icc_profile(&jpeg, reinterpret_cast<const JOCTET*>(icc.data()),
                               unsigned(icc.size()));
    std::vector<unsigned char> row;
    for (int x = 0; x < 320; ++x)
        for (unsigned char value : ink)
            row.push_back(kind == Ink::plain ? value : static_cast<unsigned char>(255 - value));
    for (int y = 0; y < 320; ++y) {
        JSAMPROW pointer = row.data();
        jpeg_write_scanlines(&jpeg, &pointer, 1);
    }
    jpeg_finish_compress(&jpeg);
    jpeg_destroy_compress(&jpeg);
    const std::string file = write_bytes(name, {reinterpret_cast<char*>(bytes), size});
    std::free(bytes);
    return file;
}

std::string cmyk_profile()
{
    cmsHPROFILE profile = cmsCreateProfilePlaceholder(nullptr);
    cmsSetProfileVersion(profile, 4.3);
    cmsSetDeviceClass(profile, cmsSigOutputClass);
    cmsSetColorSpace(profile, cmsSigCmykData);
    cmsSetPCS(profile, cmsSigLabData);
    cmsPipeline* way = cmsPipelineAlloc(nullptr, 4, 3);
    cmsStage* table = cmsStageAllocCLut16bit(nullptr, 5, 4, 3, nullptr);
    cmsStageSampleCLut16bit(table, press, nullptr, 0);
    cmsPipelineInsertStage(way, cmsAT_END, cmsStageAllocToneCurves(nullptr, 4, nullptr));
    cmsPipelineInsertStage(way, cmsAT_END, table);
    cmsPipelineInsertStage(way, cmsAT_END, cmsStageAllocToneCurves(nullptr, 3, nullptr));
    bool good
        = cmsWriteTag(profile, cmsSigAToB0Tag, way) && cmsWriteTag(profile, cmsSigAToB1Tag, way);
    cmsPipelineFree(way);
    cmsWriteTag(profile, cmsSigMediaWhitePointTag, cmsD50_XYZ());
    cmsMLU* text = cmsMLUalloc(nullptr, 1);
    cmsMLUsetASCII(text, "en", "US", "a press");
    cmsWriteTag(profile, cmsSigProfileDescriptionTag, text);
    cmsMLUfree(text);
    cmsUInt32Number size = 0;
    good = good && cmsSaveProfileToMem(profile, nullptr, &size);
    std::string out(size, '\0');
    good = good && cmsSaveProfileToMem(profile, &out[0], &size);
    cmsCloseProfile(profile);
    if (!good)
        throw std::runtime_error("the profile can't be made");
    return out;
}

std::array<int, 3> through_profile(const std::array<unsigned char, 4>& ink)
{
    const std::string bytes = cmyk_profile();
    cmsHPROFILE from = cmsOpenProfileFromMem(bytes.data(), cmsUInt32Number(bytes.size()));
    cmsHPROFILE to = cmsCreate_sRGBProfile();
    cmsHTRANSFORM transform
        = cmsCreateTransform(from, TYPE_CMYK_8, to, TYPE_RGB_8, INTENT_RELATIVE_COLORIMETRIC,
                             cmsFLAGS_BLACKPOINTCOMPENSATION);
    unsigned char rgb[3] = {};
    cmsDoTransform(transform, ink.data(), rgb, 1);
    cmsDeleteTransform(transform);
    cmsCloseProfile(from);
    cmsCloseProfile(to);
    return {rgb[0], rgb[1], rgb[2]};
}

} // namespace pictures
