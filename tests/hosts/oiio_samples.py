#!/usr/bin/env python3
"""Runs each of samples/oiiotool as a pipeline would, on frames of the local gateway.

    tests/hosts/oiio_samples.py BUILD SAMPLES
"""
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

BUILD, SAMPLES = (pathlib.Path(a).resolve() for a in sys.argv[1:3])
folder = tempfile.mkdtemp(prefix="klio-samples-")
os.chdir(folder)
ENV = {k: v for k, v in os.environ.items() if not k.startswith(("KLIO_", "OCIO", "OIIO"))}
ENV.update(KLIO_HOME=folder + "/home", XDG_CONFIG_HOME=folder, OIIO_LIBRARY_PATH=str(BUILD / "lib/klio/oiio"))
if "KLIO_TEST_PRELOAD" in os.environ:  # set by tests/sanitize.sh
    ENV["LD_PRELOAD"] = os.environ["KLIO_TEST_PRELOAD"]
faults, ran = [], set()


def run(*command, **more):
    return subprocess.run([str(c) for c in command], env=dict(ENV, **more), stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, timeout=120)


def sample(name, *arguments, expect=0):
    ran.add(name)
    result = run(*(["/usr/bin/python3"] if name.endswith(".py") else ["bash"]), SAMPLES / name, *arguments)
    if result.returncode != expect:
        faults.append(f"{name} {arguments}: exit {result.returncode}: {result.stdout}")
    return result.stdout


def expect(good, what):
    if not good:
        faults.append(what)


def size(path):
    found = re.search(r": +(\d+) x +(\d+), +(\d+) channel, (.*)", run("iinfo", path).stdout)
    return found.group(1, 2, 3) + (found.group(4).split()[-1],) if found else None


run("oiiotool", "--pattern", "checker:color1=2,.5,.1:color2=0,.1,.4", "800x600", "3", "-d", "half",
    "-o", "plate.exr")
pathlib.Path("shot.kling").write_text(json.dumps(
    {"prompt": "the checker of <<<image_1>>> in rain", "images": ["plate.exr"], "aspect_ratio": "16:9",
     "num_images": 3, "klio": {"endpoint": "local"}}))
pathlib.Path("later.kling").write_text('{"prompt": "not bought yet", "num_images": 2}')

missing = sample("frames-to-exr.sh", "shot.kling", "none.#.exr", expect=1)
expect("klio generate shot.kling" in missing, "a miss says what to run: " + missing)
for take in (1, 2):
    bought = run("iinfo", f"shot.kling?take={take}", KLIO_ON_MISS="generate")
    expect(bought.returncode == 0, bought.stdout)

sample("frames-to-exr.sh", "shot.kling", "shot.#.exr")
expect([size(f"shot.000{i}.exr") for i in (1, 2, 3)] == [("1360", "768", "3", "openexr")] * 3,
       "three EXR frames of the right size")
sample("over-plate.sh", "shot.kling", "plate.exr", "comp.exr", "2")
expect(size("comp.exr") == ("800", "600", "3", "openexr") or size("comp.exr") == ("800", "600", "4", "openexr"),
       f"a comp as large as the plate, not {size('comp.exr')}")
run("oiiotool", "plate.exr", "--cut", "8x8+0+0", "-o", "a.exr")
run("oiiotool", "comp.exr", "--ch", "R,G,B", "--cut", "8x8+0+0", "-o", "b.exr")
expect(run("idiff", "-fail", ".001", "a.exr", "b.exr").returncode == 0, "what the crop left out is the plate's")
run("oiiotool", "plate.exr", "--cut", "400x300+200+150", "-o", "a.exr")
run("oiiotool", "comp.exr", "--ch", "R,G,B", "--cut", "400x300+200+150", "-o", "b.exr")
expect(run("idiff", "-fail", ".001", "a.exr", "b.exr").returncode != 0, "the frame covers the plate")
sample("sheet.sh", "shot.kling", "sheet.png", "bare.png")
expect(size("sheet.png") and size("bare.png")[0] == "1600", "two sheets")
sample("texture.sh", "shot.kling", "one.tx")
sample("texture.sh", "shot.kling", "three.tx", "3", "ACEScg")
for name in ("one.tx", "three.tx"):
    expect("tile size" in run("iinfo", "-v", name).stdout, f"{name} is tiled")
same = run("idiff", "-fail", ".001", "three.tx", "shot.kling?frame=3&to=ACEScg")
expect(same.returncode == 0, "the third frame's texture: " + same.stdout)
sample("wedge-of-takes.sh", "shot.kling", "2", "wedge.#.exr", "wedge.png")
expect(size("wedge.0002.exr") and size("wedge.png")[0] == "1600", "a wedge")
missing = sample("wedge-of-takes.sh", "shot.kling", "3", "w.#.exr", "w.png", expect=1)
expect("--take" in missing, "a take that is missing names its command: " + missing)
said = sample("layout-before-buying.sh", "later.kling", "layout.png")
expect("shows a preview" in said and size("layout.png")[0] == "1280", "a layout of previews: " + said)
said = sample("provenance.sh", "shot.kling", "shot.0002.exr")
expect(said.count("job ") == 4 and "  frame 2" in said, "provenance of recipe and file: " + said)
said = sample("batch.py", ".", "proxies", "320", expect=1)
expect(len(list(pathlib.Path("proxies").glob("shot.frame.*.jpg"))) == 3, "three proxies: " + said)
expect("later.kling: klio: " in said and "at least 6 credits" in said, "what is missing has its price: " + said)

there = {p.name for p in SAMPLES.iterdir() if p.suffix in (".sh", ".py")}
expect(there == ran, f"samples that were not run: {there - ran}")
print("\n".join(faults) if faults else f"{len(ran)} samples ran")
os.chdir("/")
if not faults:
    shutil.rmtree(folder, ignore_errors=True)
else:
    print("see", folder)
sys.exit(1 if faults else 0)
