#!/usr/bin/env python3
"""What reading through the plugin costs, as a ratio to reading the same frames from their files.

    tests/bench/plugin_cost.py BUILD [runs]

Whole processes, side by side: the two of a pair run in turns, so that a busy machine hurts both
alike. Printed are the ratios of the medians, in wall time and in processor time.
"""
import os
import pathlib
import resource
import statistics
import subprocess
import sys
import tempfile
import time

build = pathlib.Path(sys.argv[1]).resolve()
runs = int(sys.argv[2]) if len(sys.argv) > 2 else 9


def timed(command, env):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.monotonic()
    subprocess.run(command, env=env, check=True, stdout=subprocess.DEVNULL)
    wall = time.monotonic() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, (after.ru_utime + after.ru_stime) - (before.ru_utime + before.ru_stime)


def compare(name, ours, theirs, env, plain):
    figures = {"ours": [], "theirs": []}
    for turn in range(runs + 1):
        pair = [("ours", ours, env), ("theirs", theirs, plain)]
        for which, command, environment in pair if turn % 2 else reversed(pair):
            figure = timed(command, environment)
            if turn:  # the first warms the disk
                figures[which].append(figure)
    wall = [statistics.median(f[0] for f in figures[w]) for w in ("ours", "theirs")]
    cpu = [statistics.median(f[1] for f in figures[w]) for w in ("ours", "theirs")]
    print(f"{name:44} wall {wall[0]:.3f} / {wall[1]:.3f} s = {wall[0] / wall[1]:.3f}   "
          f"cpu {cpu[0]:.3f} / {cpu[1]:.3f} s = {cpu[0] / cpu[1]:.3f}", flush=True)


with tempfile.TemporaryDirectory() as folder:
    plain = {k: v for k, v in os.environ.items()
             if not k.startswith("KLIO_") and k not in ("OIIO_LIBRARY_PATH", "OCIO")}
    env = dict(plain, KLIO_HOME=folder + "/home", OIIO_LIBRARY_PATH=str(build / "lib/klio/oiio"))
    os.chdir(folder)
    subprocess.run(["oiiotool", "--pattern", "fill:topleft=2,.1,.1:topright=.1,4,.2:"
                    "bottomleft=.1,.2,8:bottomright=0,0,0", "1920x1080", "3", "--noise:stddev=.02",
                    "-d", "half", "-o", "plate.exr"], env=plain, check=True)
    pathlib.Path("shot.kling").write_text(
        '{"prompt": "a lantern in heavy rain, <<<image_1>>>", "images": ["plate.exr"],'
        ' "aspect_ratio": "16:9", "resolution": "2k", "num_images": 4,'
        ' "klio": {"endpoint": "local"}}')
    subprocess.run(["oiiotool", "shot.kling", "-o", "frames.exr"],
                   env=dict(env, KLIO_ON_MISS="generate"), check=True)
    stored = sorted(str(p) for p in pathlib.Path(folder, "home/results").rglob("*.png"))
    for i in range(len(stored)):
        subprocess.run(["oiiotool", "shot.kling", "--subimage", str(i), "-o", f"frame{i}.exr"],
                       env=env, check=True)
    exrs = [f"frame{i}.exr" for i in range(len(stored))]

    compare("iinfo, against a stored PNG", ["iinfo", "shot.kling"], ["iinfo", stored[0]], env, plain)
    compare("iinfo, against an EXR frame", ["iinfo", "shot.kling"], ["iinfo", exrs[0]], env, plain)
    def reading(names):
        """Pixels of all frames, and hardly any work besides."""
        return ["oiiotool", "-a", *names, *(["--siappendall"] if len(names) > 1 else []),
                "--crop", "8x8", "-o", "small.exr"]

    compare("oiiotool, code values, against stored PNGs", reading(["shot.kling?to=srgb"]),
            reading(stored), env, plain)
    compare("oiiotool, scene-linear, against EXR frames", reading(["shot.kling"]), reading(exrs), env,
            plain)
    compare("oiiotool, scene-linear, against stored PNGs", reading(["shot.kling"]), reading(stored),
            env, plain)
    compare("oiiotool of a foreign PNG, plugin found or not", ["iinfo", stored[0]],
            ["iinfo", stored[0]], env, plain)
