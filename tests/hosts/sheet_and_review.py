#!/usr/bin/env python3
"""`klio sheet` and `klio review` as their user runs them, on what the local gateway made.

    sheet_and_review.py BUILD
"""
import json
import os
import pathlib
import subprocess
import sys
import tempfile

FAULTS = []


def expect(what, true):
    print(("ok    " if true else "FAIL  ") + what)
    if not true:
        FAULTS.append(what)


class Klio:
    def __init__(self, build, folder):
        self.command = os.path.join(os.path.abspath(build), "bin", "klio")
        self.folder = folder
        self.environment = {**os.environ, "KLIO_HOME": os.path.join(folder, "home"),
                            "XDG_CONFIG_HOME": os.path.join(folder, "config")}
        for name in ("KLIO_API_KEY", "OCIO", "KLIO_CONFIG"):
            self.environment.pop(name, None)

    def __call__(self, *args, **environment):
        done = subprocess.run([self.command, *args], cwd=self.folder, text=True,
                              env={**self.environment, **environment}, capture_output=True)
        return done.returncode, done.stdout.split("\n")[:-1], done.stderr


def ppm(path, width, height, color):
    with open(path, "wb") as file:
        file.write(b"P6 %d %d 255\n" % (width, height) + bytes(color) * (width * height))


def run(klio, folder):
    here = lambda name: os.path.join(folder, name)
    ppm(here("plate.ppm"), 640, 480, (90, 60, 30))
    for shot in ("010", "020"):
        os.mkdir(here(shot))
        for frame in range(3):
            ppm(here("%s/f.%04d.ppm" % (shot, frame + 1)), 64, 36, (80 * frame, 40, 200))

    code, out, err = klio("sheet", "010", "020/f.#.ppm", "-o", "sheets/{folder}.png")
    expect("a name with {folder} makes a sheet for each", code == 0
           and out == ["sheets/010.png", "sheets/020.png"] and not err)
    code, out, err = klio("sheet", "010", "-o", "p.#.png", "--layout", "2x1", "--json")
    files = [json.loads(line)["file"] for line in out if '"event":"sheet"' in line]
    expect("pages are numbered", code == 0 and files == ["p.0001.png", "p.0002.png"])
    code, _, err = klio("sheet", "010", "-o", "p.#.png", "--layout", "2x1")
    expect("what is there is kept: " + err.strip(), code == 14 and "--force" in err)
    code, _, _ = klio("sheet", "010", "-o", "p.#.png", "--layout", "2x1", "--force")
    expect("--force writes over it", code == 0)
    code, _, err = klio("sheet", "010", "-o", "x.png", "--label", "{nmae}")
    expect("a slip in a template: " + err.strip(), code == 2 and "{name}" in err)
    code, _, err = klio("sheet", "nowhere.png", "-o", "x.png")
    expect("a missing file: " + err.strip(), code == 3)
    code, _, err = klio("sheet", "010", "-o", "x.jpg", "--cell", "900x40000", "--layout", "1x3")
    expect("a page that the format can't hold: " + err.strip(), code == 14 and "x.jpg" in err)
    expect("and nothing of it is left", not [f for f in os.listdir(folder) if "x.jpg" in f
                                             or f.startswith(".klio")])
    pathlib.Path(here("nofonts.conf")).write_text(
        '<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd"><fontconfig></fontconfig>')
    code, _, err = klio("sheet", "010", "-o", "nofonts.png", FONTCONFIG_FILE=here("nofonts.conf"))
    expect("without any font: " + err.strip(), code == 0 and "no font" in err)

    pathlib.Path(here("shot.kling")).write_text(json.dumps({
        "prompt": "a <b>lantern</b>", "images": ["plate.ppm"], "aspect_ratio": "4:3",
        "num_images": 2, "klio": {"exposure": "1"}}))
    code, _, err = klio("sheet", "shot.kling", "--local", "-o", "t.png")
    expect("what is not stored is not bought: " + err.strip(),
           code == 18 and "klio generate shot.kling --take 1 --local" in err)
    for take in ("1", "2"):
        code, _, err = klio("generate", "shot.kling", "--local", "--take", take,
                            "-o", "t%s.#.png" % take, "--sheet", "s%s.png" % take,
                            "--review", "r%s.html" % take)
        expect("generate writes sheet and page of take %s %s" % (take, err), code == 0
               and os.path.exists(here("s%s.png" % take))
               and os.path.exists(here("r%s.html" % take)))
    code, out, err = klio("sheet", "shot.kling", "--local", "-o", "t.png")
    expect("all takes of a recipe %s" % err, code == 0 and out == ["t.png"])
    code, out, err = klio("sheet", "shot.kling", "--local", "-o", "{stem}_{take}.png")
    expect("a sheet for each take", out == ["shot_1.png", "shot_2.png"])
    code, _, err = klio("sheet", "shot.kling", "--local", "--take", "1-3", "-o", "x.png")
    expect("a take that is missing is named: " + err.strip(), code == 18 and "take 3" in err)
    code, _, err = klio("sheet", "shot.kling", "--take", "x", "-o", "x.png")
    expect("--take is checked: " + err.strip(), code == 2)
    code, _, err = klio("review", "shot.kling", "--local", "-o", "r.html")
    page = pathlib.Path(here("r.html")).read_text()
    expect("the page has both takes' frames", code == 0 and page.count('class="frame"') == 4)
    expect("and the plate once", page.count('class="reference" aria-pressed') == 1)
    expect("and the command", "klio generate shot.kling --take 2 --local" in page)
    expect("and each take's recipe with its options", page.count("&quot;exposure&quot;") == 2
           and page.count("&quot;take&quot;: 2") == 1)
    first = pathlib.Path(here("r1.html")).read_text()
    expect("as generate's page has it", "&quot;exposure&quot;" in first)
    expect("and its prompt is text", "<b>lantern" not in page and "&lt;b&gt;lantern" in page)
    code, out, _ = klio("jobs", "--json")
    job = json.loads(out[0])["job"]
    code, _, err = klio("review", job[:12], "-o", "job.html")
    expect("a job can be named by its key's beginning %s" % err, code == 0)
    code, _, err = klio("review", "plate.ppm", "-o", "x.html")
    expect("an image is no job: " + err.strip(), code == 2)
    # Whatever would keep the page from being written is found before anything is paid.
    code, _, err = klio("generate", "shot.kling", "--local", "--take", "7", "-o", "t7.#.png",
                        "--review", "r.html")
    stored, _, _ = klio("sheet", "shot.kling", "--local", "--take", "7", "-o", "x.png")
    expect("a page that is in the way stops generate before it asks: " + err.strip(),
           code == 14 and stored == 18)


def main():
    with tempfile.TemporaryDirectory() as folder:
        run(Klio(sys.argv[1], folder), folder)
    print("sheet and review: %s" % ("FAILED: " + "; ".join(FAULTS) if FAULTS else "all well"))
    return 1 if FAULTS else 0


if __name__ == "__main__":
    sys.exit(main())
