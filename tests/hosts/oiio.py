#!/usr/bin/env python3
"""The plugin in every host: what opens, what it costs, and what users see when it does not.

    tests/hosts/oiio.py BUILD
"""
import concurrent.futures
import contextlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import urllib.request

import iv

BUILD = pathlib.Path(sys.argv[1]).resolve()
KLIO = BUILD / "bin/klio"
HOST = BUILD / "bin/oiio_host"
PLUGIN = BUILD / "lib/klio/oiio/kling.imageio.so"

faults = []
checks = 0


def check(good, what, detail=""):
    global checks
    checks += 1
    if not good:
        faults.append(what)
        print(f"FAILED: {what}\n    {str(detail).strip()[:1500]}", flush=True)


def run(*command, env=None, **more):
    return subprocess.run([str(c) for c in command], env=env, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, timeout=120, **more)


def environment(**more):
    env = {k: v for k, v in os.environ.items() if not k.startswith(("KLIO_", "OCIO", "OIIO", "OPENIMAGEIO"))}
    env.update(KLIO_HOME=os.getcwd() + "/home",
               XDG_CONFIG_HOME=os.getcwd() + "/config",
               OIIO_LIBRARY_PATH=str(PLUGIN.parent))
    if "KLIO_TEST_PRELOAD" in os.environ:  # set by tests/sanitize.sh
        env["LD_PRELOAD"] = os.environ["KLIO_TEST_PRELOAD"]
    env.update({k: str(v) for k, v in more.items()})
    return env


def recipe(path, **fields):
    body = {"prompt": "a fox in the snow", "num_images": 2}
    klio = fields.pop("klio", None)
    body.update(fields)
    if klio is not None:
        body["klio"] = klio
    pathlib.Path(path).write_text(json.dumps(body, indent=1))
    return path


@contextlib.contextmanager
def gateway(*flags):
    """`klio serve`; yields its address."""
    process = subprocess.Popen([str(KLIO), "serve", *flags], env=environment(), text=True,
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        for line in process.stdout:
            found = re.search(r"http://127\.0\.0\.1:\d+", line)
            if found:
                break
        else:
            raise RuntimeError("klio serve did not start")
        yield found.group(0)
    finally:
        process.terminate()
        process.communicate()


def ledger(address):
    with urllib.request.urlopen(address + "/ledger") as answer:
        return json.load(answer)


PYTHON = """
import sys, OpenImageIO as oiio
name, hints = sys.argv[1], sys.argv[2:]
config = oiio.ImageSpec()
for hint in hints:
    config.attribute(*hint.split("=", 1))
inp = oiio.ImageInput.open(name, config)
if not inp:
    sys.exit(oiio.geterror())
n = 0
while inp.seek_subimage(n, 0):
    if inp.read_image(n, 0, 0, -1, "float") is None:
        sys.exit(inp.geterror())
    n += 1
print(n)
"""

PYTHON_BUF = """
import sys, OpenImageIO as oiio
buf = oiio.ImageBuf(sys.argv[1])
if not buf.read(0, 0, True):
    sys.exit(buf.geterror())
print(buf.nsubimages)
"""

# How each host is asked for pixels (or with headers_only, for no more than headers), and where its
# user looks for what went wrong.
HOSTS = {
    "oiiotool": lambda n, o: ["oiiotool", n, "-o", o + ".exr"],
    "oiiotool --info": lambda n, o: ["oiiotool", "--info", "-v", n],
    "maketx": lambda n, o: ["maketx", n, "-o", o + ".tx"],
    "iinfo": lambda n, o: ["iinfo", "-v", n],
    "iconvert": lambda n, o: ["iconvert", n, o + ".tif"],
    "idiff": lambda n, o: ["idiff", n, n],
    "igrep": lambda n, o: ["igrep", "kling-image-o1", n],
    "Python ImageInput": lambda n, o: ["/usr/bin/python3", "-c", PYTHON, n],
    "Python ImageBuf": lambda n, o: ["/usr/bin/python3", "-c", PYTHON_BUF, n],
    "C++ ImageInput": lambda n, o: [HOST, "input", n],
    "C++ ImageBuf": lambda n, o: [HOST, "buf", n],
    "C++ ImageCache": lambda n, o: [HOST, "cache", n],
    "C++ TextureSystem": lambda n, o: [HOST, "texture", n],
}
# Exit codes of a host that could not open what it was given; 1 of the others.
CODES = {"idiff": 4, "igrep": 0}
HEADERS_ONLY = {"oiiotool --info", "iinfo", "igrep"}


def in_all_hosts(names, env, judge):
    """Runs every host on every name, some at a time; judge(host, name, result)."""
    work = [(host, name) for name in names for host in HOSTS]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 2) as pool:
        results = pool.map(
            lambda pair: run(*HOSTS[pair[0]](pair[1], f"out-{abs(hash(pair))}"), env=env(pair[1])), work)
        for (host, name), result in zip(work, results):
            judge(host, name, result)


def opens_everywhere():
    run("oiiotool", "--pattern", "constant:color=.2,.4,.1", "320x180", "3", "-d", "half", "-o", "plate.exr")
    recipe("shot.kling", klio={"endpoint": "local"})
    bought = run("oiiotool", "shot.kling", "-o", "bought.exr", env=environment(KLIO_ON_MISS="generate"))
    check(bought.returncode == 0, "on_miss=generate buys in oiiotool", bought.stderr)
    check(bought.stdout == "", "nothing is said on stdout", bought.stdout)
    check(bought.stderr.count("sending job") == 1, "a purchase is announced once", bought.stderr)

    def judge(host, name, result):
        check(result.returncode == 0 and "ERROR" not in result.stderr, f"{host} reads {name}",
              result.stdout + result.stderr)
        if host == "igrep":  # it passes by what it can't open, and names with a query always
            check("?" in name or "kling-image-o1" in result.stdout, f"igrep finds the model in {name}",
                  result.stdout + result.stderr)

    in_all_hosts(["shot.kling", "shot.kling?frame=2"], lambda name: environment(),
                 lambda host, name, result: judge(host, name, result)
                 if host != "maketx" or "?" not in name else None)  # it wants a real file


@contextlib.contextmanager
def screen():
    """A display for iv; None where it can't be tested here."""
    if not iv.installed():
        print("skipped: iv or Xvfb is not installed, so the viewer was not tested")
        yield None
        return
    display = iv.Display(tempfile.mkdtemp(dir=os.getcwd()))
    try:
        yield display
    finally:
        display.close()


def viewer():
    """iv shows the frame: the band that marks a preview is on the screen, in its own orange."""
    def band(red, green, blue):
        return red > 230 and 100 < green < 170 and blue < 70

    with screen() as display:
        if not display:
            return
        counts = [display.count(band)]

        def shown(_):
            counts.append(display.count(band))
            return counts[-1] > 2000

        seen = display.view("shot.kling", environment(), shown)
        check(counts[0] == 0 and counts[-1] > 2000 and seen.returncode == 0 and "klio:" not in seen.stderr,
              "iv shows a frame", f"{counts} {seen.stderr}")


def subimages():
    info = run("oiiotool", "--info", "-v", "-a", "shot.kling", env=environment()).stdout
    names = re.findall(r'oiio:subimagename: "([^"]*)"', info)
    check(names == ["frame.1", "frame.2"], "subimages are named, in order", info)
    check(len(re.findall(r"1024 x +1024", info)) >= 2, "each has its size", info)
    for attribute in ("klio:job", "klio:prompt_sha256", "klio:take", "klio:preview", "oiio:ColorSpace"):
        check(info.count(attribute + ":") == 2, f"each has {attribute}", info)
    check('oiio:ColorSpace: "Linear"' in info, "scene-linear by a name that the host knows", info)

    generated = run(KLIO, "generate", "shot.kling", "--out", "cmd.#.exr", "--force", env=environment())
    check(generated.returncode == 0, "klio generate finds the same set", generated.stderr)
    check("from the store" in generated.stdout, "and pays nothing", generated.stdout)
    for index in (1, 2):
        run("oiiotool", f"shot.kling?frame={index}", "-o", f"one.{index}.exr", env=environment())
        same = run("idiff", f"cmd.{index:04}.exr", f"one.{index}.exr", env=environment())
        check(same.returncode == 0, f"frame {index} is what klio generate writes", same.stdout + same.stderr)

    srgb = run("iinfo", "-v", "shot.kling?to=srgb", env=environment()).stdout
    check("uint8" in srgb and '"sRGB"' in srgb, "?to=srgb gives the bytes as they came", srgb)
    stored = sorted(pathlib.Path("home/results").rglob("1.png"))[0]
    run("oiiotool", "shot.kling?to=srgb&frame=1", "-o", "bytes.png", env=environment())
    same = run("idiff", stored, "bytes.png", env=environment())
    check(same.returncode == 0, "to the last bit", same.stdout)
    aces = run("iinfo", "-v", "shot.kling?to=ACEScg", env=environment()).stdout
    check('oiio:ColorSpace: "ACEScg"' in aces, "?to=ACEScg", aces)
    hint = run("oiiotool", "--iconfig", "klio:frame", "2", "--iconfig", "klio:to", "srgb", "--info", "-v",
               "shot.kling", env=environment()).stdout
    check('"frame.2"' in hint and "uint8" in hint, "the same by --iconfig", hint)
    for subimage, frame in ((0, "frame.1"), (1, "frame.2")):
        cache = run(HOST, "cache", "shot.kling", subimage, env=environment())
        alone = run(HOST, "cache", f"shot.kling?frame={subimage + 1}", env=environment())
        check(cache.returncode == 0 and cache.stdout == alone.stdout, f"ImageCache: subimage {subimage}",
              cache.stdout + alone.stdout + cache.stderr)
        texture = run(HOST, "texture", "shot.kling", frame, env=environment())
        alone = run(HOST, "texture", f"shot.kling?frame={subimage + 1}", env=environment())
        check(texture.returncode == 0 and texture.stdout == alone.stdout, f"TextureSystem: {frame}",
              texture.stdout + alone.stdout + texture.stderr)
    absent = run(HOST, "texture", "shot.kling", "frame.7", env=environment())
    check(absent.returncode != 0, "TextureSystem: a frame that is not there", absent.stdout)
    reopened = run(HOST, "reopen", "shot.kling?frame=2", "shot.kling?frame=1", env=environment())
    lines = reopened.stdout.splitlines()
    check(len(lines) == 3 and lines[0] == lines[2] != lines[1], "one ImageInput opens one name after another",
          reopened.stdout + reopened.stderr)
    sheet = run("iinfo", "shot.kling?sheet=1", env=environment())
    check(sheet.returncode == 0 and "uint8" in sheet.stdout, "the sheet is a view", sheet.stderr)
    both = run("iinfo", "shot.kling?sheet=1&frame=2", env=environment())
    check("it goes without 'frame'" in both.stderr, "a sheet of one frame is an error", both.stderr)
    hint = run("oiiotool", "--iconfig", "klio:sheet", "1", "--info", "-v", "shot.kling", env=environment()).stdout
    check('"sheet"' in hint, "the sheet by --iconfig", hint)
    hint = run("oiiotool", "--iconfig", "klio:take", "9", "shot.kling", "-o", "no.exr", env=environment()).stderr
    check("not generated yet" in hint and "--take 9" in hint, "a take by --iconfig", hint)
    hint = run("oiiotool", "--iconfig", "klio:take", "9", "--iconfig", "klio:on_miss", "preview", "--info", "-v",
               "shot.kling", env=environment()).stdout
    check("klio:take: 9" in hint and "klio:preview: 1" in hint, "previews by --iconfig", hint)
    hint = run("oiiotool", "--iconfig", "klio:conform", "plate.exr", "--info", "-v", "shot.kling",
               env=environment()).stdout
    check("320 x 180" in hint.replace("  ", " ") and "klio:conform" in hint, "a plate by --iconfig", hint)
    grid = run("oiiotool", "shot.kling?to=srgb", "--sisplit", "--mosaic:pad=4", "2x1", "-o", "grid.png",
               env=environment())
    check(grid.returncode == 0, "oiiotool's own sheet", grid.stderr)
    before = pathlib.Path("shot.kling").read_bytes()
    write = ("import OpenImageIO as o, sys; buf = o.ImageBuf('bytes.png');"
             "sys.exit(not buf.write('shot.kling') and buf.geterror())")
    write_out = ("import OpenImageIO as o, sys; out = o.ImageOutput.create('shot.kling');"
                 "sys.exit(not out.open('shot.kling', o.ImageSpec(4, 4, 3, 'half')) and out.geterror())")
    for host in (["oiiotool", "bytes.png", "-o", "shot.kling"], ["iconvert", "bytes.png", "shot.kling"],
                 ["oiiotool", "shot.kling", "-o", "shot.kling"], ["oiiotool", "bytes.png", "-otex", "shot.kling"],
                 ["maketx", "bytes.png", "-o", "shot.kling"], ["/usr/bin/python3", "-c", write],
                 ["/usr/bin/python3", "-c", write_out]):
        writing = run(*host, env=environment())
        check(writing.returncode != 0 and "can't be written from an image" in writing.stdout + writing.stderr,
              f"{host[0]}: writing is refused", writing.stdout + writing.stderr)
        check(pathlib.Path("shot.kling").read_bytes() == before, f"{host[0]}: the recipe stays", "")


def query_names():
    env = environment(KLIO_ON_MISS="generate", KLIO_ENDPOINT="local")
    frames = run("oiiotool", "--frames", "1-3", "x.kling?prompt=a hare&take=#", "-o", "wedge.#.exr", env=env)
    check(frames.returncode == 0 and len(list(pathlib.Path().glob("wedge.*.exr"))) == 3,
          "--frames over takes", frames.stderr)
    jobs = {re.search(r"klio:job: \"(\w+)", run("iinfo", "-v", f"wedge.000{i}.exr").stdout).group(1)
            for i in (1, 2, 3)}
    check(len(jobs) == 3, "each take is a job of its own", jobs)
    env = environment(KLIO_ENDPOINT="local")
    escaped = run("oiiotool", "x.kling?prompt=50~25 ~23 ~7Bx~7D", "-o", "no.exr", env=env)
    check("'50% # {x}'" in escaped.stderr, "escapes reach the prompt, and stderr says what oiiotool does not",
          escaped.stderr)
    check(escaped.stderr.count("klio: x.kling") == 1, "once", escaped.stderr)
    encoded = run("iinfo", "x.kling?prompt64=MTAwJSAjMSB7YX0gJiBiPw", env=env)
    check("'100% #1 {a} & b?'" in encoded.stderr, "base64url", encoded.stderr)
    preview = run("oiiotool", "x.kling?prompt=a wolf&on_miss=preview&num_images=2", "-o", "preview.exr", env=env)
    info = run("iinfo", "-v", "-a", "preview.exr").stdout
    check(preview.returncode == 0 and "klio:preview: 1" in info, "on_miss=preview is marked", preview.stderr + info)


    for host in HOSTS:
        if host in ("maketx", "igrep"):  # they want real files
            continue
        failed = run(*HOSTS[host]("q.kling?prompt=a lynx", "query-out"), env=env)
        text = failed.stdout + failed.stderr
        check("not generated yet" in text and "--prompt 'a lynx'" in text and (failed.returncode or host == "iinfo"),
              f"{host} says what is wrong with a name without a file", f"exit {failed.returncode}: {text}")
    padded = run("oiiotool", "--frames", "10-10", "shot.kling?take=#", "-o", "no.#.exr", env=environment())
    check("--take 10 " in padded.stderr and "--take 0" not in padded.stderr, "a padded take is plain in the command",
          padded.stderr)
    bought = run("iinfo", "-v", "shot.kling?take=0010&num_images=01&on_miss=generate", env=environment())
    job = re.search(r'klio:job: "(\w+)', bought.stdout).group(1)
    for take, count in (("10", "1"), ("0010", "01")):
        plan = run(KLIO, "generate", "shot.kling", "--take", take, "--num-images", count, "--dry-run",
                   env=environment())
        check(f"job {job}" in plan.stdout, f"klio generate --take {take} is the same job", plan.stdout + plan.stderr)
    recipe("fit.kling", prompt="fit", images=["plate.exr"], klio={"endpoint": "local", "fit": "pad"})
    plan = run(KLIO, "generate", "fit.kling", "--fit", "64x36:letterbox", "--dry-run", env=environment())
    both = run(KLIO, "generate", "fit.kling", "--fit", "64x36", "--fit", "pad", "--dry-run", env=environment())
    fitted = run("iinfo", "-v", "fit.kling?fit=64x36:letterbox&on_miss=generate", env=environment())
    job = re.search(r'klio:job: "(\w+)', fitted.stdout)
    check(job and f"job {job.group(1)}" in plan.stdout and f"job {job.group(1)}" in both.stdout,
          "a frame's fit leaves the reference's", fitted.stdout + fitted.stderr + plan.stdout + both.stderr)
    check("64 x 36" in re.sub(" +", " ", fitted.stdout), "and fits the frame", fitted.stdout)
    run("oiiotool", "plate.exr", "-o", "other.exr")
    check("not generated yet" not in run("iinfo", "fit.kling", env=environment()).stderr, "with or without it", "")


def foreign_recipes():
    """Names and recipes of other people: none hangs a host, ends it, or writes to its terminal."""
    os.mkfifo("pipe.kling")
    # OpenImageIO tries its other readers on what one refuses, and those wait for a pipe.
    piped = run(HOST, "reopen", "pipe.kling", "pipe.kling", env=environment())
    check(piped.returncode == 1 and "no regular file" in piped.stderr, "a pipe is not waited for", piped.stderr)
    recipe("self.kling", klio={"conform": "self.kling", "endpoint": "local"})
    recipe("upper.kling", klio={"conform": "UPPER.KLING?a=b", "endpoint": "local"})
    recipe("UPPER.KLING", images=["UPPER.KLING"], klio={"endpoint": "local"})
    recipe("escape.kling", prompt="a\nb\x1b[31mc\u009bd", **{"no\x1b[2Jkey\n": "x\ny"})
    recipe("escape2.kling", prompt="plain", klio={"endpoint": "local"})
    for host in (["iinfo"], ["oiiotool", "--info"], [HOST, "input"]):
        for name in ("self.kling", "upper.kling", "UPPER.KLING"):
            turned = run(*host, name, env=environment(KLIO_ON_MISS="generate"))
            check(turned.returncode >= 0 and "is a recipe" in turned.stdout + turned.stderr,
                  f"{host}: {name}, whose plate is a recipe", f"{turned.returncode} {turned.stderr}")
        for name in ("escape.kling", "escape2.kling?prompt64=YQpiG1szMW1j"):
            escaped = subprocess.run([*host, name], env=environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            text = escaped.stdout.decode()
            check("klio: " in text and not re.search("[\x00-\x09\x0b-\x1f\x7f\x80-\x9f]", text)
                  and sum("klio" in line for line in text.splitlines()) <= 2 and "\nb" not in text,
                  f"{host}: {name}: control characters stay out of errors", repr(text))


def errors():
    """Each kind of error in each host: name -> (what the user must read, the environment)."""
    pathlib.Path("broken.kling").write_text('{"prompt": "a fox",\n  "num_images" 2}')
    recipe("typo.kling", aspect_ration="16:9")
    recipe("missing.kling", images=["no-such-plate.exr"])
    recipe("new.kling", prompt="never asked for")
    recipe("no-key.kling", prompt="without a key", klio={"endpoint": "https://service.invalid"})
    recipe("damaged.kling", prompt="damaged", klio={"endpoint": "local"})
    run("oiiotool", "damaged.kling", "-o", "d.exr", env=environment(KLIO_ON_MISS="generate"))
    job = re.search(r'klio:job: "(\w+)', run("iinfo", "-v", "damaged.kling", env=environment()).stdout).group(1)
    os.truncate(f"home/results/{job[:2]}/{job}/1.png", 1000)
    with gateway("--fault", "refusal", "--latency", "0") as refusing, \
            gateway("--key", "test-key:0", "--latency", "0") as poor, \
            gateway("--latency", "600") as slow:
        recipe("refused.kling", prompt="refused", klio={"endpoint": refusing})
        recipe("poor.kling", prompt="poor", klio={"endpoint": poor})
        recipe("waiting.kling", prompt="waiting", klio={"endpoint": slow})
        other = subprocess.Popen(["iinfo", "waiting.kling"], stderr=subprocess.PIPE, text=True,
                                 env=environment(KLIO_ON_MISS="generate"))
        while "sending" not in other.stderr.readline():
            pass
        while not ledger(slow)["creates"]:
            pass
        # The answer is written down a moment after the gateway gave it.
        for _ in range(200):
            if "under way" in run("iinfo", "waiting.kling", env=environment()).stderr:
                break
        expected = {
            "new.kling": (["new.kling", "not generated yet", "it costs at least 6 credits", "klio generate new.kling"], {}),
            "broken.kling": (["broken.kling:2:16"], {}),
            "typo.kling": (["aspect_ration", "did you mean 'aspect_ratio'"], {}),
            "missing.kling": (["no-such-plate.exr"], {}),
            "no-key.kling": (["no API key", "KLIO_API_KEY"], {"KLIO_ON_MISS": "generate"}),
            "refused.kling": (["refused.kling", "content policy"], {"KLIO_ON_MISS": "generate", "KLIO_API_KEY": "k"}),
            "poor.kling": (["poor.kling", "credits"], {"KLIO_ON_MISS": "generate", "KLIO_API_KEY": "test-key", "KLIO_ENDPOINT": poor}),
            "damaged.kling": (["damaged.kling", "1.png"], {}),
            "waiting.kling": (["waiting.kling", "under way", "klio jobs collect"], {}),
        }

        def judge(host, name, result):
            text = result.stdout + result.stderr
            said = all(word in text for word in expected[name][0])
            # igrep looks into what it can open and passes by the rest, whatever it is.
            good_code = result.returncode == CODES.get(host, 1)
            check(said and good_code, f"{host} says why {name} fails",
                  f"exit {result.returncode}: {text}")
            check(result.stdout.count("klio") == 0 or host in ("idiff", "igrep", "maketx"),
                  f"{host}: {name}: nothing of klio's on stdout", result.stdout)
            check("test-key" not in text, f"{host}: {name}: no key in an error", text)

        in_all_hosts(list(expected), lambda name: environment(**expected[name][1]), judge)
        with screen() as display:
            for name, (words, more) in expected.items() if display else ():
                seen = display.view(name, environment(**more), lambda text: all(w in text for w in words), 30)
                check(all(word in seen.stderr for word in words), f"iv says why {name} fails", seen.stderr)
                check(seen.returncode == 0, f"iv lives on after {name}", seen.returncode)
        other.terminate()
        other.wait()
        other.stderr.close()

        # A bit that fell over shows only when the bytes are read.
        recipe("flipped.kling", prompt="flipped", klio={"endpoint": "local"})
        run("oiiotool", "flipped.kling", "-o", "d.exr", env=environment(KLIO_ON_MISS="generate"))
        job = re.search(r'klio:job: "(\w+)', run("iinfo", "-v", "flipped.kling", env=environment()).stdout).group(1)
        stored = pathlib.Path(f"home/results/{job[:2]}/{job}/1.png")
        data = bytearray(stored.read_bytes())
        data[len(data) // 2] ^= 1
        stored.write_bytes(data)

        def judge_flipped(host, name, result):
            # idiff passes every file whose pixels can't be read, a PNG cut short as well.
            if host not in HEADERS_ONLY | {"idiff"}:
                check(result.returncode != 0 and "1.png" in result.stdout + result.stderr,
                      f"{host} sees the damage", result.stdout + result.stderr)

        in_all_hosts(["flipped.kling"], lambda name: environment(), judge_flipped)
        with screen() as display:
            if display:
                seen = display.view("flipped.kling", environment(), lambda text: "1.png" in text, 30)
                check("1.png" in seen.stderr and seen.returncode == 0, "iv sees the damage", seen.stderr)


def spending():
    with gateway("--latency", "0") as good:
        recipe("many.kling", prompt="many opens", klio={"endpoint": good})
        many = run(HOST, "threads", "many.kling", 4, 6, "klio:on_miss=generate", env=environment(KLIO_API_KEY="k"))
        check(many.stdout.strip() == "0" and ledger(good)["creates"] == 1, "24 opens in 4 threads are one create",
              many.stdout + many.stderr + str(ledger(good)))
        run("iinfo", "many.kling?take=2", env=environment(KLIO_API_KEY="k"))
        check(ledger(good)["creates"] == 1, "without an opt-in nothing is sent", ledger(good))
        budget = run("iinfo", "many.kling?take=3&on_miss=generate", env=environment(KLIO_API_KEY="k", KLIO_BUDGET="5"))
        check("budget" in budget.stderr and ledger(good)["creates"] == 1, "the budget holds", budget.stderr)
        check("sending" not in budget.stderr, "what the budget has no room for is not announced", budget.stderr)
        for query in ("&to=ACEScgg", "&frame=7", "&conform=nosuch.exr", "&match=foo"):
            useless = run("iinfo", "many.kling?take=4" + query, env=environment(KLIO_API_KEY="k", KLIO_ON_MISS="generate"))
            check("many.kling?take=4" in useless.stderr and ledger(good)["creates"] == 1,
                  f"what can never open is not bought: {query}", useless.stderr + str(ledger(good)))
        doctor = run(KLIO, "doctor", env=environment(KLIO_API_KEY="k", KLIO_ON_MISS="generate", KLIO_ENDPOINT=good))
        check(ledger(good)["creates"] == 1 and "ok    recipe through OpenImageIO" in doctor.stdout,
              "klio doctor buys nothing", doctor.stdout + str(ledger(good)))
    with gateway("--fault", "credits-gone", "--latency", "0") as bad:
        recipe("fails.kling", prompt="fails", klio={"endpoint": bad})
        fails = run(HOST, "threads", "fails.kling", 4, 6, "klio:on_miss=generate", env=environment(KLIO_API_KEY="k"))
        check(fails.stdout.strip() == "24" and ledger(bad)["creates"] == 1, "24 failing opens are one attempt",
              fails.stdout + fails.stderr + str(ledger(bad)))
        again = run("oiiotool", "fails.kling", "-o", "f.exr", env=environment(KLIO_API_KEY="k", KLIO_ON_MISS="generate"))
        check(ledger(bad)["creates"] == 1 and "at the earliest" in again.stderr,
              "nor does another process try again within a minute", again.stderr + str(ledger(bad)))
        recipe("fails too.kling", prompt="fails too", klio={"endpoint": bad})
        run("maketx", "fails too.kling", "-o", "f.tx", env=environment(KLIO_API_KEY="k", KLIO_ON_MISS="generate"))
        check(ledger(bad)["creates"] == 2, "maketx, which opens six times, makes one", ledger(bad))
    with gateway("--fault", "slow-headers@create:1", "--fault-seconds", "1", "--latency", "0") as slow:
        recipe("slow.kling", prompt="slow", klio={"endpoint": slow})
        said = run("iinfo", "slow.kling", env=environment(KLIO_API_KEY="k", KLIO_ON_MISS="generate"))
        check(said.returncode == 0 and said.stderr.count("credits") == 1, "a purchase is announced once", said.stderr)


def gone_and_read_only():
    """A plate that went away, and a data folder that can only be read, as on a farm's nodes."""
    run("oiiotool", "--pattern", "constant:color=.2,.4,.1", "320x180", "3", "-d", "half", "-o", "farm.exr")
    recipe("farm.kling", prompt="on the farm", images=["farm.exr"], klio={"endpoint": "local"})
    bought = run("oiiotool", "farm.kling", "-o", "before.exr", env=environment(KLIO_ON_MISS="generate"))
    check(bought.returncode == 0, "a set with a plate", bought.stderr)

    # Root may write everything, so it reads as somebody else. Others may not look into a temporary
    # folder, nor into a data folder, so these are opened up.
    other = []
    if os.geteuid() == 0:
        other = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
        run("chmod", "-R", "a+rX", ".")
    else:
        run("chmod", "-R", "a-w", "home")
    os.mkdir("theirs")
    os.chmod("theirs", 0o777)
    env = environment(TMPDIR=os.getcwd() + "/theirs", HOME="/nonexistent")
    if other and run(*other, "test", "-r", PLUGIN).returncode != 0:
        print("skipped: another user can't read the build, so a read-only data folder was not tested")
    else:
        before = sorted(str(path) for path in pathlib.Path("home").rglob("*"))
        for query in ("", "?frame=2", "?sheet=1", "?take=7&on_miss=preview", "?sheet=1"):
            read = run(*other, HOST, "input", "farm.kling" + query, env=env)
            check(read.returncode == 0, f"read-only: farm.kling{query}", read.stdout + read.stderr)
        buying = run(*other, "iinfo", "farm.kling?take=8&on_miss=generate", env=env)
        check("can't be written" in buying.stderr, "read-only: nothing is bought", buying.stderr)
        check(sorted(str(path) for path in pathlib.Path("home").rglob("*")) == before, "nothing was written into it")
        views = list(pathlib.Path("theirs").iterdir())
        check(len(views) == 1 and views[0].stat().st_mode & 0o077 == 0, "views lie in a folder of the user's own",
              views)
    if not other:
        run("chmod", "-R", "u+w", "home")

    os.rename("farm.exr", "archived.exr")
    info = run("iinfo", "-v", "farm.kling", env=environment())
    check(info.returncode == 0 and 'klio:missing_references: "1"' in info.stdout and "farm.exr" in info.stderr,
          "a stored set opens without its plate, and says so", info.stdout + info.stderr)
    run("oiiotool", "farm.kling", "-o", "after.exr", env=environment())
    same = run("idiff", "-a", "before.exr", "after.exr")
    check(same.returncode == 0, "with the same pixels", same.stdout)
    new = run("iinfo", "farm.kling?take=2&on_miss=generate", env=environment())
    check("farm.exr" in new.stderr and "take" not in new.stdout, "nothing is bought without it", new.stderr)
    run("oiiotool", "archived.exr", "--addc", "0.5", "-o", "farm.exr")
    changed = run("iinfo", "farm.kling", env=environment())
    check("not generated yet" in changed.stderr, "another plate in its place is another request", changed.stderr)


CHANGING = """
import os, subprocess, sys, OpenImageIO as oiio
def plate(percent, name):
    subprocess.run(["oiiotool", "cut.exr", "--resize", f"{percent}%", "-o", name], check=True)
plate(100, "laid.exr")
inp = oiio.ImageInput.open("over.kling?conform=laid.exr")
if not inp:
    sys.exit(oiio.geterror())
rows = inp.read_image(0, 0, 0, -1, "half") if sys.argv[2] == "read" else None
plate(sys.argv[1], "laid2.exr")
os.rename("laid2.exr", "laid.exr")
inp.seek_subimage(1, 0)
other = inp.read_image(1, 0, 0, -1, "half")
print(other is not None and other.shape[1] == inp.spec().width)
inp.seek_subimage(0, 0)
again = inp.read_image(0, 0, 0, -1, "half")
print((rows == again).all() if sys.argv[2] == "read" else again is None and "another size" in inp.geterror())
"""


def changing_plate():
    """A plate that becomes larger or smaller between a host's open and its read."""
    run("oiiotool", "--pattern", "constant:color=.2,.4,.1", "640x360", "3", "-d", "half", "-o", "cut.exr")
    recipe("over.kling", prompt="over", images=["cut.exr"], num_images=2, aspect_ratio="16:9",
           klio={"endpoint": "local"})
    run("iinfo", "over.kling", env=environment(KLIO_ON_MISS="generate"))
    for percent in (400, 50):
        for first in ("read", "unread"):
            host = run("/usr/bin/python3", "-c", CHANGING, percent, first, env=environment())
            check(host.returncode == 0 and host.stdout == "True\nTrue\n",
                  f"a plate of {percent} % in place of one that was {first}", host.stdout + host.stderr)


def manners():
    symbols = run("nm", "-D", "--defined-only", PLUGIN).stdout.split("\n")
    strangers = [line for line in symbols if line and not line.split()[-1].startswith("kling_")]
    check(symbols[0] and not strangers, "only kling_* leaves the plugin", strangers)
    dynamic = run("readelf", "-d", PLUGIN).stdout
    check("BIND_NOW" in dynamic or "NOW" in dynamic, "a missing symbol fails the loading, not the host", dynamic)

    state = run(HOST, "state", "shot.kling", env=environment())
    check(state.returncode == 0, "an open leaves threads, signals and attributes as they were", state.stderr)
    recipe("fresh.kling", prompt="fresh", klio={"endpoint": "local"})
    state = run(HOST, "state", "fresh.kling", env=environment(KLIO_ON_MISS="generate"))
    check(state.returncode == 0, "so does a purchase, with a gateway in the process", state.stderr)
    twice = run(HOST, "twice", "shot.kling", env=environment())
    check(twice.returncode == 0, "frames are read in turns", twice.stderr)
    foreign = run(HOST, "foreign", 10000, env=environment())
    limit = 500 if "KLIO_TEST_PRELOAD" in os.environ else 50
    check(foreign.returncode == 0 and float(foreign.stdout) < limit, "a foreign name is refused in microseconds",
          foreign.stdout + foreign.stderr)

    if shutil.which("strace"):
        # Leaks can't be looked for in what is traced.
        env = environment(ASAN_OPTIONS=os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0")
        trace = run("strace", "-f", "-e", "trace=file,network,desc", "-o", "trace.txt", HOST, "nowait", "shot.kling",
                    env=env)
        lines = pathlib.Path("trace.txt").read_text().split("BEGIN")[-1].split("END")[0].split("\n")[1:-1]
        # A sanitizer asks the kernel, by a pipe, whether memory can be read.
        check(trace.returncode == 0 and (not lines or "KLIO_TEST_PRELOAD" in os.environ),
              "nowait touches neither disk nor net", lines)
        run("strace", "-f", "-e", "trace=network,openat", "-o", "trace.txt", "iinfo", "-v", "shot.kling",
            env=env)
        text = pathlib.Path("trace.txt").read_text()
        check("connect(" not in text and not re.search(r"results/.*\.png", text),
              "headers cost no network and no pixels", re.findall(r".*(?:connect\(|\.png).*", text))
        run("strace", "-f", "-e", "trace=openat", "-o", "trace.txt", HOST, "twice", "shot.kling", env=env)
        opened = re.findall(r'openat\([^,]+, "[^"]*results/[^"]*/(\d)\.png"', pathlib.Path("trace.txt").read_text())
        check(sorted(opened) == ["1", "2"], "each frame is decoded once for one ImageInput", opened)
    else:
        print("skipped: strace is not installed, so opens and connections were not counted")

    if "KLIO_TEST_PRELOAD" in os.environ:
        # Their allocators and thread lists stay locked where another thread held them at the fork.
        print("skipped: sanitizers can't follow a forked child of a threaded parent")
        return
    recipe("forked.kling", prompt="forked", klio={"endpoint": "local"})
    forked = run(HOST, "fork", "forked.kling", env=environment(KLIO_ON_MISS="generate"))
    check(forked.returncode == 0, "a child opens while its parent's open is under way", forked.stderr)


def incompatible():
    version = run(HOST, "version", "", PLUGIN)
    check(int(version.stdout or -1) > 0, "the plugin answers to its own OpenImageIO", version.stderr)
    pathlib.Path("other.c").write_text("int other;")
    run("cc", "-shared", "-o", "libOpenImageIO.so.9.9", "other.c")
    other = run(HOST, "version", os.getcwd() + "/libOpenImageIO.so.9.9", PLUGIN)
    check(other.stdout.strip() == "-1", "and refuses a host that has another one", other.stdout + other.stderr)

    # An installation whose library is gone, and one whose library is not what it was.
    for case, spoil in (("missing", lambda lib: lib.unlink()),
                        ("incompatible", lambda lib: run("cc", "-shared", "-o", lib, "other.c"))):
        run("cmake", "--install", BUILD, "--prefix", case)
        plugin = next(pathlib.Path(case).resolve().rglob("kling.imageio.so"))
        good = run("iinfo", "shot.kling", env=environment(OIIO_LIBRARY_PATH=plugin.parent))
        check(good.returncode == 0, f"the installed plugin reads ({case})", good.stderr)
        library = next(pathlib.Path(case).rglob("libklio_local.so.0.1")).resolve()
        spoil(library)
        env = environment(OIIO_LIBRARY_PATH=plugin.parent)
        host = run("oiiotool", "bytes.png", "-o", f"{case}.png", env=env)
        check(host.returncode == 0, f"the host lives with a {case} library", host.stderr)
        host = run("iinfo", "shot.kling", env=env)
        check(host.returncode not in (0, -6, -11), f"and does not know recipes ({case})", host.stderr)
        doctor = run(KLIO, "doctor", env=env)
        why = "libklio_local.so.0.1 => not found" if case == "missing" else "undefined symbol"
        check(doctor.returncode != 0 and why in doctor.stdout, f"klio doctor says why ({case})", doctor.stdout)
    # A library that is no plugin, in an installation and a data folder whose names say "klio".
    run("cmake", "--install", BUILD, "--prefix", "klio-hollow")
    plugin = next(pathlib.Path("klio-hollow").resolve().rglob("kling.imageio.so"))
    run("cc", "-shared", "-o", plugin, "other.c")
    doctor = run("klio-hollow/bin/klio", "doctor",
                 env=environment(OIIO_LIBRARY_PATH=plugin.parent, KLIO_HOME=os.getcwd() + "/klio home"))
    check("FAULT recipe through OpenImageIO: OpenImageIO does not reach the plugin" in doctor.stdout,
          "klio doctor sees that the plugin is not reached", doctor.stdout + doctor.stderr)


def installed():
    lines = run(KLIO, "env", env={"PATH": os.environ["PATH"]}).stdout
    check("OIIO_LIBRARY_PATH=" in lines and "OPENIMAGEIO_PLUGIN_PATH=" in lines, "klio env sets both paths", lines)
    shell = run("bash", "-c", f'eval "$({KLIO} env)" && iinfo shot.kling', env=environment(OIIO_LIBRARY_PATH=""))
    check(shell.returncode == 0, 'eval "$(klio env)" is enough', shell.stderr)
    doctor = run(KLIO, "doctor", env=environment())
    check("recipe through OpenImageIO: kling.imageio.so answers" in doctor.stdout, "klio doctor opens a recipe",
          doctor.stdout)


folder = tempfile.mkdtemp(prefix="klio-hosts-")
os.chdir(folder)
try:
    for part in (opens_everywhere, viewer, subimages, query_names, foreign_recipes, errors, spending, changing_plate, gone_and_read_only, manners, incompatible, installed):
        part()
finally:
    os.chdir("/")
    if not faults:
        shutil.rmtree(folder, ignore_errors=True)
print(f"{checks} checks, {len(faults)} failed" + (f"; see {folder}" if faults else ""))
sys.exit(1 if faults else 0)
