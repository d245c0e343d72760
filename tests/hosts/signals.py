#!/usr/bin/env python3
"""What would end the command by a signal, and must not while something is paid for: a limit on file
sizes, a reader of its output that went away, a terminal that is closed. And a Ctrl-C that must end
it, though another process holds the database. signals.py BUILD_FOLDER"""
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time

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


def start(world, *words, **more):
    return subprocess.Popen([str(word) for word in words], cwd=world.folder, text=True,
                            env={**world.environment, **KEY}, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, **more)


def until(condition, what, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            sys.exit(f"FAILED: {what} did not come")
        time.sleep(0.01)


def hung_up(world):
    """SIGHUP in the middle of a create that is answered after a while."""
    gateway = world.gateway("--key", "test-key-123", "--fault", "slow-headers@create", "--fault-seconds", 2)

    def sent(prompt, *prefix, **more):
        process = start(world, *prefix, "klio", "generate", "--endpoint", gateway.endpoint, "--prompt", prompt,
                        "--out", f"{prompt}.exr", **more)
        until(lambda: [job for job in jobs(world, prompt) if job["state"] == "submitting"], "the create")
        time.sleep(0.3)  # for its bytes to leave
        process.send_signal(signal.SIGHUP)
        time.sleep(0.05)
        if process.poll() is None:
            process.send_signal(signal.SIGHUP)  # the shell says so, and the kernel as well
        return process, process.communicate(timeout=30)[1]

    process, error = sent("hungup")
    check(process.returncode == 130 and "error:" in error,
          f"a closed terminal is a Ctrl-C: {process.returncode} {error.strip()[-200:]}")
    check(jobs(world, "hungup")[0]["state"] in ("submitted", "unknown") and not jobs(world, "hungup")[0]["running"],
          "what came of the create is written down")
    process, error = sent("nohup", preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
    check(process.returncode == 0 and (world.folder / "nohup.exr").exists(),
          f"under nohup a run outlives its terminal: {process.returncode} {error.strip()[-200:]}")
    gateway.stop()


def while_the_database_is_held(world):
    gateway = world.gateway("--key", "test-key-123")
    world.klio("jobs")
    holder = sqlite3.connect(world.folder / "data" / "klio.db", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    process = start(world, "klio", "generate", "--endpoint", gateway.endpoint, "--prompt", "held", "--out",
                    "held.exr")
    time.sleep(1.5)
    check(process.poll() is None, "a run waits for a process that holds the database")
    begun = time.monotonic()
    process.send_signal(signal.SIGINT)
    error = process.communicate(timeout=60)[1]
    took = time.monotonic() - begun
    holder.execute("ROLLBACK")
    holder.close()
    check(process.returncode == 130 and took < 1, f"until Ctrl-C: {process.returncode} after {took:.2f} s")
    check("nothing was sent" in error, f"it says what that means: {error.strip()}")
    check(not jobs(world, "held") and not gateway.ledger()["charges"], "and nothing was sent")
    gateway.stop()


if __name__ == "__main__":
    with World(sys.argv[1]) as world:
        limited(world)
        unread(world)
        hung_up(world)
        while_the_database_is_held(world)
