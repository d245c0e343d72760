#!/usr/bin/python3
"""The Python module against a store that the command filled: BUILD_FOLDER FILLED EMPTY OUT.exr"""
import sys

build, filled, empty, out = sys.argv[1:5]
sys.path.insert(0, build + "/lib/klio/python")
import klio
import numpy
import OpenImageIO as oiio

assert len(klio.__version__) >= 5
session = klio.Session()
try:
    session.find(empty)
    raise SystemExit("a recipe that nobody generated was found")
except klio.Error as error:
    assert error.kind == "not_stored" and error.exit_code == 18, error.kind
    assert "klio generate" in str(error)
try:
    session.find("/nonexistent.kling")
    raise SystemExit("a missing recipe was found")
except klio.Error as error:
    assert error.kind == "reference"

frames = session.find(filled)
assert len(frames) == 2 and len(frames.job) == 64 and frames.take == 1
pixels = frames.pixels(1, to="srgb")
assert pixels.dtype == numpy.float32 and pixels.shape[:2] == (1024, 1024), pixels.shape
stored = oiio.ImageBuf(frames.files[0]).get_pixels(oiio.FLOAT)
assert numpy.abs(pixels[..., :3] - stored[..., :3]).max() < 1e-6, "to='srgb' is not the stored bytes"
linear = frames.pixels(1)
assert numpy.abs(linear[..., :3] - pixels[..., :3]).max() > 0.05, "the default is not scene-linear"
frames.write(2, out)
assert oiio.ImageBuf(out).spec().get_string_attribute("klio:job") == frames.job
steps = []
again = session.generate(filled, progress=lambda step, message, done, total: steps.append(step) or True)
assert again.files == frames.files, "generating again did not give the stored set"
other = session.generate(filled, take=2)
assert other.take == 2 and other.job != frames.job and len(other) == 2, "take 2 by the local gateway"
print("python_test passed:", len(steps), "progress steps")
