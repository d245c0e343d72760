#!/usr/bin/python3
"""Writes one small picture of every kind that OpenImageIO can write here: the seeds of
prepare_fuzz. Usage: make_seeds.py FOLDER"""
import os
import subprocess
import sys

import numpy as np
import OpenImageIO as oiio

W, H = 96, 64


def pixels(channels):
    y, x = np.mgrid[0:H, 0:W].astype(np.float32)
    planes = [x / W, y / H, (x * y) % 17 / 17, np.clip((x - 20) / 40, 0, 1)]
    if channels == 1:
        return planes[0][..., None].copy()
    return np.dstack(planes[:channels]) if channels <= 4 else np.dstack(planes * 2)[..., :channels]


def write(folder, name, channels=3, kind="uint8", tile=0, **attributes):
    path = os.path.join(folder, name)
    out = oiio.ImageOutput.create(path)
    if not out:
        return print("no writer for", name)
    spec = oiio.ImageSpec(W, H, channels, kind)
    if tile:
        spec.tile_width = spec.tile_height = tile
    for key, value in attributes.items():
        spec.attribute(key.replace("__", ":"), value)
    data = pixels(channels)
    good = out.open(path, spec) and (
        out.write_tiles(0, W, 0, H, 0, 1, data.reshape(H, W, channels)) if tile
        else out.write_image(data))
    if not good:
        print("can't write", name, out.geterror())
        os.path.exists(path) and os.remove(path)
    out.close()


def write_parts(path, specs):
    """Several parts of one OpenEXR file."""
    out = oiio.ImageOutput.create(path)
    good = out.open(path, tuple(specs))
    for i, spec in enumerate(specs):
        if i:
            good = good and out.open(path, spec, "AppendSubimage")
        good = good and out.write_image(np.ascontiguousarray(pixels(spec.nchannels)))
    if not good:
        print("can't write", path, out.geterror())
    out.close()


def write_exr_oddities(folder):
    """What OpenEXR can hold besides one half picture a file."""
    for kind in ("half", "float", "uint"):
        for method in ("zip", "zips"):
            write(folder, f"{kind}-{method}.exr", 4, kind, compression=method)
    for method in ("none", "zip", "piz", "b44"):
        write(folder, f"tiled-{method}.exr", 4, "half", 32, compression=method)
    mixed = oiio.ImageSpec(W, H, 5, "half")
    mixed.channelnames = ("R", "G", "B", "Z", "id")
    mixed.channelformats = tuple(oiio.TypeDesc(kind) for kind in ("half", "half", "half", "float", "uint"))
    mixed.attribute("compression", "zip")
    write_parts(os.path.join(folder, "mixed.exr"), [mixed])
    for name, shift, full in (("overscan", -16, (0, 0, W - 32, H - 32)), ("cropped", 40, (0, 0, 2 * W, 2 * H)),
                              ("apart", 500, (0, 0, W, H))):
        for method in ("zip", "none"):
            spec = oiio.ImageSpec(W, H, 3, "half")
            spec.x = spec.y = shift
            spec.full_x, spec.full_y, spec.full_width, spec.full_height = full
            spec.attribute("compression", method)
            write_parts(os.path.join(folder, f"{name}-{method}.exr"), [spec])
    views = oiio.ImageSpec(W, H, 6, "half")
    views.channelnames = ("R", "G", "B", "right.R", "right.G", "right.B")
    views.attribute("multiView", oiio.TypeDesc("string[2]"), ("left", "right"))
    write_parts(os.path.join(folder, "multiview.exr"), [views])
    parts = []
    for name, channels, kind, method in (("depth", 1, "float", "zips"), ("rgb", 3, "half", "zip"),
                                         ("rgba", 4, "half", "piz")):
        spec = oiio.ImageSpec(W, H, channels, kind)
        spec.attribute("oiio:subimagename", name)
        spec.attribute("compression", method)
        if channels == 1:
            spec.channelnames = ("Z",)
        parts.append(spec)
    write_parts(os.path.join(folder, "parts.exr"), parts)
    chroma = oiio.ImageSpec(W, H, 3, "half")
    chroma.channelnames = ("Y", "RY", "BY")
    write_parts(os.path.join(folder, "chroma.exr"), [chroma])
    for ending in ("exr", "tif"):
        source = oiio.ImageBuf(os.path.join(folder, "zip.exr"))
        oiio.ImageBufAlgo.make_texture(oiio.MakeTxTexture, source,
                                       os.path.join(folder, f"mipmap.{ending}"), oiio.ImageSpec())


def main():
    folder = sys.argv[1]
    os.makedirs(folder, exist_ok=True)
    for method in ("none", "rle", "zip", "zips", "piz", "pxr24", "b44", "b44a", "dwaa", "dwab"):
        write(folder, f"{method}.exr", 4, "half", compression=method)
    write(folder, "float.exr", 3, "float", compression="zip")
    write(folder, "tiled.exr", 4, "half", 32, compression="zip")
    write(folder, "grey.exr", 1, "half")
    write_exr_oddities(folder)
    for name, channels, kind in (("rgb", 3, "uint8"), ("rgba", 4, "uint8"), ("grey", 1, "uint8"),
                                 ("rgb16", 3, "uint16"), ("rgba16", 4, "uint16")):
        write(folder, f"{name}.png", channels, kind)
        for method in ("none", "lzw", "zip", "packbits"):
            write(folder, f"{name}-{method}.tif", channels, kind, compression=method)
    for method in ("none", "zip"):
        write(folder, f"float-{method}.tif", 3, "float", compression=method)
    write(folder, "tiled.tif", 3, "uint8", 32)
    write(folder, "bits1.tif", 1, "uint8", oiio__BitsPerSample=1)
    write(folder, "jpeg.jpg")
    write(folder, "grey.jpg", 1)
    for name in ("rgb.bmp", "rgb.tga", "rgb.ppm", "rgb.sgi", "rgb.webp", "rgb.gif", "rgb.jp2",
                 "rgb.rla", "rgb.iff", "rgb.ico", "rgb.heic", "rgb.avif", "rgb.jxl"):
        write(folder, name)
    write(folder, "rgb.iff", tile=0)
    write(folder, "rgba.tga", 4)
    for name, kind in (("rgb8.dpx", "uint8"), ("rgb16.dpx", "uint16"), ("rgb.hdr", "float"),
                       ("rgb.fits", "float"), ("grey.zfile", "float"), ("rgb.pfm", "float")):
        write(folder, name, 1 if "zfile" in name else 3, kind)
    write(folder, "rgb10.dpx", 3, "uint16", oiio__BitsPerSample=10)
    # What OpenImageIO does not write, ImageMagick does.
    png = os.path.join(folder, "rgb.png")
    for name, flags in (("progressive.jpg", ["-interlace", "JPEG"]),
                        ("cmyk.jpg", ["-colorspace", "CMYK"]),
                        ("cmyk.tif", ["-colorspace", "CMYK"]),
                        ("palette.png", ["-colors", "16", "-type", "Palette"]),
                        ("bits1.png", ["-monochrome"]), ("adam7.png", ["-interlace", "PNG"]),
                        ("palette.tif", ["-colors", "16", "-type", "Palette"]),
                        ("palette.bmp", ["-colors", "16", "-type", "Palette"]),
                        ("rle.tga", ["-compress", "RLE"]), ("rgb.psd", []), ("rgb.cin", []),
                        ("rgb.dds", []), ("grey.pgm", ["-colorspace", "Gray"])):
        subprocess.run(["convert", png, *flags, os.path.join(folder, name)], check=False,
                       stderr=subprocess.DEVNULL)
    print(len(os.listdir(folder)), "seeds in", folder)


main()
