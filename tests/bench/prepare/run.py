#!/usr/bin/python3
"""Preparing, side by side with its peers in one run: medians and ratios.

Usage: run.py BUILD PLATES [REPEATS]; PLATES is a folder made by make_plates.py. What is compared
runs in turns, so that a busy machine slows all of them alike; figures are ratios of medians."""
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time


def run(command):
    """Seconds on the clock, seconds of processor time, peak memory in MB of one command."""
    start = time.monotonic()
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        sys.exit("failed: " + " ".join(command))
    return time.monotonic() - start, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def compare(title, goals, commands, repeats):
    """`commands`: name -> command; the first is klio's. `goals`: name -> ratio to reach."""
    figures = {name: [] for name in commands}
    for _ in range(repeats):
        for name, command in commands.items():
            figures[name].append(run(command))
    print(title)
    own = None
    for name, values in figures.items():
        wall, cpu, memory = (statistics.median(column) for column in zip(*values))
        line = f"  {name:14s} {wall:7.2f} s  {cpu:6.2f} s of processor  {max(v[2] for v in values):4.0f} MB"
        if own is None:
            own = wall, cpu
        else:
            line += f"   klio is {wall / own[0]:.2f} times faster (goal {goals[name]}), {cpu / own[1]:.2f} by processor time"
        print(line, flush=True)


def main():
    build, plates = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
    repeats = int(sys.argv[3]) if len(sys.argv) > 3 else 7
    klio = os.path.join(build, "bin", "klio")
    with tempfile.TemporaryDirectory() as top:
        # What klio writes must not take the place of what the next reads.
        inputs, out = os.path.join(top, "in"), os.path.join(top, "out")
        os.mkdir(inputs)
        os.mkdir(out)
        plate, photo = os.path.join(plates, "plate.exr"), os.path.join(plates, "photo.jpg")
        prepare = [klio, "prepare", "--aspect-ratio", "16:9", "--resolution", "2k", "--force",
                   "--codec", "jpeg", "--out", out]
        texture = [*prepare, "--policy", "texture"]
        many = []
        for name, count in ((plate, 10), (photo, 20)):
            stem, ending = os.path.splitext(os.path.basename(name))
            links = [os.path.join(inputs, f"{stem}{i}{ending}") for i in range(count)]
            for link in links:
                os.symlink(name, link)
            many.append(links)
        jpeg = os.path.join(out, "peer.jpg")
        thumbs = ["vipsthumbnail", "--size", "2720x1536", "--smartcrop", "centre", "-o",
                  os.path.join(out, "%s-v.jpg[Q=95]")]
        compare("One 4096x2160 half RGBA zip EXR, to 2k 16:9, JPEG 95",
                {"vips": 1.7, "oiiotool": 3.2},
                {"klio": [*texture, plate],
                 "vips": ["vips", "thumbnail", plate, jpeg + "[Q=95]", "2720", "--height", "1536",
                          "--crop", "centre"],
                 "oiiotool": ["oiiotool", plate, "--ch", "R,G,B", "--cut", "3825x2160+135+0",
                              "--resize:filter=lanczos3", "2720x1536", "--colorconvert", "linear",
                              "sRGB", "--compression", "jpeg:95", "-o", jpeg]}, repeats)
        compare("The same through the view that klio chooses by itself", {}, {"klio": [*prepare, plate]},
                min(3, repeats))
        compare("Ten of them in one call", {"vipsthumbnail": 3},
                {"klio": [*texture, *many[0]], "vipsthumbnail": [*thumbs, *many[0]]}, repeats)
        compare("One 8192x6144 JPEG to 2k", {"vips": "none"},
                {"klio": [*prepare, photo],
                 "vips": ["vips", "thumbnail", photo, jpeg + "[Q=95]", "2720", "--height", "1536",
                          "--crop", "centre"]}, repeats)
        compare("Twenty of them in one call", {"vipsthumbnail": 1.5},
                {"klio": [*prepare, *many[1]], "vipsthumbnail": [*thumbs, *many[1]]}, repeats)


main()
