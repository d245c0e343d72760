#!/usr/bin/env python3
"""The fault matrix: what `klio generate` makes of each fault of the local gateway, and what it cost.

    matrix.py BUILD_FOLDER [--quick] [--jobs N] [--only TEXT] [--table FILE]

Each row has a gateway and a data folder of its own, and three runs of the same command: one with
the fault, one after the gateway was started again without it ("next run"), and, where that has the
frames, one more that must send nothing and give the same bytes. The gateway's own ledger is the
judge of creates and charges. Exits with 1 where a row is not as documented.
"""
import argparse
import concurrent.futures
import dataclasses
import hashlib
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

KEY = "matrix-stand-in-key"
OK, KEY_ERROR, CREDITS, REFUSAL, NETWORK, UNKNOWN, TIMEOUT, RATE, BAD_REQUEST, FAILED, DAMAGED = (
    0, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13)
NAMES = {0: "frames", 4: "key", 5: "credits", 6: "refusal", 7: "network", 8: "unknown",
         9: "timeout", 10: "rate", 11: "bad_request", 12: "failed", 13: "damaged"}


@dataclasses.dataclass
class Row:
    fault: str          # as klio serve takes it; several are separated by spaces
    first: int          # exit code of the run that meets the fault
    then: int           # exit code of the next run, without the fault
    creates: int        # that arrived at the gateway, over all runs
    charges: int
    images: int = 2     # frames at the end, where there are any
    timeout: float = 30
    fault_seconds: float = 0.5
    quick: bool = False  # part of the short form
    once: bool = False   # the first run alone
    by_hand: str = ""    # what collects it in the end: "resolve", or a JSON pointer for recover


def surely_accepted(fault, **more):
    """The fault costs at most time: one create, one charge, all frames."""
    return Row(fault, OK, OK, 1, 1, **more)


def rows():
    table = [
        surely_accepted("", quick=True),
        # Connections, and what happens to a create on the wire.
        Row("refuse", NETWORK, OK, 1, 1, timeout=3),
        surely_accepted("refuse:1"),
        Row("reset-before-body", UNKNOWN, UNKNOWN, 1, 0),
        Row("reset-after-body", UNKNOWN, UNKNOWN, 1, 0),
        Row("drop", UNKNOWN, UNKNOWN, 1, 1, quick=True, by_hand="resolve"),
        Row("hang", UNKNOWN, UNKNOWN, 1, 1, by_hand="resolve"),
        surely_accepted("slow-headers"),
        surely_accepted("drip"),
        Row("truncate", UNKNOWN, UNKNOWN, 1, 1, by_hand="resolve"),
        Row("wrong-length", UNKNOWN, UNKNOWN, 1, 1, by_hand="resolve"),
        # What a create is answered with.
        Row("400", BAD_REQUEST, OK, 2, 1),
        Row("401", KEY_ERROR, OK, 2, 1),
        Row("403", KEY_ERROR, OK, 2, 1),
        Row("404", BAD_REQUEST, OK, 2, 1),
        Row("408:1", OK, OK, 2, 1),
        Row("410", BAD_REQUEST, OK, 2, 1),
        Row("422", BAD_REQUEST, OK, 2, 1),
        Row("425:1", OK, OK, 2, 1),
        Row("429:1", OK, OK, 2, 1, quick=True),
        Row("429", RATE, OK, 4, 1, timeout=4),
        Row("429-seconds:1", OK, OK, 2, 1),
        Row("429-date:1", OK, OK, 2, 1),
        Row("429-absurd:1", RATE, OK, 2, 1),
        Row("429-nonsense:1", OK, OK, 2, 1),
        Row("429-balance", CREDITS, OK, 2, 1),
        Row("500:1", OK, OK, 2, 1),
        Row("500-html", UNKNOWN, UNKNOWN, 1, 0),
        Row("502", UNKNOWN, UNKNOWN, 1, 0),
        Row("502-accepted", UNKNOWN, UNKNOWN, 1, 1, by_hand="resolve"),
        Row("503:1", OK, OK, 2, 1),
        Row("503-bare", UNKNOWN, UNKNOWN, 1, 0),
        Row("504", UNKNOWN, UNKNOWN, 1, 0),
        Row("504-accepted", UNKNOWN, UNKNOWN, 1, 1, by_hand="resolve"),
        Row("520", UNKNOWN, UNKNOWN, 1, 0),
        Row("html-200", UNKNOWN, UNKNOWN, 1, 0),
        Row("code-200=400", BAD_REQUEST, OK, 2, 1),
        Row("code-200=401", KEY_ERROR, OK, 2, 1),
        Row("code-200=404", BAD_REQUEST, OK, 2, 1),
        Row("code-200=500:1", OK, OK, 2, 1),
        Row("code-200=502", UNKNOWN, UNKNOWN, 1, 0),
        Row("code-200=1201", BAD_REQUEST, OK, 2, 1),
        Row("code-200=77", BAD_REQUEST, OK, 2, 1),
        Row("broken-json", UNKNOWN, UNKNOWN, 1, 1, by_hand="resolve"),
        Row("empty", UNKNOWN, UNKNOWN, 1, 1, by_hand="resolve"),
        Row("credits-gone", CREDITS, OK, 2, 1, quick=True),
        Row("credits-200", CREDITS, OK, 2, 1),
        Row("refusal", REFUSAL, REFUSAL, 1, 0, quick=True),
        surely_accepted("create-id"),
        surely_accepted("finished"),
        surely_accepted("finished-urls"),
        surely_accepted("finished-b64"),
        # What becomes of the task.
        Row("refusal-task", REFUSAL, REFUSAL, 1, 0),
        Row("task-failed", FAILED, OK, 2, 1),
        surely_accepted("task-late"),
        Row("task-lost", UNKNOWN, UNKNOWN, 1, 1),
        Row("stuck", TIMEOUT, TIMEOUT, 1, 0, timeout=3),
        surely_accepted("unknown-word"),
        *(Row("word=" + word, FAILED, OK, 2, 1)
          for word in ("failed", "FAILURE", "error", "cancelled", "canceled", "rejected")),
        # It may be said of a task that had its images: nobody knows whether it was charged.
        Row("word=expired", UNKNOWN, UNKNOWN, 1, 1),
        surely_accepted("bad-utf8"),
        Row("bad-utf8 task-failed", FAILED, OK, 2, 1),
        surely_accepted("b64"),
        surely_accepted("echo"),
        surely_accepted("numbers-as-strings"),
        Row("empty-result", DAMAGED, DAMAGED, 1, 1),
        Row("elsewhere", DAMAGED, DAMAGED, 1, 1, by_hand="/data/artifacts/pictures"),
        surely_accepted("too-few", images=1),
        surely_accepted("too-many", images=3),
        surely_accepted("same-url", images=1),  # the same picture twice is one frame
        surely_accepted("null-image", images=1),
        surely_accepted("expired-url", quick=True),
        surely_accepted("expired-400"),
        surely_accepted("expired-html"),
        surely_accepted("reordered"),
        surely_accepted("changed-file"),
        surely_accepted("corrupt-once"),
        surely_accepted("corrupt-once jpeg"),
        Row("expired-for-good", DAMAGED, DAMAGED, 1, 1),
        Row("corrupt-image", DAMAGED, DAMAGED, 1, 1),
        Row("cut-image", DAMAGED, DAMAGED, 1, 1),
        Row("wrong-format", DAMAGED, DAMAGED, 1, 1),
        Row("not-an-image", DAMAGED, DAMAGED, 1, 1),
        Row("huge-image", DAMAGED, DAMAGED, 1, 1),
        surely_accepted("jpeg"),
        # Polls.
        *(surely_accepted(fault + "@poll:1", quick=fault == "drop")
          for fault in ("reset-after-body", "drop", "hang", "slow-headers", "drip", "truncate",
                        "wrong-length", "408", "429-seconds", "429-date", "500", "500-html", "502",
                        "503", "504", "520", "html-200", "code-200=500", "code-200=404", "broken-json",
                        "empty", "404")),
        Row("401@poll", KEY_ERROR, OK, 1, 1),
        Row("429@poll", RATE, OK, 1, 1, timeout=4),
        # Downloads.
        *(surely_accepted(fault + "@download:1", quick=fault == "truncate")
          for fault in ("reset-before-body", "reset-after-body", "drop", "hang", "slow-headers",
                        "drip", "truncate", "wrong-length", "403", "404", "408", "410", "429-seconds",
                        "500-html", "502", "503", "504", "html-200", "empty")),
        Row("404@download", DAMAGED, OK, 1, 1),
        Row("500@download", NETWORK, OK, 1, 1, timeout=4),
        # Several at once, as bad days have them.
        surely_accepted("429-seconds:1 503@poll:1 truncate@download:1 expired-url", images=2),
    ]
    table[-1].creates = 2
    under = ("data.output.", "data.result.", "data.task_result.", "data.response.", "data.", "")
    keys = ("images", "images.url", "images.image_url", "images.b64_json", "image_urls", "outputs",
            "outputs.url", "outputs.image_url", "outputs.b64_json", "output", "output.b64_json",
            "result_urls", "urls")
    for parent in under:
        for key in keys:
            table.append(surely_accepted(f"shape={parent}{key}", once=True))
        for key in ("image_url", "url"):
            table.append(surely_accepted(f"shape={parent}{key}", once=True, images=1))
    for place in ("data.status", "status", "data.task_status", "data.state"):
        table.append(surely_accepted(f"state={place}", once=True))
    for word in ("completed", "COMPLETE", "Success", "succeed", "succeeded", "finished", "done",
                 "created", "PENDING", "queued", "submitted", "starting", "in_progress",
                 "processing", "Running"):
        table.append(surely_accepted(f"word={word}", once=True))
    return table


class Gateway:
    def __init__(self, klio, folder, port, faults, fault_seconds):
        command = [klio, "serve", "--port", str(port), "--key", KEY + ":1000", "--latency", "0.2",
                   "--state", str(folder / "gateway"), "--fault-seconds", str(fault_seconds)]
        for fault in faults:
            command += ["--fault", fault]
        self.log = open(folder / "gateway.log", "a")
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=self.log, text=True)
        line = self.process.stdout.readline()
        if not line.startswith("listening on "):
            raise RuntimeError("the gateway did not start: " + line)
        self.endpoint = line.split()[-1]

    def ledger(self):
        with urllib.request.urlopen(self.endpoint + "/ledger", timeout=20) as answer:
            return json.load(answer)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        rest, _ = self.process.communicate(timeout=30)
        self.log.write(rest)
        self.log.close()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def environment_of(folder):
    # Nothing of the machine's own settings, a proxy least of all.
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "KLIO_HOME": str(folder / "home"),
                   "KLIO_API_KEY": KEY, "LC_ALL": "C.UTF-8"}
    for name in ("LD_LIBRARY_PATH", "ASAN_OPTIONS", "TSAN_OPTIONS", "UBSAN_OPTIONS"):
        if name in os.environ:
            environment[name] = os.environ[name]
    return environment


def by_hand(klio, folder, row, task, endpoint):
    """Collects the one job of this data folder as a person would, who says whom the key is for."""
    environment = {**environment_of(folder), "KLIO_ENDPOINT": endpoint}
    listed = subprocess.run([klio, "--json", "jobs"], env=environment,
                            capture_output=True, text=True, timeout=200).stdout
    job = re.search(r'"job": ?"([0-9a-f]{12})', listed).group(1)
    arguments = (["resolve", job, "--task", task] if row.by_hand == "resolve"
                 else ["recover", job, "--at", row.by_hand])
    done = subprocess.run([klio, "jobs", *arguments], env=environment,
                          capture_output=True, text=True, timeout=200)
    (folder / "klio.log").open("a").write(done.stdout + done.stderr)
    return done.returncode


def generate(klio, folder, endpoint, row, run):
    out = folder / f"out{run}"
    out.mkdir()
    done = subprocess.run(
        [klio, "generate", "--prompt", "A lighthouse", "--num-images", "2", "--endpoint", endpoint,
         "--timeout", str(row.timeout), "--out", str(out / "frame.#.png")],
        env=environment_of(folder), capture_output=True, text=True, timeout=200)
    (folder / "klio.log").open("a").write(done.stdout + done.stderr)
    frames = {path.name: hashlib.sha256(path.read_bytes()).hexdigest()
              for path in sorted(out.glob("frame.*.png"))}
    return done.returncode, frames, done.stderr.strip().splitlines()[-1:] or [""]


def check(klio, row, quick, keep):
    folder = pathlib.Path(tempfile.mkdtemp(prefix="klio-matrix-"))
    started = time.monotonic()
    wrong = []
    try:
        port = free_port()
        gateway = Gateway(klio, folder, port, row.fault.split(), row.fault_seconds)
        try:
            first, frames, message = generate(klio, folder, gateway.endpoint, row, 1)
        finally:
            gateway.stop()
        then = first
        gateway = Gateway(klio, folder, port, [], 0)
        try:
            if not row.once:
                then, frames, _ = generate(klio, folder, gateway.endpoint, row, 2)
                if then == OK and not quick:
                    again, same, _ = generate(klio, folder, gateway.endpoint, row, 3)
                    if again != OK or same != frames:
                        wrong.append("a further run gives something else")
            ledger = gateway.ledger()
            found = ""
            if row.by_hand and not quick and len(ledger["charges"]) == 1:
                found = by_hand(klio, folder, row, ledger["charges"][0]["task_id"], gateway.endpoint)
                if found == OK:
                    found, collected, _ = generate(klio, folder, gateway.endpoint, row, 4)
                if found != OK or len(collected) != row.images:
                    wrong.append(f"collected by hand: {found}")
                else:
                    frames = collected
                ledger = gateway.ledger()
        finally:
            gateway.stop()
        creates, charges = ledger["creates"], len(ledger["charges"])
        for what, got, expected in (("first run", first, row.first), ("next run", then, row.then),
                                    ("creates", creates, row.creates),
                                    ("charges", charges, row.charges),
                                    ("frames", len(frames) if OK in (then, found) else 0,
                                     row.images if row.then == OK or found == OK else 0)):
            if got != expected:
                wrong.append(f"{what}: {got}, not {expected}")
        if charges > 1:
            wrong.append("PAID TWICE")
        # All pictures of a task differ.
        stored = [path.read_bytes() for path in (folder / "home" / "results").rglob("*.*")
                  if path.suffix in (".png", ".jpg", ".webp")]
        if len(set(stored)) != len(stored):
            wrong.append("one picture is stored as two")
        for path in folder.rglob("*"):
            if path.is_file() and path.parent.name != "gateway" and KEY.encode() in path.read_bytes():
                wrong.append(f"the key stands in {path.relative_to(folder)}")
    except (RuntimeError, OSError, subprocess.SubprocessError, ValueError) as error:
        first = then = creates = charges = -1
        found = ""
        frames, message = {}, [repr(error)]
        wrong.append(repr(error))
    if keep and wrong:
        wrong.append(f"see {folder}")
    else:
        shutil.rmtree(folder, ignore_errors=True)
    return dict(row=row, first=first, then=then, creates=creates, charges=charges, found=found,
                frames=len(frames) if OK in (then, found) else 0, message=message[0], wrong=wrong,
                seconds=time.monotonic() - started)


def name(code):
    return f"{NAMES.get(code, '?')} ({code})"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build")
    parser.add_argument("--quick", action="store_true", help="the part that ctest runs")
    parser.add_argument("--jobs", type=int, default=4)
    parser.add_argument("--only", default="", help="rows whose fault has this text")
    parser.add_argument("--table", help="write the table to this file, as Markdown")
    parser.add_argument("--keep", action="store_true", help="keep the folders of rows that are wrong")
    options = parser.parse_args()
    klio = str(pathlib.Path(options.build).resolve() / "bin" / "klio")
    chosen = [row for row in rows()
              if (row.quick or not options.quick) and options.only in row.fault]
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        results = list(pool.map(lambda row: check(klio, row, options.quick, options.keep), chosen))
    lines = ["| fault | first run | next run, without it | by hand | frames | creates | charges |",
             "|---|---|---|---|---|---|---|"]
    for result in results:
        row = result["row"]
        then = "" if row.once else name(result["then"])
        hand = "" if result["found"] == "" else name(result["found"])
        lines.append(f"| {row.fault or 'none'} | {name(result['first'])} | {then} | "
                     f"{hand} | {result['frames']} | {result['creates']} | {result['charges']} |")
    print("\n".join(lines))
    if options.table:
        pathlib.Path(options.table).write_text("\n".join(lines) + "\n")
    bad = [result for result in results if result["wrong"]]
    for result in bad:
        print(f"WRONG: {result['row'].fault}: {'; '.join(result['wrong'])} [{result['message']}]")
    charges = sum(result["charges"] for result in results)
    print(f"{len(results)} rows, {len(bad)} wrong; {sum(r['creates'] for r in results)} creates, "
          f"{charges} charges, none twice" if not any(r["charges"] > 1 for r in results)
          else "A JOB WAS PAID FOR TWICE")
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
