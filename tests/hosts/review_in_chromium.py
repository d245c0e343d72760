#!/usr/bin/env python3
"""Clicks through a review page in headless Chromium, and fails on any console message.

    review_in_chromium.py BUILD [--page PAGE.html] [--screenshots FOLDER]

Needs chromium and chromedriver; says that it is skipped (exit code 77) where they are missing.
Speaks chromedriver's WebDriver HTTP interface with the standard library alone.
"""
import argparse
import base64
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

SKIPPED = 77


class Browser:
    """One WebDriver session."""

    def __init__(self, chromium, driver, profile):
        self.process = subprocess.Popen([driver, "--port=0"], stdout=subprocess.PIPE,
                                        stderr=subprocess.DEVNULL, text=True)
        self.session = None
        self.base = "http://127.0.0.1:%d" % self._port()
        options = {
            "binary": chromium,
            "args": ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic",
                     "--no-first-run", "--disable-background-networking",
                     "--disable-component-update", "--disable-sync", "--hide-scrollbars",
                     "--disable-dev-shm-usage", "--window-size=1600,1100",
                     "--user-data-dir=" + profile],
        }
        answer = self.call("POST", "/session", {"capabilities": {"alwaysMatch": {
            "browserName": "chrome", "goog:chromeOptions": options,
            "goog:loggingPrefs": {"browser": "ALL"}}}}, timeout=120)
        self.session = "/session/" + answer["sessionId"]

    def _port(self):
        for line in self.process.stdout:
            if "on port" in line and not line.startswith("Starting"):
                return int(line.rstrip().rstrip(".").rsplit(" ", 1)[1])
        raise RuntimeError("chromedriver did not start")

    def call(self, method, path, body=None, timeout=60):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.base + path, data, method=method,
                                         headers={"Content-Type": "application/json"})
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=timeout) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            raise RuntimeError("%s %s: %s" % (method, path, error.read().decode()[:600])) from None

    def do(self, path, body=None):
        return self.call("POST", self.session + path, {} if body is None else body)

    def js(self, script, *args):
        return self.do("/execute/sync", {"script": "return " + script, "args": list(args)})

    def find(self, css):
        value = self.do("/element", {"using": "css selector", "value": css})
        return next(iter(value.values()))

    def click(self, css):
        self.do("/element/%s/click" % self.find(css))

    def keys(self, *keys):
        actions = []
        for key in keys:
            actions += [{"type": "keyDown", "value": key}, {"type": "keyUp", "value": key}]
        self.do("/actions", {"actions": [{"type": "key", "id": "keyboard", "actions": actions}]})

    def drag(self, x0, y0, x1, y1):
        self.do("/actions", {"actions": [{"type": "pointer", "id": "mouse", "actions": [
            {"type": "pointerMove", "x": int(x0), "y": int(y0)}, {"type": "pointerDown", "button": 0},
            {"type": "pointerMove", "x": int(x1), "y": int(y1)}, {"type": "pointerUp", "button": 0}]}]})

    def cdp(self, command, **params):
        return self.do("/goog/cdp/execute", {"cmd": command, "params": params})

    def screenshot(self, path):
        shot = self.call("GET", self.session + "/screenshot")
        pathlib.Path(path).write_bytes(base64.b64decode(shot))

    def console(self):
        return self.do("/se/log", {"type": "browser"})

    def close(self):
        try:
            if self.session:
                self.call("DELETE", self.session)
        finally:
            self.process.terminate()
            self.process.wait(20)


FAULTS = []


def expect(what, true):
    print(("ok    " if true else "FAIL  ") + what)
    if not true:
        FAULTS.append(what)


# WCAG contrast of every visible text against the nearest background that is painted behind it.
CONTRAST = """(() => {
  const parse = (c) => (c.match(/[\\d.]+/g) || []).map(Number);
  const light = (c) => { const v = c.slice(0, 3).map((x) => { x /= 255;
    return x <= 0.04045 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4; });
    return 0.2126 * v[0] + 0.7152 * v[1] + 0.0722 * v[2]; };
  let worst = 99, where = "";
  for (const element of document.body.querySelectorAll("*")) {
    const own = [...element.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());
    if (!own || !element.checkVisibility() || ["SCRIPT", "STYLE"].includes(element.tagName)
        || element.disabled || element.classList.contains("skip")) continue;
    let behind = element, back = [0, 0, 0, 0];
    while (behind && (back.length > 3 && back[3] === 0)) {
      back = parse(getComputedStyle(behind).backgroundColor);
      behind = behind.parentElement;
    }
    if (back.length > 3 && back[3] === 0) back = parse(
      getComputedStyle(document.documentElement).backgroundColor);
    const a = light(parse(getComputedStyle(element).color)), b = light(back);
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < worst) { worst = ratio; where = element.tagName + " " + element.className + " "
      + element.textContent.slice(0, 40); }
  }
  return [worst, where];
})()"""

NAMELESS = """[...document.querySelectorAll("button, input, a, dialog, section, img, pre")].filter((e) => {
  if (e.tagName === "IMG") return !e.hasAttribute("alt") || (e.checkVisibility() && !e.alt);
  if (e.tagName === "PRE") return false;
  return !(e.getAttribute("aria-label") || e.getAttribute("aria-labelledby")
    || e.textContent.trim() || (e.labels && e.labels.length));
}).map((e) => e.outerHTML.slice(0, 80))"""


def click_through(browser, page, shots):
    browser.do("/url", {"url": pathlib.Path(page).resolve().as_uri()})
    title = browser.js("document.title")
    expect("a prompt with markup in it is shown, not run: " + repr(title[:40]), title != "run")
    frames = browser.js("document.querySelectorAll('button.frame').length")
    references = browser.js("document.querySelectorAll('button.reference').length")
    expect("%d frames and %d references are there" % (frames, references), frames >= 1)
    broken = browser.js("[...document.images].filter((i) => i.src && !i.naturalWidth).length")
    expect("every picture decodes", broken == 0)
    now = "document.getElementById('now').textContent"
    pressed = "[...document.querySelectorAll('button.frame')].findIndex((b) => b.ariaPressed === 'true')"
    if references:
        expect("references and frames stand side by side at first",
               browser.js("!document.getElementById('pane-reference').hidden "
                          "&& !document.getElementById('pane-frame').hidden"))
    for theme in ("dark", "light"):
        browser.cdp("Emulation.setEmulatedMedia",
                    features=[{"name": "prefers-color-scheme", "value": theme}])
        worst, where = browser.js(CONTRAST)
        expect("%s: the least contrast is %.2f (%s)" % (theme, worst, where), worst >= 4.5)
        if shots:
            browser.screenshot(shots / ("side-%s.png" % theme))
    first = browser.js(now)
    if frames > 1:
        browser.keys("\ue014")  # right
        expect("the right arrow shows the next frame", browser.js(pressed) == 1
               and browser.js(now) != first)
        browser.click("#previous")
        expect("Previous goes back", browser.js(pressed) == 0)
        browser.keys("\ue010")  # end
        expect("End shows the last frame", browser.js(pressed) == frames - 1)
        browser.keys("\ue011")
        browser.click("li:nth-child(2) > button.frame")
        expect("a click on a frame shows it", browser.js(pressed) == 1)
    takes = browser.js("new Set([...document.querySelectorAll('button.frame')].map("
                       "(b) => b.dataset.take)).size")
    if takes > 1:
        browser.keys("\ue015")  # down
        expect("the down arrow shows the next take", browser.js(
            "document.querySelector('button.frame[aria-pressed=true]').dataset.take") == "1")
        browser.keys("\ue013")
    if references:
        browser.keys("3")
        expect("3 is the slider", browser.js("!document.getElementById('overlay').hidden"))
        box = browser.js("(() => { const b = document.getElementById('overlay')"
                         ".getBoundingClientRect(); return [b.left, b.top, b.width, b.height]; })()")
        middle = box[1] + box[3] / 2
        browser.drag(box[0] + box[2] / 2, middle, box[0] + box[2] / 4, middle)
        split = int(browser.js("document.getElementById('split').value"))
        expect("the seam follows the pointer (%d)" % split, 23 <= split <= 27)
        clip = browser.js("getComputedStyle(document.getElementById('over-clip')).clipPath")
        expect("the frame is cut at the seam (%s)" % clip, clip != "none")
        # What is right of the seam is the frame, what is left of it the plate.
        crop = browser.js("document.querySelector('button.reference').dataset.crop.split(',').map(Number)")
        size = browser.js("document.querySelector('button.reference').dataset.size.split(',').map(Number)")
        plate = browser.js("(() => { const b = document.getElementById('over-plate')"
                           ".getBoundingClientRect(); return [b.left, b.top, b.width, b.height]; })()")
        frame = browser.js("(() => { const b = document.getElementById('over-frame')"
                           ".getBoundingClientRect(); return [b.left, b.top, b.width, b.height]; })()")
        wanted = [plate[0] + crop[0] * plate[2] / size[0], plate[1] + crop[1] * plate[3] / size[1],
                  crop[2] * plate[2] / size[0], crop[3] * plate[3] / size[1]]
        expect("the frame lies on the rectangle that was cut from the plate",
               all(abs(a - b) < 0.6 for a, b in zip(frame, wanted)))
        browser.keys("]")
        expect("] moves the seam", int(browser.js("document.getElementById('split').value")) == split + 5)
        if shots:
            browser.screenshot(shots / "slider-light.png")
        browser.keys("f", "1")
        expect("f shows the reference in the frame's place", browser.js(
            "document.getElementById('tag-frame').className") == "tag reference")
        browser.keys("f")
    before = browser.js("getComputedStyle(document.documentElement).backgroundColor")
    browser.keys("t")
    expect("t changes the theme",
           browser.js("getComputedStyle(document.documentElement).backgroundColor") != before)
    if shots:
        browser.screenshot(shots / "frame-dark.png")
    browser.keys("?")
    expect("? lists the keys", browser.js("document.getElementById('help').open"))
    if shots:
        browser.screenshot(shots / "keys-dark.png")
    browser.click("#close")
    browser.js("document.querySelectorAll('details').forEach((d) => { d.open = true; })")
    for button in ("recipe-1", "command-1"):
        if browser.js("!document.getElementById('%s')" % button):
            continue
        browser.click("[data-copy=%s]" % button)
        deadline = time.monotonic() + 5
        said = ""
        while not said and time.monotonic() < deadline:
            said = browser.js("document.getElementById('said').textContent")
        expect("copying the %s says: %s" % (button, said), said.endswith("copied"))
    nameless = browser.js(NAMELESS)
    expect("everything has a name for those who can't see it %s" % nameless, not nameless)
    order = browser.js("document.querySelectorAll('[tabindex]:not([tabindex=\"0\"])').length")
    expect("the tab key's order is the page's own", order == 0)
    if shots:
        browser.js("document.querySelector('.facts').scrollIntoView()")
        browser.screenshot(shots / "facts-dark.png")
        browser.cdp("Emulation.setDeviceMetricsOverride", width=420, height=900,
                    deviceScaleFactor=1, mobile=True)
        browser.js("scrollTo(0, 0)")
        browser.screenshot(shots / "phone-dark.png")
        wide = browser.js("document.documentElement.scrollWidth > innerWidth + 1")
        expect("nothing sticks out on a narrow screen", not wide)
    messages = browser.console()
    expect("the console is silent %s" % messages, not messages)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("build")
    parser.add_argument("--page")
    parser.add_argument("--screenshots")
    args = parser.parse_args()
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    driver = shutil.which("chromedriver")
    if not chromium or not driver:
        print("skipped: chromium and chromium-driver are not installed")
        return SKIPPED
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as scratch:
        page = args.page
        if not page:
            page = os.path.join(scratch, "page.html")
            subprocess.run([os.path.join(args.build, "bin", "test_sheet"),
                            "--gtest_filter=Review.SamplePage"], check=True,
                           stdout=subprocess.DEVNULL, env={**os.environ, "KLIO_REVIEW_PAGE": page})
        shots = None
        if args.screenshots:
            shots = pathlib.Path(args.screenshots)
            shots.mkdir(parents=True, exist_ok=True)
        print("%s: %d bytes" % (page, os.path.getsize(page)))
        browser = Browser(chromium, driver, os.path.join(scratch, "profile"))
        try:
            click_through(browser, page, shots)
        finally:
            browser.close()
    print("review page in Chromium: %s" % ("FAILED: " + "; ".join(FAULTS) if FAULTS else "all well"))
    return 1 if FAULTS else 0


if __name__ == "__main__":
    sys.exit(main())
