#!/usr/bin/env bash
# klio's main job once, end to end, on a fresh Debian 12: installs what it needs, builds, renders a
# scene-linear HDR plate, has the local gateway make four frames from it (marked previews: no key,
# no cost), and writes EXR frames, a labelled contact sheet and the same through oiiotool and the
# plugin. Run it again and it takes seconds. Pictures go to out/quickstart.
set -euo pipefail
cd "$(dirname "$0")/.."
build=${KLIO_BUILD:-build}
out=out/quickstart

samples/install-packages.sh samples/packages.txt
# In place already: only what changed is built again.
cmake -S . -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DKLIO_BUILD_TESTS=OFF >/dev/null
cmake --build "$build"

mkdir -p "$out"
export PATH="$(cd "$build" && pwd)/bin:$PATH"
# A data folder of the quickstart's own, so that it leaves yours alone.
export KLIO_HOME="$PWD/$out/data"
eval "$(klio env)"

[ -s "$out/plate.exr" ] || make_plate "$out/plate.exr" 2048x1152
cat >"$out/shot.kling" <<'EOF'
{
  "model": "kling-image-o1",
  "prompt": "The robot of <<<image_1>>> walks through the same valley in heavy rain, lantern lit, cinematic",
  "images": ["plate.exr"],
  "aspect_ratio": "16:9",
  "resolution": "2k",
  "num_images": 4,
  "klio": {"endpoint": "local"}
}
EOF

klio generate "$out/shot.kling" --out "$out/frame.#.exr" --sheet "$out/sheet.png" --force
# The plugin: the recipe is an image, its frames are subimages; one of them, for looking at:
oiiotool "$out/shot.kling?frame=1&to=srgb" --resize 960x0 -o "$out/through-the-plugin.png"
oiiotool --info -v "$out/shot.kling" >"$out/info.txt"

cat <<EOF

The pictures:
  $out/plate.exr               the plate: scene-linear, highlights up to 266
  $out/frame.0001.exr … 0004   the frames, half float, scene-linear
  $out/sheet.png               the contact sheet
  $out/through-the-plugin.png  the first frame as oiiotool reads it from shot.kling
  $out/info.txt                what oiiotool --info -v says of shot.kling
Try next:
  eval "\$($build/bin/klio env)"; export KLIO_HOME=$out/data
  oiiotool $out/shot.kling -o copy.exr
EOF
