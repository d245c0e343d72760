#!/usr/bin/env python3
"""What a person does to a run, and finds afterwards: Ctrl-C once and twice, kill -9 while files are
written, a wrong task id. interrupted.py BUILD_FOLDER"""
import hashlib
import json
import os
import signal
import subprocess
import sys
import time

from support import World, check

KEY = {"KLIO_API_KEY": "test-key-123"}


def start(world, *words):
    return subprocess.Popen(["klio", *map(str, words)], cwd=world.folder, text=True,
                            env={**world.environment, **KEY}, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE)


def until(condition, what, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            sys.exit(f"FAILED: {what} did not come")
        time.sleep(0.002)


def jobs(world, text):
    lines = world.klio("jobs", "--text", text, "--json").stdout.splitlines()
    return [json.loads(line) for line in lines]


def interrupted(world):
    gateway = world.gateway("--key", "test-key-123", "--fault", "hang@create", "--fault-seconds", 60)

    def sent(prompt):
        process = start(world, "generate", "--endpoint", gateway.endpoint, "--prompt", prompt, "--out",
                        "x.exr")
        until(lambda: [job for job in jobs(world, prompt) if job["state"] == "submitting"], "the create")
        time.sleep(0.3)  # for its bytes to leave
        return process

    process = sent("once")
    begun = time.monotonic()
    process.send_signal(signal.SIGINT)
    error = process.communicate(timeout=20)[1]
    check(time.monotonic() - begun < 2, "Ctrl-C ends a run soon")
    check(process.returncode == 130 and "klio jobs resolve" in error,
          f"and says what to do: {error.strip()[-200:]}")

    process = sent("twice")
    begun = time.monotonic()
    process.send_signal(signal.SIGINT)
    time.sleep(0.05)
    check(process.poll() is None, "the first Ctrl-C still waits for the answer to the create")
    process.send_signal(signal.SIGINT)
    output, error = process.communicate(timeout=20)
    check(process.returncode == 130 and time.monotonic() - begun < 0.5, "the second one kills at once")
    check("error:" not in error, "without another word")
    check(jobs(world, "twice")[0]["state"] == "unknown", "what it left is unknown, not lost")
    resumed = world.klio("generate", "--endpoint", gateway.endpoint, "--prompt", "twice", "--out", "x.exr",
                         code=8, **KEY)
    check("klio jobs resolve" in resumed.stderr, "and is not sent again by itself")
    gateway.stop()


def killed_while_writing(world):
    words = ["generate", "--local", "--prompt", "nine", "--num-images", 9, "--sidecar", "--sheet", "sheet.jpg"]
    (world.folder / "whole").mkdir()
    world.klio(*words[:-1], "whole/sheet.jpg", "--out", "whole/k.#.exr")  # into the store, and as it should be
    whole = {path.name: hashlib.sha256(path.read_bytes()).hexdigest()
             for path in (world.folder / "whole").iterdir()}
    process = start(world, *words, "--out", "k.#.exr")
    until(lambda: (world.folder / "k.0003.exr").exists(), "the third frame")
    process.kill()
    process.communicate()
    check(process.returncode == -signal.SIGKILL and not (world.folder / "k.0009.exr").exists(),
          "killed between the frames")
    first = (world.folder / "k.0001.exr").stat().st_mtime_ns

    old, young, other = (world.folder / name for name in
                         (".k.0002.exr.tmp-0123456789ab", ".k.0003.exr.tmp-0123456789ac", ".k.0002.exr.tmp-mine"))
    for path in (old, young, other):
        path.write_bytes(b"half of it")
    for path in (old, other):
        os.utime(path, (1e9, 1e9))
    again = world.result(*words, "--out", "k.#.exr")
    check(again["from_store"] and len(again["frames"]) == 9, "the same command goes on without --force")
    check({name: hashlib.sha256((world.folder / name).read_bytes()).hexdigest() for name in whole} == whole,
          "and ends with the same files")
    check((world.folder / "k.0001.exr").stat().st_mtime_ns == first, "those that were there are left alone")
    check(not old.exists() and young.exists() and other.exists(),
          "temporary files that a killed run left are gone, and no others")
    young.unlink()
    other.unlink()

    # The last step but the sheet, and a sheet that is another's.
    (world.folder / "sheet.jpg").write_bytes(b"a sheet of somebody else's")
    check("sheet.jpg" in world.klio(*words, "--out", "k.#.exr", code=14).stderr, "another's sheet stays")
    (world.folder / "sheet.jpg").unlink()
    (world.folder / "k.0004.exr").write_bytes((world.folder / "k.0005.exr").read_bytes())
    (world.folder / "k.0009.exr").unlink()
    check("k.0004.exr" in world.klio(*words, "--out", "k.#.exr", code=14).stderr,
          "another frame under this name is refused")
    check(not (world.folder / "k.0009.exr").exists(), "before anything is written")
    tiff = ["generate", "--local", "--prompt", "nine", "--num-images", 9, "--single-file", "--out", "all.tif"]
    world.klio(*tiff)
    world.klio(*tiff)
    (world.folder / "all.tif").write_bytes(b"x")
    world.klio(*tiff, code=14)
    check(True, "a file of all frames likewise")


def which_task(world):
    gateway = world.gateway("--key", "test-key-123", "--fault", "drop@create:1")
    words = ["generate", "--endpoint", gateway.endpoint, "--prompt", "which", "--out", "which.exr"]
    world.klio(*words, code=8, **KEY)
    job = jobs(world, "which")[0]["job"]
    endpoint = {"KLIO_ENDPOINT": gateway.endpoint, **KEY}
    wrong = world.klio("jobs", "resolve", job[:12], "--task", "mistyped", code=2, **endpoint)
    check("no such task" in wrong.stderr and "--force" in wrong.stderr, f"a wrong id: {wrong.stderr.strip()[:200]}")
    check(jobs(world, "which")[0]["state"] == "unknown", "changes nothing")
    task = gateway.ledger()["charges"][0]["task_id"]
    right = world.klio("jobs", "resolve", job[:12], "--task", task, **endpoint)
    check("the service has it" in right.stdout, f"the right one: {right.stdout.splitlines()[0]}")
    world.klio(*words, **endpoint)
    check(len(gateway.ledger()["charges"]) == 1, "brings the frames, for nothing")

    other = world.gateway("--key", "test-key-123", "--fault", "drop@create:1")
    words = ["generate", "--endpoint", other.endpoint, "--prompt", "unreachable", "--out", "u.exr"]
    world.klio(*words, code=8, **KEY)
    other.stop()
    job = jobs(world, "unreachable")[0]["job"]
    deaf = world.klio("jobs", "resolve", job[:12], "--task", "t1", "--timeout", 1, code=9,
                      **{**KEY, "KLIO_ENDPOINT": other.endpoint})
    check("could not be asked" in deaf.stderr and "nothing was changed" in deaf.stderr,
          f"a service that can't be reached: {deaf.stderr.strip()[:200]}")
    forced = world.klio("jobs", "resolve", job[:12], "--task", "t1", "--force", "--timeout", 1,
                        **{**KEY, "KLIO_ENDPOINT": other.endpoint})
    check("unasked" in forced.stderr and jobs(world, "unreachable")[0]["state"] == "submitted",
          "is taken at its word with --force, and a warning")


if __name__ == "__main__":
    with World(sys.argv[1]) as world:
        interrupted(world)
        killed_while_writing(world)
        which_task(world)
