#!/usr/bin/env python3
"""Contact sheets side by side with the tools that people use now.

    compare.py BUILD [--runs 5] [--sheets 10] [--memory]

Nine JPEG frames of 2720x1536 into 3x3 cells of 1024x576, JPEG out, no labels (as the peers are
asked for none), then --sheets such sheets: klio in one call, the peers run once for each. Medians of
--runs, taken in turns so that other work on the machine hits all alike. --memory adds klio's peak
memory for 9, 100 and 500 frames.
"""
import argparse
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

import numpy
import OpenImageIO as oiio


def make_frames(folder):
    """Photograph-like frames: smooth shapes with edges and grain, about 0.6 MB each."""
    y, x = numpy.mgrid[0:1536, 0:2720].astype(numpy.float32)
    names = []
    for i in range(9):
        random = numpy.random.default_rng(i)
        pixels = numpy.zeros((1536, 2720, 3), numpy.float32)
        for c in range(3):
            pixels[..., c] = 0.45 + 0.25 * numpy.sin(x / (180 + 40 * c + 9 * i) + y / 310)
        for _ in range(160):
            cx, cy, r = random.integers(0, 2720), random.integers(0, 1536), random.integers(8, 160)
            x0, x1, y0, y1 = max(0, cx - r), min(2720, cx + r), max(0, cy - r), min(1536, cy + r)
            inside = (x[y0:y1, x0:x1] - cx) ** 2 + (y[y0:y1, x0:x1] - cy) ** 2 < r * r
            pixels[y0:y1, x0:x1][inside] = random.random(3)
        pixels += random.normal(0, 0.012, pixels.shape).astype(numpy.float32)
        image = oiio.ImageBuf(oiio.ImageSpec(2720, 1536, 3, "uint8"))
        image.set_pixels(oiio.ROI(0, 2720, 0, 1536), numpy.clip(pixels, 0, 1))
        image.specmod().attribute("Compression", "jpeg:90")
        name = os.path.join(folder, "frame.%04d.jpg" % (i + 1))
        image.write(name)
        names.append(name)
    return names


def timed(command):
    """Seconds on the clock, and of processor time, which other work disturbs less."""
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = status
    if status:
        sys.exit("%s failed" % command[0])
    return time.perf_counter() - start, usage.ru_utime + usage.ru_stime


def peak(command):
    """Peak resident memory in MB. A small process starts the command, since what a child had of its
    parent before exec counts as the child's."""
    script = ("import os, subprocess, sys; p = subprocess.Popen(sys.argv[1:], stdout=subprocess."
              "DEVNULL); print(os.wait4(p.pid, 0)[2].ru_maxrss)")
    shown = subprocess.run([sys.executable, "-c", script, *command], check=True,
                           stdout=subprocess.PIPE, text=True)
    return int(shown.stdout) / 1024


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("build")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--sheets", type=int, default=10)
    parser.add_argument("--memory", action="store_true")
    args = parser.parse_args()
    klio = os.path.join(args.build, "bin", "klio")
    with tempfile.TemporaryDirectory() as folder:
        frames = make_frames(folder)
        shots = []
        for i in range(args.sheets):
            shot = pathlib.Path(folder, "shots", "%02d" % i)
            shot.mkdir(parents=True)
            for frame in frames:
                os.symlink(frame, shot / os.path.basename(frame))
            shots.append(str(shot))
        out = lambda name: os.path.join(folder, name)
        look = ["--layout", "3x3", "--cell", "1024x576", "--gap", "8", "--margin", "8",
                "--label", "", "--header", "", "-f"]
        cells = ["-geometry", "1024x576+4+4", "-tile", "3x3", "-quality", "92"]
        klio_one = [klio, "sheet", *frames, "-o", out("klio.jpg"), *look]
        klio_many = [klio, "sheet", *shots, "-o", out("klio_{folder}.jpg"), *look]
        one = {"klio": klio_one}
        if shutil.which("gm"):
            one["gm montage"] = ["gm", "montage", *cells, *frames, out("gm.jpg")]
        magick = shutil.which("montage-im6.q16") or shutil.which("montage")
        if magick:
            one["ImageMagick montage"] = [magick, *cells, *frames, out("im.jpg")]
        mosaic = ["oiiotool", *frames, "--mosaic:pad=8:fit=1024x576", "3x3", "-o", out("oiio.jpg")]
        times = {name: [] for name in one}
        many = []
        subprocess.run(klio_one, check=True, stdout=subprocess.DEVNULL)  # caches warm for all
        for _ in range(args.runs):
            for name, command in one.items():
                times[name].append(timed(command))
            many.append(timed(klio_many))
        mosaics = [timed(mosaic) for _ in range(max(1, args.runs // 3))]
        middle = lambda values: [statistics.median(column) for column in zip(*values)]
        median = {name: middle(values) for name, values in times.items()}
        median["oiiotool --mosaic:fit"] = middle(mosaics)
        print("one sheet (median of %d):" % args.runs)
        for name, (clock, cpu) in median.items():
            print("  %-24s %6.2f s, processor %6.2f s; klio is %5.2f and %5.2f times faster"
                  % (name, clock, cpu, clock / median["klio"][0], cpu / median["klio"][1]))
        clock, cpu = middle(many)
        print("%d sheets: klio in one call %.2f s, processor %.2f s" % (args.sheets, clock, cpu))
        for name, (one_clock, one_cpu) in median.items():
            if "montage" in name:
                print("  %s run %d times: %.2f s, processor %.2f s; klio is %.2f and %.2f times faster"
                      % (name, args.sheets, one_clock * args.sheets, one_cpu * args.sheets,
                         one_clock * args.sheets / clock, one_cpu * args.sheets / cpu))
        if args.memory:
            for count in (9, 100, 500):
                many_frames = [frames[i % 9] for i in range(count)]
                # One page however many: memory must not even grow with the page.
                columns = 3 if count == 9 else 20
                print("  %3d frames on one page: %.0f MB" % (count, peak(
                    [klio, "sheet", *many_frames, "-o", out("memory.jpg"), "-f", "--cell", "256x144",
                     "--layout", "%dx%d" % (columns, -(-count // columns))])))
    return 0


if __name__ == "__main__":
    sys.exit(main())
