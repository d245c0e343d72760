#!/usr/bin/python3
"""Makes the pictures that the benchmark of preparing runs on: a 4096x2160 half RGBA zip EXR and an
8192x6144 JPEG, from real ones where they are found (enlarged, plus grain), else from a scene made
of noise. Usage: make_plates.py FOLDER [DATA_FOLDER]"""
import os
import sys

import numpy as np
import OpenImageIO as oiio


def enlarged(path, width, height, grain, rng):
    """The picture at this size, with film grain, so that no codec finds it easier than a plate."""
    source = oiio.ImageBuf(path)
    spec = source.spec()
    scale = max(width / spec.width, height / spec.height)
    big = oiio.ImageBufAlgo.resize(source, roi=oiio.ROI(0, round(spec.width * scale), 0,
                                                        round(spec.height * scale)))
    pixels = big.get_pixels(oiio.FLOAT)[:height, :width, :3]
    noise = rng.standard_normal(pixels.shape, dtype=np.float32)
    return np.maximum(pixels, 0) * (1 + grain * noise) + grain * 0.01 * np.abs(noise)


def scene(width, height, grain, rng):
    """Noise of all sizes, with some highlights."""
    pixels = np.zeros((height, width, 3), np.float32)
    for step in (256, 64, 16, 4):
        cells = rng.random((height // step + 2, width // step + 2, 3), dtype=np.float32)
        tile = np.repeat(np.repeat(cells, step, 0), step, 1)[:height, :width]
        pixels += tile * step / 256
    pixels[height // 3:height // 3 + 40, width // 2:width // 2 + 40] = 300
    return pixels * 0.5 * (1 + grain * rng.standard_normal(pixels.shape, dtype=np.float32))


def write(path, pixels, spec):
    out = oiio.ImageOutput.create(path)
    if not out or not out.open(path, spec) or not out.write_image(pixels):
        sys.exit(path + ": " + oiio.geterror())
    out.close()


def main():
    folder, data = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else ""
    os.makedirs(folder, exist_ok=True)
    rng = np.random.default_rng(7)
    real = os.path.join(data, "StillLife.exr")
    plate = os.path.join(folder, "plate.exr")
    if not os.path.exists(plate):
        pixels = (enlarged(real, 4096, 2160, 0.3, rng) if os.path.exists(real)
                  else scene(4096, 2160, 0.3, rng))
        # A matte with grain of its own, as keyed film has: a plain one would cost nothing.
        matte = 1 - 0.3 * np.abs(rng.standard_normal(pixels.shape[:2], dtype=np.float32))
        rgba = np.dstack([pixels, matte])
        spec = oiio.ImageSpec(4096, 2160, 4, "half")
        spec.attribute("compression", "zip")
        write(plate, rgba, spec)
    real = os.path.join(data, "tahoe-gps.jpg")
    photo = os.path.join(folder, "photo.jpg")
    if not os.path.exists(photo):
        pixels = (enlarged(real, 8192, 6144, 0.06, rng) if os.path.exists(real)
                  else np.clip(scene(8192, 6144, 0.06, rng), 0, 1))
        spec = oiio.ImageSpec(8192, 6144, 3, "uint8")
        spec.attribute("Compression", "jpeg:90")
        write(photo, np.clip(pixels, 0, 1), spec)
    for name in (plate, photo):
        print(f"{name}: {os.path.getsize(name) / 1e6:.1f} MB")


main()
