#!/usr/bin/env python3
"""Every recipe of a folder as JPEG proxies, by Python's OpenImageIO. Buys nothing; says which
recipes have no frames yet, and what each would cost.

    batch.py FOLDER OUT [width]
"""
import pathlib
import sys

import OpenImageIO as oiio


def proxies(recipe, out, width):
    hints = oiio.ImageSpec()
    hints.attribute("klio:to", "srgb")  # code values, which a JPEG shows as they are
    image = oiio.ImageInput.open(str(recipe), hints)
    if not image:
        return oiio.geterror()
    index = 0
    while image.seek_subimage(index, 0):
        spec = image.spec()
        pixels = image.read_image(index, 0, 0, 3, "float")
        if pixels is None:
            return image.geterror()
        frame = oiio.ImageBuf(oiio.ImageSpec(spec.width, spec.height, 3, "float"))
        frame.set_pixels(oiio.ROI(), pixels)
        height = round(width * spec.height / spec.width)
        small = oiio.ImageBufAlgo.resize(frame, roi=oiio.ROI(0, width, 0, height, 0, 1, 0, 3))
        small.specmod().attribute("ImageDescription", spec.get_string_attribute("klio:job"))
        name = out / f"{recipe.stem}.{spec.get_string_attribute('oiio:subimagename')}.jpg"
        if not small.write(str(name), "uint8"):
            return small.geterror()
        index += 1
    return ""


def main():
    folder, out = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    width = int(sys.argv[3]) if len(sys.argv) > 3 else 640
    out.mkdir(parents=True, exist_ok=True)
    failed = 0
    for recipe in sorted(folder.glob("*.kling")):
        fault = proxies(recipe, out, width)
        failed += bool(fault)
        print(f"{recipe.name}: {fault or 'done'}")
    return 1 if failed else 0


sys.exit(main())
