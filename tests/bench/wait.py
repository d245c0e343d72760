#!/usr/bin/env python3
"""How much waiting adds: from the service having the result to the frames being stored.

Runs `klio generate` against a gateway of a given latency and compares the time at which the task
was ready, by the gateway's own books, with the time at which the last result file was in its place.

wait.py BUILD [--latencies 1,5,15,60] [--images N]
"""
import argparse
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import threading
import time

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("build")
parser.add_argument("--latencies", default="1,5,15,60")
parser.add_argument("--images", type=int, default=2)
args = parser.parse_args()
klio = str(pathlib.Path(args.build).resolve() / "bin" / "klio")
folder = pathlib.Path(tempfile.mkdtemp(prefix="klio-wait-"))
results = {}


def measure(latency):
    own = folder / str(latency)
    own.mkdir()
    log = open(own / "gateway.log", "w")
    gateway = subprocess.Popen([klio, "serve", "--latency", str(latency), "--state",
                                str(own / "state")], stdout=log, stderr=log)
    while "listening on " not in (own / "gateway.log").read_text():
        time.sleep(0.02)
    endpoint = (own / "gateway.log").read_text().split("listening on ")[1].split()[0]
    env = dict(os.environ, KLIO_HOME=str(own / "data"), KLIO_ENDPOINT=endpoint,
               KLIO_API_KEY="bench-key-123456")
    subprocess.run([klio, "generate", "--prompt", "waiting", "--num-images", str(args.images),
                    "--out", str(own / "out.#.png")], env=env, check=True, stdout=subprocess.DEVNULL)
    gateway.terminate()
    gateway.wait()
    task = json.loads(next((own / "state" / "tasks").glob("*.json")).read_text())
    stored = max(path.stat().st_mtime for path in (own / "data" / "results").rglob("*.png"))
    results[latency] = stored - task["ready"]


threads = [threading.Thread(target=measure, args=(float(text),))
           for text in args.latencies.split(",")]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
shutil.rmtree(folder, ignore_errors=True)
bad = False
for latency in sorted(results):
    allowed = max(1.0, 0.1 * latency)
    bad = bad or results[latency] > allowed
    print(f"latency {latency:g} s: stored {results[latency]:.2f} s after the service had it "
          f"(goal: at most {allowed:.1f} s)")
sys.exit(1 if bad else 0)
