#!/usr/bin/env python3
"""What would end the command by a signal, and must not while something is paid for: a limit on file
sizes, and a reader of its output that went away. signals.py BUILD_FOLDER"""
import json
import os
import subprocess
import sys

from support import World, check

KEY = {"KLIO_API_KEY": "test-key-123"}


def jobs(world, text):
    lines = world.klio("jobs", "--text", text, "--json").stdout.splitlines()
    return [json.loads(line) for line in lines]


def limited(world):
    """Once the create is answered, files may be no larger than the limit: the picture does not fit."""
    gateway = world.gateway("--key", "test-key-123")
    words = f"generate --endpoint {gateway.endpoint} --prompt limited --out limited.exr"
    world.klio("jobs")  # the data folder is there
    done = world.run("bash", "-c", f"ulimit -f 300; exec klio {words} --resolution 2k", code=None, **KEY)
    check(done.returncode == 15 and "run again" in done.stderr,
          f"a limit on file sizes is an error, not the end: {done.returncode} {done.stderr.strip()[-200:]}")
    check(jobs(world, "limited")[0]["state"] == "submitted", "what was bought is known")
    world.klio(*words.split(), "--resolution", "2k", **KEY)
    check(len(gateway.ledger()["charges"]) == 1, "and collected without the limit, for nothing")
    gateway.stop()


def unread(world):
    gateway = world.gateway("--key", "test-key-123")
    for name, more in (("json", ["--json"]), ("text", [])):
        read, write = os.pipe()
        os.close(read)
        done = subprocess.run(["klio", *more, "generate", "--endpoint", gateway.endpoint, "--prompt",
                               f"unread {name}", "--out", f"{name}.exr"], stdout=write,
                              stderr=subprocess.PIPE, text=True, cwd=world.folder, timeout=60,
                              env={**world.environment, **KEY})
        os.close(write)
        check(done.returncode == 0 and (world.folder / f"{name}.exr").exists(),
              f"a run whose output nobody reads goes on ({name}): {done.returncode} {done.stderr.strip()}")
        check(jobs(world, f"unread {name}")[0]["state"] == "succeeded", "and its job ends well")
    check(len(gateway.ledger()["charges"]) == 2, "each paid for once")
    gateway.stop()


if __name__ == "__main__":
    with World(sys.argv[1]) as world:
        limited(world)
        unread(world)
