#!/usr/bin/env python3
"""The main job as its user does it, and what bad input gets. main_job.py BUILD_FOLDER [REAL_IMAGES]"""
import functools
import hashlib
import http.server
import pathlib
import sys
import threading

from support import World, check


def digest(path):
    return hashlib.sha256(pathlib.Path(path).read_bytes()).hexdigest()


def main_job(world):
    world.plate()
    words = ["generate", "--local", "--prompt", "rain over <<<image_1>>>", "--image", "plate.exr",
             "--aspect-ratio", "16:9", "--num-images", "2", "--out", "a.#.exr", "--sheet", "sheet.png"]
    dry = world.klio(*words, "--dry-run")
    check("at least 6 credits" in dry.stdout and "nothing was sent" in dry.stdout,
          "a dry run shows the price and sends nothing")
    first = world.result(*words)
    check(not first["from_store"] and len(first["frames"]) == 2, "two frames are made")
    check((first["frames"][0]["width"], first["frames"][0]["height"]) == (1360, 768), "in the true size")
    names = ["a.0001.exr", "a.0002.exr", "sheet.png"]
    check(all((world.folder / name).stat().st_size > 10000 for name in names), "files are there")
    stats = world.run("oiiotool", "--stats", "a.0001.exr").stdout
    check("half" in stats and "openexr" in stats, "the frames are half float EXR")
    before = [digest(world.folder / name) for name in names[:2]]

    check(world.result(*words)["from_store"], "the same once more finds its own files there")
    check([digest(world.folder / name) for name in names[:2]] == before, "and leaves them alone")
    (world.folder / "a.0002.exr").write_bytes(b"somebody's work")
    check("--force" in world.klio(*words, code=14).stderr, "files of others are not overwritten")
    check((world.folder / "a.0002.exr").read_bytes() == b"somebody's work", "and stay as they are")
    check("--force" in world.klio(*words, "--take", 9, code=14).stderr, "nor is another take bought")
    again = world.result(*words, "--force")
    check(again["from_store"] and again["credits_at_least"] == 0, "the same again costs nothing")
    check([digest(world.folder / name) for name in names[:2]] == before, "and gives the same bytes")
    second = world.result(*words, "--force", "--take", "2")
    check(not second["from_store"] and second["job"] != first["job"], "take 2 is a new set")

    (world.folder / "shot.kling").write_text(
        '{"prompt": "rain over <<<image_1>>>", "images": ["plate.exr"], "aspect_ratio": "16:9",'
        ' "num_images": 2, "klio": {"endpoint": "local"}}')
    recipe = world.result("generate", "shot.kling", "--out", "b.@.png", "--to", "srgb")
    check(recipe["from_store"] and recipe["job"] == first["job"], "a recipe names the same job")
    check((world.folder / "b.1.png").exists() and (world.folder / "b.2.png").exists(), "@ is one digit")


def paid_once(world):
    gateway = world.gateway("--key", "test-key-123:18", "--latency", "0.2")
    words = ["generate", "--endpoint", gateway.endpoint, "--prompt", "a lake", "--out", "lake.exr"]
    key = {"KLIO_API_KEY": "test-key-123"}
    check("KLIO_API_KEY" in world.klio(*words, code=4).stderr, "no key: both ways out are named")
    check(world.klio(*words, code=4, KLIO_API_KEY="wrong-key-123").returncode == 4, "a wrong key")
    world.klio(*words, **key)
    world.klio(*words, "--force", **key)
    check(len(gateway.ledger()["charges"]) == 1, "one purchase for two runs")
    for take in (2, 3):
        world.klio(*words, "--force", "--take", take, **key)
    broke = world.klio(*words, "--force", "--take", 4, code=5, **key)
    check("credit" in broke.stderr.lower(), "no credits left is said in the service's words")
    check(sum(charge["credits"] for charge in gateway.ledger()["charges"]) == 18, "18 credits, no more")
    gateway.stop()
    down = world.klio(*words, "--force", "--take", 5, code=7, **key)
    check("127.0.0.1" in down.stderr, "a gateway that is down is named")
    world.klio(*words, "--force", **key)
    check(True, "what is stored needs no gateway")
    for path in (world.folder / "data").rglob("*"):
        if path.is_file() and b"test-key-123" in path.read_bytes():
            sys.exit(f"FAILED: the key stands in {path}")
    check(True, "the key is in no file that the runs left behind")


def bad_input(world):
    world.run("oiiotool", "--create", "299x400", "3", "-o", "small.png")
    world.run("oiiotool", "--create", "2000x400", "3", "-o", "wide.png")
    (world.folder / "corrupt.exr").write_bytes((world.folder / "plate.exr").read_bytes()[:3000])
    (world.folder / "empty.exr").write_bytes(b"")
    (world.folder / "text.png").write_bytes(b"this is no picture")
    (world.folder / "unknown.kling").write_text('{"promt": "x"}')
    (world.folder / "syntax.kling").write_text('{\n "prompt": "x",\n}')
    (world.folder / "folder").mkdir()
    base = ["generate", "--local", "--prompt", "x", "--out", "bad.exr"]
    cases = [
        (["--image", "missing.exr"], 3, "missing.exr"),
        (["--image", "corrupt.exr"], 3, "corrupt.exr"),
        (["--image", "empty.exr"], 3, "empty.exr"),
        (["--image", "text.png"], 3, "text.png"),
        (["--image", "folder"], 3, "folder"),
        (["--aspect-ratio", "5:4"], 2, "21:9"),
        (["--prompt", "y" * 2503], 2, "3 over the 2500"),
        (["--image", "plate.exr"] * 11, 2, "at most 10"),
        (["--num-images", "10"], 2, "1 to 9"),
        (["--num-images", "ten"], 2, "num-images"),
        (["--out", "/proc/frames/x.exr"], 14, "/proc/frames"),
        (["--out", "frame.unknownformat"], 14, "unknownformat"),
        (["--out", "a.#.%04d.exr"], 2, "padding"),
        (["unknown.kling"], 2, "did you mean 'prompt'"),
        (["syntax.kling"], 2, "syntax.kling:3:1"),
        (["nowhere.kling"], 3, "nowhere.kling"),
        (["--nonsense"], 2, "nonsense"),
        (["--nonsense"], 2, "klio generate --help"),
        (["--num-images", "10", "--policy", "pretty", "--quality", "best"], 2,
         "num_images '10': must be 1 to 9; policy 'pretty'"),
        (["--quality", "best", "--matte", "red", "--fit", "big"], 2,
         "unpremult; quality 'best': must be 1 to 100; fit 'big'"),
        (["--image", "plate.exr", "--gravity", "90000,1"], 2, "plate.exr: the point of --gravity"),
        (["--policy", "pretty", "--image", "plate.exr"], 2, "texture"),
        (["--param", "seed=7"], 2, "seed"),
        (["--endpoint", "http://example.com"], 2, "https"),
        (["--endpoint", ""], 2, "endpoint is empty"),
    ]
    for words, code, expected in cases:
        line = ["generate", "--local", *words]
        for flag, value in (("--prompt", "x"), ("--out", "bad.exr")):
            if flag not in words:
                line += [flag, value]
        if "--endpoint" in words:
            line.remove("--local")
        done = world.klio(*line, code=code)
        errors = [text for text in done.stderr.splitlines() if "error:" in text]
        check(len(errors) == 1 and expected in errors[0], f"{' '.join(words)[:60]}: {errors[0][:150]}")
    # What the model would refuse is mended, and said.
    for name, words in (("small.png", "300 pixels"), ("wide.png", "2.5")):
        done = world.klio("generate", "--local", "--prompt", "x", "--image", name, "--fit", "none", "--out",
                          name + ".exr", "--force")
        check(words in done.stderr, f"{name}: {done.stderr.strip()[:150]}")
    # What is found only while writing would have been paid for.
    jobs = world.klio("jobs").stdout
    src = world.folder / "plate.exr"
    before = digest(src)
    for words, code, expected in [
        (["--out", "both.png", "--sheet", "./both.png"], 2, "two outputs"),
        (["--image", "plate.exr", "--out", "plate.exr", "--force"], 2, "is read by this very command"),
        (["--out", "x.exr", "--to", "nosuch"], 17, "nosuch"),
        (["--out", "x.exr", "--fit", "10x"], 2, "10x"),
        (["--out", "x.exr", "--budget", "nan"], 2, "budget"),
        (["--out", "/proc/nope/x.exr"], 14, "/proc"),
    ]:
        done = world.klio("generate", "--local", "--prompt", "nothing may be sent", *words, code=code)
        check(expected in done.stderr, f"{' '.join(words)}: {done.stderr.strip()[:150]}")
    check(world.klio("jobs").stdout == jobs and digest(src) == before, "nothing was sent or overwritten")
    everything = world.klio(*base, "--aspect-ratio", "5:4", "--num-images", "0", "--resolution", "4k", code=2)
    check(all(word in everything.stderr for word in ("aspect_ratio", "num_images", "resolution")),
          "every problem is reported at once")
    check(not list(world.folder.glob("bad*")), "nothing is left behind")
    other = world.klio("generate", "--local", "--prompt", "x", "--model", "other-model", "--aspect-ratio",
                       "5:4", "--param", "seed=7", "--dry-run")
    check("price unknown" in other.stdout and '"seed":7' in other.stdout, "another model has its own rules")


def signed_references(world):
    """A URL whose query opens something is shown to nobody, neither passed on nor fetched."""
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass
    (world.folder / "web").mkdir()
    for name, side in (("fine", 320), ("small", 200)):
        world.run("oiiotool", "--pattern", "constant:color=0.1,0.2,0.3", f"{side}x{side}", "3", "-o", f"web/{name}.png")
    handler = functools.partial(Quiet, directory=world.folder / "web")
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    secret = "0123456789abcdef"

    for name, more in (("fine", []), ("small", ["--prepare-urls"])):
        url = f"http://127.0.0.1:{server.server_port}/{name}.png?X-Amz-Signature={secret}"
        words = ["generate", "--local", "--prompt", "signed", "--image", url]
        for form in ([], ["--json"]):
            dry = world.klio(*words, *more, "--dry-run", *form, KLIO_ALLOW_HOSTS="127.0.0.1")
            text = dry.stdout
            check(f"{name}.png?X-Amz-Signature=***" in text and secret not in text + dry.stderr,
                  f"a dry run shows no signature ({name} {''.join(form)})")
        done = world.klio(*words, *more, "--json", "--out", "signed.exr", "--force", KLIO_ALLOW_HOSTS="127.0.0.1")
        listed = world.klio("jobs", "--text", "signed", "--json")
        text = done.stdout + listed.stdout
        check(secret not in text + done.stderr, f"nor does a run, or klio jobs ({name})")
        check(not more or "small.png?X-Amz-Signature=***: enlarged" in text, "not even in what they warn of")
    server.shutdown()


def real_images(world, folder):
    images = sorted([*folder.glob("*.exr"), *folder.glob("*.jpg")]) if folder.is_dir() else []
    if not images:
        print(f"SKIPPED: no real images in {folder}")
    for image in images:
        done = world.result("generate", "--local", "--prompt", "the same place at night", "--image", image,
                            "--aspect-ratio", "auto", "--out", f"{image.stem}.real.exr")
        check(len(done["frames"]) == 1, f"{image.name} becomes a frame")


if __name__ == "__main__":
    with World(sys.argv[1]) as world:
        main_job(world)
        paid_once(world)
        bad_input(world)
        signed_references(world)
        real_images(world, pathlib.Path(sys.argv[2] if len(sys.argv) > 2 else "../shared/data").resolve())
