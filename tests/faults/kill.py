#!/usr/bin/env python3
"""Kills klio at every durable step and at random times, and then counts.

The judge is the ledger of a gateway in a process of its own, which nobody kills: at the end there
must be exactly one charge for each job, and every charged job's frames must be in the store with
the very bytes that the gateway has. What a kill left `unknown` is resolved as a person would: by
looking into the service's list of tasks, then `klio jobs resolve`. Some resolve without looking, by
--resubmit or --forget: then the service may charge that job twice, by the person's own wish, and klio
must have counted it so; where it had not accepted the first create, that is said by --not-charged in
the end.

kill.py BUILD [--kills N] [--workers N] [--seed N] [--latency S]
"""
import argparse
import collections
import json
import os
import pathlib
import random
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
import zlib

KEY = "kill-harness-key-4711"
UNKNOWN = 8

# Each place in the code where a step has just become, or is about to become, durable.
POINTS = ["failed-before", "failed", "submitting-before", "submitting", "answered",
          "submitted-before", "submitted", "task-answer", "frame-write", "frame-written", "frame",
          "frame:2", "succeeded-before", "succeeded"]
WRONG_KEY = 4


def png(path, seed):
    """A small picture of our own, fit for the model."""
    rng = random.Random(seed)
    side = 320
    colour = bytes(rng.randrange(256) for _ in range(3))
    rows = b"".join(b"\0" + colour * side for _ in range(side))

    def chunk(name, data):
        return (struct.pack(">I", len(data)) + name + data
                + struct.pack(">I", zlib.crc32(name + data)))

    path.write_bytes(b"\x89PNG\r\n\x1a\n"
                     + chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0))
                     + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


def job_of(idempotency_key):
    """The job's key; that of a further attempt has "-2" … after it."""
    return idempotency_key.partition("-")[0]


class Harness:
    def __init__(self, args):
        self.args = args
        self.klio = str(pathlib.Path(args.build).resolve() / "bin" / "klio")
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="klio-kill-"))
        self.rng = random.Random(args.seed)
        self.lock = threading.Lock()
        self.kills = 0
        self.by_point = collections.Counter()
        self.resolved = collections.Counter()
        self.twice = collections.Counter()
        self.jobs = 0
        self.problems = []

    def environment(self, crash=None, key=KEY):
        env = {name: value for name, value in os.environ.items() if not name.startswith("KLIO_")}
        env.update(KLIO_HOME=str(self.folder / "data"), KLIO_ENDPOINT=self.endpoint,
                   KLIO_API_KEY=key, KLIO_CONFIG=str(self.folder / "config.json"))
        if crash:
            env["KLIO_CRASH_AT"] = crash
        return env

    def start_gateway(self):
        self.gateway = subprocess.Popen(
            [self.klio, "serve", "--latency", str(self.args.latency), "--key", KEY + ":1000000",
             "--state", str(self.folder / "gateway")],
            stdout=open(self.folder / "gateway.log", "w"), stderr=subprocess.STDOUT)
        while True:
            text = (self.folder / "gateway.log").read_text()
            if "listening on " in text:
                self.endpoint = text.split("listening on ")[1].split()[0]
                return
            if self.gateway.poll() is not None:
                sys.exit("the gateway did not start: " + text)
            time.sleep(0.02)

    def ask(self, path):
        request = urllib.request.Request(self.endpoint + path,
                                         headers={"Authorization": "Bearer " + KEY})
        with urllib.request.urlopen(request) as answer:
            return answer.read()

    def tasks(self):
        """The service's own list: job -> task ids, whatever their state."""
        found = collections.defaultdict(list)
        for path in (self.folder / "gateway" / "tasks").glob("*.json"):
            try:
                task = json.loads(path.read_text())
            except (ValueError, OSError):
                continue
            found[job_of(task["idempotency_key"])].append(task["id"])
        return found

    def run(self, arguments, crash=None, kill_after=None, key=KEY):
        """One process of klio; returns its exit code, negative where it was killed."""
        process = subprocess.Popen([self.klio, *arguments], env=self.environment(crash, key),
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        try:
            out, err = process.communicate(timeout=kill_after if kill_after else 120)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            out, err = process.communicate()
            if kill_after is None:
                self.problem(f"klio {' '.join(arguments)} hung")
        if process.returncode == -signal.SIGKILL:
            with self.lock:
                self.kills += 1
                self.by_point[crash or "random time"] += 1
        return process.returncode, out, err

    def problem(self, text):
        with self.lock:
            self.problems.append(text)

    def resolve(self, prompt, chance, may_be_blind):
        """What a person does about an unknown job, not before the service had the time to note it.
        True where they did not look at the service."""
        time.sleep(1)
        code, out, err = self.run(["--json", "jobs", "--text", prompt])
        entries = [json.loads(line) for line in out.splitlines()]
        for entry in entries:
            if entry.get("state") not in ("unknown", "submitting") or entry.get("running"):
                continue
            key = entry["job"]
            known = self.tasks().get(key, [])
            with self.lock:
                wish = self.rng.choice(["--resubmit", "--forget"])
                blind = may_be_blind and self.rng.random() < 0.4
            how = ([wish] if blind else ["--task", known[0]] if known else [wish, "--not-charged"])
            kill_after = self.moment(0.5) if chance < 0.3 and not blind else None
            code, out, err = self.run(["jobs", "resolve", key, *how], kill_after=kill_after)
            if code == 0:
                with self.lock:
                    self.resolved["--task" if "--task" in how else " ".join(how)] += 1
                    self.twice[key] += blind and bool(known)
            elif code > 0:
                self.problem(f"resolve {how}: {err.strip()}")
            if blind:
                return True
        return False

    def settle_cost(self, prompt):
        """A create that was not accepted still counts where nobody looked: it was not charged."""
        code, out, err = self.run(["--json", "jobs", "--text", prompt])
        for entry in map(json.loads, out.splitlines()):
            if entry["unknown"] and not self.twice[entry["job"]]:
                code, out, err = self.run(["jobs", "resolve", entry["job"], "--not-charged"])
                if code != 0:
                    self.problem(f"resolve --not-charged: {err.strip()}")
                with self.lock:
                    self.resolved["--not-charged, at the end"] += 1

    def moment(self, longest):
        with self.lock:
            return 0.01 + self.rng.random() * longest

    def job(self, number):
        with self.lock:
            self.jobs += 1
            count = self.rng.choice([1, 2, 3])
            with_plate = self.rng.random() < 0.5
            # Each point in turn, then a random time or two, so that what a crash left is itself
            # interrupted.
            plans = [POINTS[number % len(POINTS)]] + [None] * self.rng.choice([0, 1, 1, 2])
            self.rng.shuffle(plans)
        # A word that no other prompt contains, to find the job by.
        prompt = f"job{number:05d}x"
        arguments = ["generate", "--prompt", prompt, "--num-images", str(count), "--timeout", "60",
                     "--aspect-ratio", "1:1", "--force",
                     "--out", str(self.folder / "out" / f"{prompt}.#.png")]
        if with_plate:
            plate = self.folder / f"{prompt}.png"
            png(plate, number)
            arguments += ["--image", str(plate)]
        for crash in plans:
            if crash:
                crash = crash if ":" in crash else crash + ":1"
            kill_after = None if crash else self.moment(self.args.latency + 2.2)
            # A create that is refused is what fails most simply.
            key = "a-wrong-key" if crash and crash.startswith("failed") else KEY
            code, out, err = self.run(arguments, crash, kill_after, key)
            if code not in (0, UNKNOWN, -signal.SIGKILL) and (code, key == KEY) != (WRONG_KEY, False):
                self.problem(f"{prompt}: exit {code}: {err.strip()}")
            # Once somebody sent it again blindly, it is left alone, so that the sums are known.
            if code == UNKNOWN and self.resolve(prompt, self.rng.random(), number % 5 != 0):
                break
        for attempt in range(8):
            # Several at once, as a farm would have it, one of which may be killed too.
            others = []
            if number % 5 == 0:
                others = [threading.Thread(target=self.run,
                                           args=(arguments, None, self.moment(2.5)))]
            for other in others:
                other.start()
            code, out, err = self.run(arguments)
            for other in others:
                other.join()
            if code == 0:
                self.settle_cost(prompt)
                return
            if code == UNKNOWN:
                self.resolve(prompt, 1, False)
            else:
                self.problem(f"{prompt}: exit {code}: {err.strip()}")
        self.problem(f"{prompt}: not brought home in 8 runs: {err.strip()}")

    def judge(self):
        """Charges against jobs, and every frame against the gateway's own bytes."""
        code, out, err = self.run(["--json", "jobs"])
        jobs = {entry["job"]: entry for entry in map(json.loads, out.splitlines())}
        charges = json.loads(self.ask("/ledger"))["charges"]
        by_job = collections.Counter(job_of(charge["idempotency_key"]) for charge in charges)
        lost = []
        for key, entry in jobs.items():
            if by_job.get(key, 0) != 1 + self.twice[key]:
                self.problem(f"job {key[:12]}: {by_job.get(key, 0)} charges")
            if entry["state"] != "succeeded" or not entry["frames"]:
                lost.append(f"job {key[:12]} is {entry['state']}")
                continue
            images = json.loads(self.ask("/api/v1/tasks/" + entry["task_id"]))
            urls = [image if isinstance(image, str) else image["url"]
                    for image in images["data"]["output"]["images"]]
            if len(urls) != len(entry["frames"]):
                lost.append(f"job {key[:12]}: {len(entry['frames'])} of {len(urls)} frames")
            for url, frame in zip(urls, entry["frames"]):
                with urllib.request.urlopen(url) as answer:
                    if pathlib.Path(frame["path"]).read_bytes() != answer.read():
                        lost.append(f"{frame['path']} has other bytes")
        for key in by_job:
            if key not in jobs:
                lost.append(f"a charge for {key}, which no job knows")
        code, out, err = self.run(["--json", "cost"])
        cost = next(line for line in map(json.loads, out.splitlines()) if "total" in line)
        twice = sum(self.twice.values())
        if cost["spent"] != 6 * len(jobs) or cost["unknown"] != 6 * twice or cost["reserved"]:
            self.problem(f"klio cost says {cost} for {len(jobs)} jobs")
        rubbish = [str(path) for path in (self.folder / "data").rglob("*.tmp-*")
                   if "results" in path.parts]
        for path in rubbish:
            self.problem(f"left behind: {path}")
        return len(jobs), len(charges), lost

    def main(self):
        (self.folder / "out").mkdir()
        (self.folder / "config.json").write_text("{}")
        self.start_gateway()
        started = time.monotonic()
        numbers = iter(range(10 ** 9))

        def work():
            while True:
                with self.lock:
                    if self.kills >= self.args.kills or self.problems:
                        return
                    number = next(numbers)
                self.job(number)

        workers = [threading.Thread(target=work) for _ in range(self.args.workers)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        jobs, charges, lost = self.judge()
        self.gateway.terminate()
        self.gateway.wait()
        twice = sum(self.twice.values())
        print(f"kills {self.kills}, jobs {jobs}, charges {charges} ({twice} of them a second one, by a "
              f"person's wish), losses {len(lost)}, {time.monotonic() - started:.0f} s")
        print("killed at: " + ", ".join(f"{name} {count}"
                                        for name, count in sorted(self.by_point.items())))
        print("resolved: " + (", ".join(f"{name} {count}"
                                        for name, count in self.resolved.items()) or "none"))
        for text in lost + self.problems:
            print("FAULT:", text)
        if jobs != self.jobs:
            print(f"FAULT: {self.jobs} jobs were asked for, the store knows {jobs}")
        good = not lost and not self.problems and jobs == charges - twice == self.jobs
        if good or not self.args.keep:
            shutil.rmtree(self.folder, ignore_errors=True)
        else:
            print("kept:", self.folder)
        return 0 if good else 1


parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("build")
parser.add_argument("--kills", type=int, default=300)
parser.add_argument("--workers", type=int, default=4)
parser.add_argument("--seed", type=int, default=1)
parser.add_argument("--latency", type=float, default=0.3)
parser.add_argument("--keep", action="store_true", help="keep the folder after a fault")
sys.exit(Harness(parser.parse_args()).main())
