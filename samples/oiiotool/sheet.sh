#!/usr/bin/env bash
# Two contact sheets: klio's own with labels and references, and a bare one by oiiotool alone.
#
#   sheet.sh shot.kling sheet.png bare.png
set -euo pipefail
recipe=$1 sheet=$2 bare=$3

oiiotool "$recipe?sheet=1" -o "$sheet"
count=$(iinfo "$recipe" | sed -n 's/.*(\([0-9]*\) subimages).*/\1/p')
columns=$((${count:-1} > 1 ? 2 : 1))
rows=$(((${count:-1} + columns - 1) / columns))
# Code values as they came (to=srgb): what a PNG shows.
oiiotool "$recipe?to=srgb" --sisplit --mosaic:pad=16 "${columns}x$rows" \
    --resize 1600x0 -o "$bare"
