#include "sheet/review_assets.h"

namespace klio::sheet {

// Text is only ever set as text, and styles through the object model, which the page's policy
// allows where it would not allow style attributes.
const char* const review_script = R"js(
"use strict";
(() => {
  const $ = (id) => document.getElementById(id);
  const all = (selector) => Array.from(document.querySelectorAll(selector));
  const frames = all("button.frame");
  const references = all("button.reference");
  const modes = ["frame", "side", "slider"];
  let frame = 0;
  let reference = 0;
  let mode = references.length ? "side" : "frame";
  let split = 50;
  let flipped = false;

  const picture = (button) => button && button.querySelector("img");
  const label = (button) => button ? button.dataset.label : "";

  // Where a frame stands on its reference: both in per cent of the smallest rectangle around the
  // reference's display window and the rectangle that was cut from it.
  function place(image, box, around) {
    const s = image.style;
    s.left = 100 * (box[0] - around[0]) / around[2] + "%";
    s.top = 100 * (box[1] - around[1]) / around[3] + "%";
    s.width = 100 * box[2] / around[2] + "%";
    s.height = 100 * box[3] / around[3] + "%";
  }

  function overlay() {
    const over = $("overlay");
    const data = references[reference].dataset;
    const size = data.size.split(",").map(Number);
    const crop = data.crop.split(",").map(Number);
    const plate = [0, 0, size[0], size[1]];
    const left = Math.min(0, crop[0]), top = Math.min(0, crop[1]);
    const around = [left, top, Math.max(size[0], crop[0] + crop[2]) - left,
                    Math.max(size[1], crop[1] + crop[3]) - top];
    $("over-plate").src = picture(references[reference]).src;
    $("over-frame").src = picture(frames[frame]).src;
    $("over-plate").alt = label(references[reference]);
    $("over-frame").alt = label(frames[frame]);
    place($("over-plate"), plate, around);
    place($("over-frame"), crop, around);
    const room = $("viewer").getBoundingClientRect();
    const scale = Math.min((room.width - 16) / around[2], (room.height - 16) / around[3]);
    over.style.width = around[2] * scale + "px";
    over.style.height = around[3] * scale + "px";
    $("over-clip").style.clipPath = "inset(0 0 0 " + split + "%)";
    $("seam").style.left = split + "%";
  }

  function show() {
    const hasFrame = frames.length > 0;
    const hasReference = references.length > 0 && Boolean(picture(references[reference]));
    if (!hasReference) mode = "frame";
    for (const [i, button] of frames.entries())
      button.setAttribute("aria-pressed", String(i === frame));
    for (const [i, button] of references.entries())
      button.setAttribute("aria-pressed", String(i === reference));
    for (const name of modes) {
      $("mode-" + name).setAttribute("aria-pressed", String(name === mode));
      $("mode-" + name).disabled = !hasFrame || (name !== "frame" && !hasReference);
    }
    $("viewer").className = mode;
    $("pane-reference").hidden = mode !== "side";
    $("pane-frame").hidden = mode === "slider";
    $("overlay").hidden = mode !== "slider";
    $("split-label").hidden = mode !== "slider";
    if (!hasFrame) {
      $("stage").hidden = true;
      return;
    }
    const shown = flipped && hasReference ? references[reference] : frames[frame];
    $("big-frame").src = picture(shown).src;
    $("big-frame").alt = label(shown);
    $("tag-frame").textContent = label(shown);
    $("tag-frame").className = shown === frames[frame] ? "tag" : "tag reference";
    if (mode === "side") {
      $("big-reference").src = picture(references[reference]).src;
      $("big-reference").alt = label(references[reference]);
      $("tag-reference").textContent = "Reference: " + label(references[reference]);
    }
    if (mode === "slider") overlay();
    $("now").textContent = label(frames[frame]) + " (" + (frame + 1) + " of " + frames.length + ")";
    $("previous").disabled = frame === 0;
    $("next").disabled = frame === frames.length - 1;
  }

  function select(index) {
    if (!frames.length) return;
    frame = Math.max(0, Math.min(frames.length - 1, index));
    show();
    $("stage").scrollIntoView({block: "nearest"});
  }

  // The same place in the take above or below, or its last frame.
  function selectTake(step) {
    const takes = [...new Set(frames.map((button) => button.dataset.take))];
    const take = takes.indexOf(frames[frame].dataset.take) + step;
    if (take < 0 || take >= takes.length) return;
    const place = (i) => frames.filter((b) => b.dataset.take === takes[i]);
    const at = place(take - step).indexOf(frames[frame]);
    const there = place(take);
    select(frames.indexOf(there[Math.min(at, there.length - 1)]));
  }

  function setMode(name) {
    if (!$("mode-" + name).disabled) mode = name;
    show();
    $("stage").scrollIntoView({block: "nearest"});
  }

  function setSplit(value) {
    split = Math.max(0, Math.min(100, value));
    $("split").value = String(Math.round(split));
    if (mode === "slider") overlay();
  }

  function setTheme() {
    const root = document.documentElement;
    const dark = root.dataset.theme
      ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
    $("theme").setAttribute("aria-pressed", String(!dark));
  }

  async function copy(button) {
    const text = $(button.dataset.copy).textContent;
    let done = false;
    try {
      await navigator.clipboard.writeText(text);
      done = true;
    } catch (refused) {
      const area = document.createElement("textarea");
      area.value = text;
      document.body.append(area);
      area.select();
      done = document.execCommand("copy");
      area.remove();
      button.focus();
    }
    button.textContent = done ? "Copied" : "Select it and copy";
    $("said").textContent = done ? button.dataset.what + " copied" : "Copying was refused";
    setTimeout(() => { button.textContent = "Copy"; }, 1600);
  }

  frames.forEach((button, i) => button.addEventListener("click", () => select(i)));
  references.forEach((button, i) => button.addEventListener("click", () => {
    reference = i;
    show();
    $("stage").scrollIntoView({block: "nearest"});
  }));
  for (const name of modes) $("mode-" + name).addEventListener("click", () => setMode(name));
  $("previous").addEventListener("click", () => select(frame - 1));
  $("next").addEventListener("click", () => select(frame + 1));
  $("split").addEventListener("input", (event) => setSplit(Number(event.target.value)));
  $("theme").addEventListener("click", setTheme);
  $("keys").addEventListener("click", () => $("help").showModal());
  $("close").addEventListener("click", () => $("help").close());
  all("button[data-copy]").forEach((button) =>
    button.addEventListener("click", () => copy(button)));
  addEventListener("resize", () => { if (mode === "slider") overlay(); });

  const over = $("overlay");
  function drag(event) {
    const box = over.getBoundingClientRect();
    setSplit(100 * (event.clientX - box.left) / box.width);
  }
  over.addEventListener("pointerdown", (event) => {
    over.setPointerCapture(event.pointerId);
    drag(event);
  });
  over.addEventListener("pointermove", (event) => {
    if (over.hasPointerCapture(event.pointerId)) drag(event);
  });

  const actions = {
    ArrowLeft: () => select(frame - 1), ArrowRight: () => select(frame + 1),
    ArrowUp: () => selectTake(-1), ArrowDown: () => selectTake(1),
    Home: () => select(0), End: () => select(frames.length - 1),
    "1": () => setMode("frame"), "2": () => setMode("side"), "3": () => setMode("slider"),
    "[": () => setSplit(split - 5), "]": () => setSplit(split + 5),
    f: () => { flipped = !flipped; show(); }, t: setTheme, "?": () => $("help").showModal(),
  };
  addEventListener("keydown", (event) => {
    const typing = event.target.matches("input, textarea, summary, pre, .prompt");
    const named = event.key.length > 1;
    if (event.ctrlKey || event.metaKey || event.altKey || $("help").open || (typing && named))
      return;
    if (event.key === "ArrowUp" || event.key === "ArrowDown") {
      // Scrolling stays what it is unless a frame was chosen with the keyboard or there are takes.
      if (new Set(frames.map((button) => button.dataset.take)).size < 2) return;
    }
    const action = frames.length ? actions[event.key] : undefined;
    if (!action) return;
    event.preventDefault();
    action();
  });
  $("stage").hidden = false;
  all(".scripted").forEach((element) => { element.hidden = false; });
  show();
})();
)js";

} // namespace klio::sheet
