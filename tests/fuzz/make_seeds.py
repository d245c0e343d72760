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


def main():
    folder = sys.argv[1]
    os.makedirs(folder, exist_ok=True)
    for method in ("none", "rle", "zip", "zips", "piz", "pxr24", "b44", "b44a", "dwaa", "dwab"):
        write(folder, f"{method}.exr", 4, "half", compression=method)
    write(folder, "float.exr", 3, "float", compression="zip")
    write(folder, "tiled.exr", 4, "half", 32, compression="zip")
    write(folder, "grey.exr", 1, "half")
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
