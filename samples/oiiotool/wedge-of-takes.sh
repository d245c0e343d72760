#!/usr/bin/env bash
# The first frame of several takes, as a sequence and side by side. A take that the store has not
# is an error with its price: nothing is bought here (KLIO_ON_MISS=generate would).
#
#   wedge-of-takes.sh shot.kling 3 'wedge.#.exr' wedge.png
set -euo pipefail
recipe=$1 takes=$2 sequence=$3 picture=$4

oiiotool --frames "1-$takes" "$recipe?take=#&frame=1" -o "$sequence"

names=()
for take in $(seq "$takes"); do
    names+=("$recipe?take=$take&frame=1&to=srgb")
done
oiiotool "${names[@]}" --mosaic:pad=16 "${takes}x1" --resize 1600x0 -o "$picture"
